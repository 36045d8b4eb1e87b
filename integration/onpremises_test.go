package integration

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// An office is the whole on-premises.corefile, with only addresses, ports and paths
// replaced, before two hub forwarders and two domain controllers.
type office struct {
	*server
	hubs, controllers [2]*fakedns.Server
}

// officeCorefile has the addresses of on-premises.corefile as variables.
func officeCorefile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../corefile/on-premises.corefile")
	if err != nil {
		t.Fatal(err)
	}
	replaced := string(text)
	for _, pair := range [][2]string{{"10.10.0.4 10.10.0.5", "{$HUB1} {$HUB2}"}, {"10.1.0.10 10.1.0.11", "{$DC1} {$DC2}"}, {"198.51.100.53", "{$PROVIDER}"}} {
		if strings.Count(replaced, pair[0]) != 1 {
			t.Fatalf("on-premises.corefile has %q %d times; want once", pair[0], strings.Count(replaced, pair[0]))
		}
		replaced = strings.Replace(replaced, pair[0], pair[1], 1)
	}
	return replaced
}

const (
	// internet is what every resolver knows. TTLs are 1 s, so that a name that was
	// asked before is soon stale.
	internet = `
$TTL 1
www.far.example.                                   A     198.51.100.80
later.far.example.                                 A     198.51.100.80
partner.example.                                   CNAME wepod01ecs114x.blob.core.windows.net.
wepod01ecs114x.blob.core.windows.net.              CNAME wepod01ecs114x.privatelink.blob.core.windows.net.
wepod01ecs114x.privatelink.blob.core.windows.net.  CNAME blob.am01prdstr01a.store.core.windows.net.
someoneelse.blob.core.windows.net.                 CNAME someoneelse.privatelink.blob.core.windows.net.
someoneelse.privatelink.blob.core.windows.net.     CNAME blob.am01prdstr01a.store.core.windows.net.
blob.am01prdstr01a.store.core.windows.net.         A     203.0.113.7
$GENERATE 1-160 n$.far.example.                    A     198.51.100.80
.                                                  SOA   a.root.example. nobody.example. 1 3600 300 86400 60
`
	// behindTheVPN is what only the hub knows.
	behindTheVPN = internet + "db.hub.example. 1 A 10.10.9.9\n"
	// company is what the domain controllers know. They resolve the alias themselves.
	company = internet + `
www.corp.example.    1 A     10.1.0.80
later.corp.example.  1 A     10.1.0.80
$GENERATE 1-160 n$.corp.example. 1 A 10.1.0.80
backup.corp.example. 1 CNAME wepod01ecs114x.blob.core.windows.net.
corp.example.        1 SOA   dc.corp.example. hostmaster.corp.example. 1 3600 300 86400 60
`
)

func openOffice(t *testing.T, corefile string) *office {
	t.Helper()
	o := &office{server: prepare(t, "")}
	o.env["PROVIDER"] = fakedns.New(t, internet).Addr
	for i := range 2 {
		o.hubs[i], o.controllers[i] = fakedns.New(t, behindTheVPN), fakedns.New(t, company)
		o.env[fmt.Sprintf("HUB%d", i+1)], o.env[fmt.Sprintf("DC%d", i+1)] = o.hubs[i].Addr, o.controllers[i].Addr
	}
	o.write("Corefile", o.onLoopback(corefile))
	o.start()
	return o
}

// officeNames are asked in each case. right is the address of an answer that helps.
var officeNames = []struct{ column, name, right string }{
	{"vault", fc1, "10.20.0.4"},
	{"account", blob, "10.20.0.12"},
	{"company's alias of the account", "backup.corp.example", "10.20.0.12"},
	{"partner's alias of the account", "partner.example", "10.20.0.12"},
	{"company name", "www.corp.example", "10.1.0.80"},
	{"name of the hub", "db.hub.example", "10.10.9.9"},
	{"Internet name", "www.far.example", "198.51.100.80"},
	{"other tenant's account", "someoneelse.blob.core.windows.net", "203.0.113.7"},
}

// officeLater are asked when upstream has noticed what is wrong.
var officeLater = []struct{ column, name, right string }{
	{"company name, 10 s later", "later.corp.example", "10.1.0.80"},
	{"Internet name, 10 s later", "later.far.example", "198.51.100.80"},
}

const noticed = 10 * time.Second

// result asks for a name and returns what a client makes of it.
func (o *office) result(name, right string) string {
	began := time.Now()
	m, _, err := (&dns.Client{Timeout: 8 * time.Second}).Exchange(question(name, dns.TypeA), o.addr(""))
	if err != nil {
		return "no reply"
	}
	addr := ""
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			addr = a.A.String()
		}
	}
	switch took := time.Since(began); {
	case addr == right && strings.HasPrefix(right, "10.20."):
		return "private address" + after(took)
	case addr == right:
		return "answer" + after(took)
	case addr != "":
		return "public address" + after(took)
	case m.Rcode == dns.RcodeSuccess:
		return "no address" + after(took)
	default:
		return dns.RcodeToString[m.Rcode] + after(took)
	}
}

