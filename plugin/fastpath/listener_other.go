//go:build !linux

package fastpath

import "github.com/coredns/coredns/core/dnsserver"

type listener struct{}

func (*listener) close() {}

func (in *instance) listen(server *dnsserver.Server) (*listener, error) {
	if r, err := in.routesOf(server); r == nil {
		return nil, err
	}
	return nil, errNoLinux
}
