package records

import (
	"cmp"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A fake is a server with the zone privatelink.blob.core.windows.net.
type fake struct {
	addr     string
	records  []dns.RR // the SOA record first
	transfer func(w dns.ResponseWriter, r *dns.Msg, records []dns.RR)
	missing  int  // the RCODE for what is not there, REFUSED by default
	ede      bool // with an extended error
	cut      bool // UDP has room for nothing
}

const soaText = "Privatelink.blob.core.windows.net. 10 SOA ns.x. m.x. 7 1 1 1 1"

func serve(t *testing.T, f *fake, records ...string) string {
	t.Helper()
	for _, text := range append([]string{soaText, "privatelink.blob.core.windows.net. 3600 NS ns.x."}, records...) {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		f.records = append(f.records, rr)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		t.Skip(err) // somebody else's
	}
	for _, server := range []*dns.Server{{Listener: tcp, Handler: f}, {PacketConn: udp, Handler: f}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go server.ActivateAndServe() //nolint:errcheck // it ends with the test
		<-started
		t.Cleanup(func() { server.Shutdown() }) //nolint:errcheck // nothing is left to do
	}
	f.addr = tcp.Addr().String()
	return f.addr
}

func (f *fake) ServeDNS(w dns.ResponseWriter, r *dns.Msg) {
	q := r.Question[0]
	m := new(dns.Msg).SetRcode(r, cmp.Or(f.missing, dns.RcodeRefused))
	switch {
	case q.Qtype == dns.TypeAXFR && f.transfer != nil:
		f.transfer(w, r, f.records)
		return
	case q.Qtype == dns.TypeAXFR:
		m.Rcode = dns.RcodeRefused
	default:
		for _, rr := range f.records {
			if strings.EqualFold(rr.Header().Name, q.Name) && rr.Header().Rrtype == q.Qtype && !r.RecursionDesired {
				m.Rcode, m.Authoritative, m.Answer = 0, true, append(m.Answer, rr)
			}
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp && f.cut {
		m.Truncated, m.Answer = true, nil
	}
	if m.Rcode != 0 && f.ede {
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNotReady}}
	}
	w.WriteMsg(m) //nolint:errcheck // the test sees it
}

// send returns a transfer of these messages; a part is a range of the records,
// with one SOA record more behind the last.
func send(parts ...[2]int) func(dns.ResponseWriter, *dns.Msg, []dns.RR) {
	return func(w dns.ResponseWriter, r *dns.Msg, records []dns.RR) {
		all := append(append([]dns.RR{}, records...), records[0])
		for _, part := range parts {
			m := new(dns.Msg).SetReply(r)
			m.Answer = all[part[0]:part[1]]
			w.WriteMsg(m) //nolint:errcheck // the test sees it
		}
		w.Close()
	}
}

func fail(rcode int) func(dns.ResponseWriter, *dns.Msg, []dns.RR) {
	return func(w dns.ResponseWriter, r *dns.Msg, _ []dns.RR) {
		w.WriteMsg(new(dns.Msg).SetRcode(r, rcode)) //nolint:errcheck // the test sees it
	}
}

func TestServer(t *testing.T) {
	inFolder(t)
	const (
		a, new6   = "A.privatelink.blob.core.windows.net. 60 A 10.20.0.4", "new.privatelink.blob.core.windows.net. 30 AAAA fd00::7"
		other     = "txt.privatelink.blob.core.windows.net. 60 TXT x"
		aServed   = "10.20.0.4 a.privatelink.blob.core.windows.net a.blob.core.windows.net # " + id + "pe-vault\n"
		newServed = "fd00::7 new.privatelink.blob.core.windows.net new.blob.core.windows.net\n"
		remedy    = "does not transfer privatelink.blob.core.windows.net: the names that the input has are asked for one by one, others are not seen.\n" +
			"To see all of them put this into the server block that privatelink is in:\n\n    transfer {\n        to 127.0.0.1\n    }\n"
		others = "does not serve privatelink.queue.core.windows.net (REFUSED), " +
			"privatelink.siterecovery.windowsazure.com (REFUSED), privatelink.we.backup.windowsazure.com (REFUSED)\n"
	)
	for _, tt := range []struct {
		name           string
		server         *fake
		records        []string
		status         int
		stdout, stderr string // parts; "-" is nothing
	}{
		{"transfers", &fake{transfer: send([2]int{0, 5})}, []string{a, new6}, 0, aServed + newServed, others},
		{"transfers in several messages", &fake{transfer: send([2]int{0, 1}, [2]int{1, 3}, [2]int{3, 5})}, []string{a, new6}, 0, aServed + newServed, others},
		{"transfers an empty zone", &fake{transfer: send([2]int{0, 3})}, nil, 2, "-", " has no record: check that it is the right server\n"},
		{"transfers another type", &fake{transfer: send([2]int{0, 5})}, []string{a, other}, 0, aServed, "1 record of other types than A and AAAA, not shown\n"},
		{"refuses", &fake{}, []string{a, new6}, 0, aServed, remedy},
		{"refuses, a name is gone", &fake{missing: dns.RcodeNameError}, []string{new6}, 2, "-", remedy},
		{"is not authoritative for transfers", &fake{transfer: fail(dns.RcodeNotAuth)}, []string{a}, 0, aServed, remedy},
		{"refuses, answers do not fit UDP", &fake{cut: true}, []string{a}, 0, aServed, remedy},
		{"refuses, and is not ready", &fake{missing: dns.RcodeServerFailure, ede: true}, []string{a}, 2, aServed,
			": ask for a.privatelink.blob.core.windows.net: SERVFAIL, EDE 14 (Not Ready), and 2 more like this\n"},
		{"is not ready", &fake{transfer: fail(dns.RcodeServerFailure)}, nil, 2, "-",
			": privatelink.blob.core.windows.net: transfer: SERVFAIL: not every source of the server is loaded yet, its log says which\n"},
		{"has a zone that expired", &fake{transfer: send([2]int{0, 4}), missing: dns.RcodeServerFailure}, []string{a}, 2, aServed, ": privatelink.queue.core.windows.net: SERVFAIL\n"},
		{"is angry", &fake{transfer: fail(dns.RcodeFormatError)}, nil, 2, "-", ": transfer: FORMERR\n"},
		{"breaks off", &fake{transfer: send([2]int{0, 3})}, []string{a}, 2, aServed, ": transfer: EOF\n"},
		{"begins in the middle", &fake{transfer: send([2]int{1, 3})}, []string{a}, 2, "-", "transfer: it does not begin with an SOA record"},
		{"sends an empty message", &fake{transfer: send([2]int{0, 1}, [2]int{1, 1})}, []string{a}, 2, "-", "or has an empty message"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := serve(t, tt.server, tt.records...)
			status, stdout, stderr := run(t, "-files a.json -format hosts -server "+addr)
			if status != tt.status || !has(stdout, tt.stdout) || !has(stderr, tt.stderr) {
				t.Errorf("status %d, stdout\n%s\nstderr\n%s\nwant %d,\n%s\n%s", status, stdout, stderr, tt.status, tt.stdout, tt.stderr)
			}
		})
	}
}