// after is the time that a client waits, roughly. A busy machine adds to it.
func after(d time.Duration) string {
	switch {
	case d < 1600*time.Millisecond: // a slow upstream that is asked first costs up to a second
		return ""
	case d < 3500*time.Millisecond:
		return " after 2 s"
	}
	return " after 4 s"
}

// An officeCase breaks some of the servers.
type officeCase struct {
	name   string
	asked  bool // the names were asked before
	script func(o *office)
}

// officeCases are all the ways in which one or both servers of a kind fail.
func officeCases(t *testing.T) []officeCase {
	t.Helper()
	lie, err := dns.NewRR(". 86400 A 203.0.113.66")
	if err != nil {
		t.Fatal(err)
	}
	provider := fakedns.New(t, internet)
	behaviors := []struct {
		name   string
		script fakedns.Script
	}{
		{"silent", fakedns.Silent},
		{"slow (3 s)", fakedns.Slow(3 * time.Second)},
		{"SERVFAIL", fakedns.Rcode(dns.RcodeServerFailure)},
		{"REFUSED", fakedns.Rcode(dns.RcodeRefused)},
		{"NXDOMAIN for all", fakedns.Rcode(dns.RcodeNameError)},
		{"public address for all", fakedns.Lies(lie)},
		{"as the provider's resolver", provider.Answer},
	}
	cases := []officeCase{{name: "all well", script: func(*office) {}}}
	for _, b := range behaviors {
		cases = append(cases,
			officeCase{name: "first hub: " + b.name, script: func(o *office) { o.hubs[0].Rest(b.script) }},
			officeCase{name: "both hubs: " + b.name, script: func(o *office) { o.hubs[0].Rest(b.script); o.hubs[1].Rest(b.script) }},
			officeCase{name: "first controller: " + b.name, script: func(o *office) { o.controllers[0].Rest(b.script) }},
			officeCase{name: "both controllers: " + b.name, script: func(o *office) { o.controllers[0].Rest(b.script); o.controllers[1].Rest(b.script) }})
	}
	all := func(script fakedns.Script) func(o *office) {
		return func(o *office) {
			for i := range 2 {
				o.hubs[i].Rest(script)
				o.controllers[i].Rest(script)
			}
		}
	}
	return append(cases,
		officeCase{name: "all four: silent, names asked before", asked: true, script: all(fakedns.Silent)},
		officeCase{name: "all four: SERVFAIL, names asked before", asked: true, script: all(fakedns.Rcode(dns.RcodeServerFailure))})
}

// What clients of an office get while its upstreams fail in every way. README.md
// has the table.
func TestOnPremises(t *testing.T) {
	t.Parallel()
	corefile, cases := officeCorefile(t), officeCases(t)
	offices := make([]*office, len(cases))
	for i := range cases {
		offices[i] = openOffice(t, corefile)
	}
	var all sync.WaitGroup
	for i, c := range cases {
		all.Go(func() { offices[i].run(t, c) })
	}
	all.Wait()
}

// run asks all names at once: most of the time is spent waiting.
func (o *office) run(t *testing.T, c officeCase) {
	if c.asked {
		for _, n := range officeNames {
			if got := o.result(n.name, n.right); strings.Contains(got, "after") {
				t.Errorf("all well, %s: %s", n.column, got)
			}
		}
		<-time.After(1100 * time.Millisecond) // their TTL
	}
	c.script(o)
	var all sync.WaitGroup
	for _, n := range officeNames {
		all.Go(func() {
			got := o.result(n.name, n.right)
			if (n.column == "vault" || n.column == "account") && got != "private address" {
				t.Errorf("%s, %s: %s; want the private address at once", c.name, n.column, got)
			}
			note(t, "Office", c.name, n.column, got)
		})
	}
	all.Go(func() {
		<-time.After(noticed)
		for _, n := range officeLater {
			note(t, "Office", c.name, n.column, o.result(n.name, n.right))
		}
	})
	all.Wait()
	o.stop(t)
}

// One of two servers that boots, or refuses us, costs no answer, whichever it is.
func TestFailover(t *testing.T) {
	t.Parallel()
	o := openOffice(t, officeCorefile(t))
	asked := 0
	for _, rcode := range []int{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNotImplemented, dns.RcodeNotAuth} {
		for i := range 2 {
			o.hubs[i].Rest(fakedns.Rcode(rcode))
			o.controllers[i].Rest(fakedns.Rcode(rcode))
			failed := 0
			for range 20 {
				asked++
				for domain, right := range map[string]string{"far": "198.51.100.80", "corp": "10.1.0.80"} {
					if !strings.HasPrefix(o.result(fmt.Sprintf("n%d.%s.example", asked, domain), right), "answer") {
						failed++
					}
				}
			}
			if failed > 0 {
				t.Errorf("%s from server %d of each kind: %d of 40 queries fail", dns.RcodeToString[rcode], i+1, failed)
			}
			o.hubs[i].Rest(nil)
			o.controllers[i].Rest(nil)
		}
	}
}
