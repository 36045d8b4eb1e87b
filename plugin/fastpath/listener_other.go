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
	if r, err := in.routesOf(server); r == nil {
		return nil, err
	}
	return nil, errNoLinux
}