// Both sides may be servers; the zone file has the server's own SOA record.
func TestServersDiffer(t *testing.T) {
	inFolder(t)
	one := serve(t, &fake{transfer: send([2]int{0, 4})}, "x.privatelink.blob.core.windows.net. 60 A 10.0.0.1")
	two := serve(t, &fake{transfer: send([2]int{0, 4})}, "x.privatelink.blob.core.windows.net. 60 A 10.0.0.2")
	const want = "- x.privatelink.blob.core.windows.net 10.0.0.1\n+ x.privatelink.blob.core.windows.net 10.0.0.2\n"
	if status, stdout, stderr := run(t, "-files none.json -server "+two+" -diff server:"+one); status != 1 || stdout != want {
		t.Errorf("status %d, stdout\n%s\nstderr\n%s\nwant 1\n%s", status, stdout, stderr, want)
	}
	const zone = "Privatelink.blob.core.windows.net.\t10\tIN\tSOA\tns.x. m.x. 7 1 1 1 1\n" +
		"privatelink.blob.core.windows.net.\t3600\tIN\tNS\tns.x.\nx.privatelink.blob.core.windows.net.\t60\tIN\tA\t10.0.0.1\n"
	status, stdout, stderr := run(t, "-server "+one+" -files none.json -format zone -zone privatelink.blob.core.windows.net")
	if status != 0 || stdout != zone {
		t.Errorf("status %d, stdout\n%s\nstderr\n%s\nwant 0\n%s", status, stdout, stderr, zone)
	}
}

func TestNoServer(t *testing.T) {
	inFolder(t)
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	status, stdout, stderr := run(t, "-server "+free.LocalAddr().String())
	want := "p records: ask " + free.LocalAddr().String() + " for privatelink.blob.core.windows.net: "
	if status != 2 || stdout != "" || !strings.HasPrefix(stderr, want) {
		t.Errorf("nobody there: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	addr := serve(t, &fake{})
	status, stdout, stderr = run(t, "-zone privatelink.x.net -server "+addr)
	want = addr + " serves none of the zones privatelink.x.net (REFUSED): is it the right server, and does its acl let this machine ask?\n"
	if status != 2 || stdout != "" || !strings.HasSuffix(stderr, want) {
		t.Errorf("another server: status %d, stdout %q, stderr %q; want 2, %q", status, stdout, stderr, want)
	}
}
