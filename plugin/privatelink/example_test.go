package privatelink_test

import (
	"fmt"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"

	_ "github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
)

// A program with CoreDNS and the plugin in it, which serves a Corefile.
func Example() {
	dnsserver.Quiet = true
	instance, err := caddy.Start(caddy.CaddyfileInput{ServerTypeName: "dns", Filepath: "Corefile", Contents: []byte(`
		.:0 {
			bind 127.0.0.1
			privatelink {
				record account.blob.core.windows.net 10.20.0.4
			}
		}`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer instance.Stop() //nolint:errcheck // it always returns nil
	defer instance.ShutdownCallbacks()

	query := new(dns.Msg).SetQuestion("account.blob.core.windows.net.", dns.TypeA)
	response, err := dns.Exchange(query, instance.Servers()[0].LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rr := range response.Answer {
		fmt.Println(rr)
	}
	// Output:
	// account.blob.core.windows.net.	60	IN	CNAME	account.privatelink.blob.core.windows.net.
	// account.privatelink.blob.core.windows.net.	60	IN	A	10.20.0.4
}
