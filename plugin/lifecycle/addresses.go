package lifecycle

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin/pkg/transport"
)

// An address is one that a server block listens on.
type address struct{ network, host, port string }

func (a address) String() string { return net.JoinHostPort(a.host, a.port) }

// networks are those of the transports. Plain DNS also listens on TCP, with the same
// port.
var networks = map[string]string{
	transport.DNS: "udp", transport.QUIC: "udp", transport.HTTPS3: "udp",
	transport.TLS: "tcp", transport.HTTPS: "tcp", transport.GRPC: "tcp",
}

// checkAddresses returns an error if another process listens on an address of a server
// block already. CoreDNS shares its ports (SO_REUSEPORT), so a second server of the
// same user would start without an error, and get a part of the queries. After a first
// start, the sockets may be those of this process, and checkAddresses returns nil.
func checkAddresses(ctx caddy.Context) error {
	if !first() {
		return nil
	}
	all, err := addressesOf(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.port != "0" && taken(a) {
			return fmt.Errorf("another process listens on %s already, stop it first", a)
		}
	}
	return nil
}

// CheckTCP returns an error if another process listens on the address of a plugin at a
// first start, as for the addresses of the server blocks. The plugin itself reports an
// address that is not valid.
func CheckTCP(text string) error {
	addr, err := net.ResolveTCPAddr("tcp", text)
	if err != nil || addr.Port == 0 || !first() {
		return nil
	}
	a := address{network: "tcp", port: strconv.Itoa(addr.Port)}
	if len(addr.IP) > 0 {
		a.host = addr.AddrPort().Addr().String()
	}
	if taken(a) {
		return fmt.Errorf("another process listens on %s already", text)
	}
	return nil
}

// first reports whether no instance of this process has started.
func first() bool { return !slices.ContainsFunc(caddy.Instances(), started) }

var errContext = errors.New("the addresses of the server blocks cannot be read: the version of CoreDNS is unknown")

// addressesOf returns the addresses of all server blocks after their directives have been
// executed. CoreDNS has them in fields that are not exported. Its other places for them
// are each plugin's own block, or servers that listen already.
func addressesOf(ctx caddy.Context) (all []address, err error) {
	defer func() {
		if recover() != nil { // of package reflect
			all, err = nil, errContext
		}
	}()
	for _, config := range reflect.ValueOf(ctx).Elem().FieldByName("configs").Seq2() {
		c := config.Elem()
		network := networks[c.FieldByName("Transport").String()]
		// Plugin bind sets the hosts of the first zone of a block, for all of them.
		hosts := c.FieldByName("firstConfigInBlock").Elem().FieldByName("ListenHosts")
		for _, host := range hosts.Seq2() {
			a := address{network, host.String(), c.FieldByName("Port").String()}
			if network != "" && !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all, nil
}
