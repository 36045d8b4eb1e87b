//go:build !linux

package fastpath

import "github.com/coredns/coredns/core/dnsserver"

type listener struct{}

func (*listener) close(bool) {}

func (in *instance) listen(server *dnsserver.Server) (*listener, error) {
	if r, err := in.routesOf(server, "udp"); r == nil {
		return nil, err
	}
	return nil, errNoLinux
}

type connections struct{}

func (*connections) close(bool) {}

// accept leaves the connections to the server. The log has the line of listen.
func (in *instance) accept(*dnsserver.Server) (*connections, error) { return nil, nil }
