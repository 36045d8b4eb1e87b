//go:build !linux

package fastpath

import (
	"errors"

	"github.com/coredns/coredns/core/dnsserver"
)

type listener struct{}

func (*listener) close() {}

var errNoLinux = errors.New("it is available on Linux only")

func (in *instance) listen(server *dnsserver.Server) (*listener, error) {
	host, port, _, err := in.addressOf(server)
	if err != nil {
		return nil, err
	}
	if r, err := in.routesOf(server, host, port); r == nil {
		return nil, err
	}
	return nil, errNoLinux
}
