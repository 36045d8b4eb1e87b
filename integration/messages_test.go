package integration

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// messageHeader returns a header with ID 0x4242 and the counts of the four sections.
func messageHeader(bits uint16, counts ...uint16) []byte {
	wire := []byte{0x42, 0x42}
	wire = binary.BigEndian.AppendUint16(wire, bits)
	for _, n := range counts {
		wire = binary.BigEndian.AppendUint16(wire, n)
	}
	return append(wire, make([]byte, 12-len(wire))...)
}

// asking is a question for a name in wire format.
func asking(name string, qtype, qclass uint16) []byte {
	wire := binary.BigEndian.AppendUint16([]byte(name), qtype)
	return binary.BigEndian.AppendUint16(wire, qclass)
}

const (
	rd        = 1 << 8
	vaultWire = "\x204728190365512870934-ab-pod01-fc1\x0bprivatelink\x02we\x06backup\x0cwindowsazure\x03com\x00" // fc1
)

// Whatever comes is answered in order or not at all, and the next client does
// not notice.
func TestMessages(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	ours := asking(vaultWire, dns.TypeA, dns.ClassINET)
	for _, tt := range []struct {
		name string
		wire []byte
		want string
	}{
		{"a question", slices.Concat(messageHeader(rd, 1), ours), welcome},
		{"flags that mean nothing in a query", slices.Concat(messageHeader(rd|1<<10|1<<9|1<<7|1<<6|3, 1), ours), welcome},
		{"octets behind the question", slices.Concat(messageHeader(rd, 1), ours, []byte("behind")), welcome},
		{"two questions", slices.Concat(messageHeader(rd, 2), ours, ours), "FORMERR:"},
		{"no question", messageHeader(rd, 0), "FORMERR:"},
		{"65,535 questions", slices.Concat(messageHeader(rd, 65535), ours), "FORMERR:"},
		{"question missing", messageHeader(rd, 1), "SERVFAIL:"},
		{"question cut", slices.Concat(messageHeader(rd, 1), ours[:30]), "FORMERR:"},
		{"class missing", slices.Concat(messageHeader(rd, 1), ours[:len(ours)-2]), "REFUSED:"}, // class 0,
		{"garbage", slices.Concat(messageHeader(rd, 1), bytes.Repeat([]byte{0xfe}, 200)), "FORMERR:"},
		{"name that points to itself", slices.Concat(messageHeader(rd, 1), asking("\xc0\x0c", dns.TypeA, dns.ClassINET)), "FORMERR:"},
		{"name that points ahead", slices.Concat(messageHeader(rd, 1), asking("\xc0\xff", dns.TypeA, dns.ClassINET)), "FORMERR:"},
		{"label of 64 octets", slices.Concat(messageHeader(rd, 1), asking("\x40"+strings.Repeat("a", 64)+"\x00", dns.TypeA, dns.ClassINET)), "FORMERR:"},
		{"name of 256 octets", slices.Concat(messageHeader(rd, 1), asking(strings.Repeat("\x31"+strings.Repeat("a", 49), 5)+"\x04aaaa\x00", dns.TypeA, dns.ClassINET)), "FORMERR:"},
		{"three additional records", slices.Concat(messageHeader(rd, 1, 0, 0, 3), ours), "FORMERR:"},
		{"additional record missing", slices.Concat(messageHeader(rd, 1, 0, 0, 1), ours), welcome},
		{"two answers", slices.Concat(messageHeader(rd, 1, 2), ours), "FORMERR:"},
		{"a reply", slices.Concat(messageHeader(1<<15|rd, 1), ours), "nothing"},
		{"a reply with an answer", slices.Concat(messageHeader(1<<15|rd, 1, 1), ours, []byte("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01")), "nothing"},
		{"nothing", nil, "nothing"},
		{"11 octets", messageHeader(rd, 1)[:11], "nothing"},
		{"IQUERY", slices.Concat(messageHeader(rd|1<<11, 1), ours), "NOTIMP:"},
		{"STATUS", slices.Concat(messageHeader(rd|2<<11, 1), ours), "NOTIMP:"},
		{"opcode 3", slices.Concat(messageHeader(rd|3<<11, 1), ours), "NOTIMP:"},
		{"NOTIFY", slices.Concat(messageHeader(rd|4<<11, 1), ours), "NOTIMP:"},
		{"UPDATE", slices.Concat(messageHeader(rd|5<<11, 1), ours), "NOTIMP:"},
		{"DSO", slices.Concat(messageHeader(rd|6<<11, 0)), "NOTIMP:"},
		{"opcode 15", slices.Concat(messageHeader(rd|15<<11, 1), ours), "NOTIMP:"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tt.name+"/"+network, func(t *testing.T) {
				if got := provoke(t, network, s.addr(""), tt.wire); got != tt.want {
					t.Errorf("%x: %s; want %s", tt.wire, got, tt.want)
				}
			})
		}
	}
}

// provoke sends a message, then good questions, and returns the reply to the
// message or "nothing" if only the others were answered. TCP is answered in
// order, over UDP the reply may be late.
func provoke(t *testing.T, network, addr string, wire []byte) string {
	t.Helper()
	raw, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the next read tells
	conn := &dns.Conn{Conn: raw}
	if _, err := conn.Write(wire); err != nil {
		t.Fatal(err)
	}
	result, questions := "nothing", map[string]int{"udp": 300, "tcp": 1}[network]
	for n := 0; n == 0 || n < questions && result == "nothing"; n++ {
		q := question(fc1, dns.TypeA)
		q.Id = 1
		if err := conn.WriteMsg(q); err != nil {
			t.Fatal(err)
		}
		for good := false; !good; {
			m, err := conn.ReadMsg()
			switch {
			case err != nil:
				t.Fatalf("the questions behind it: %v", err)
			case m.Id == 0x4242:
				result = shown(m)
			default:
				good = true
			}
		}
	}
	return result
}

// Types and classes that there are not, or that are no data.
func TestTypesAndClasses(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	const noData, noAlias = "NOERROR aa ra: / SOA privatelink.we.backup.windowsazure.com.", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."
	for _, tt := range []struct {
		name          string
		qtype, qclass uint16
		vault, alias  string
	}{
		{"type 0", 0, dns.ClassINET, noData, noAlias},
		{"OPT", dns.TypeOPT, dns.ClassINET, noData, noAlias},
		{"RRSIG", dns.TypeRRSIG, dns.ClassINET, noData, noAlias},
		{"DS", dns.TypeDS, dns.ClassINET, noData, noAlias},
		{"TKEY", dns.TypeTKEY, dns.ClassINET, noData, noAlias},
		{"TSIG", dns.TypeTSIG, dns.ClassINET, noData, noAlias},
		{"MAILB", dns.TypeMAILB, dns.ClassINET, noData, noAlias},
		{"type 65535", 65535, dns.ClassINET, noData, noAlias},
		{"ANY", dns.TypeANY, dns.ClassINET, "NOERROR aa ra: A 10.20.0.4", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net."},
		{"AXFR", dns.TypeAXFR, dns.ClassINET, "REFUSED:", "REFUSED:"},
		{"class 0", dns.TypeA, 0, "REFUSED:", "REFUSED:"},
		{"class CH", dns.TypeA, dns.ClassCHAOS, "REFUSED:", "REFUSED:"},
		{"class NONE", dns.TypeA, dns.ClassNONE, "REFUSED:", "REFUSED:"},
		{"class ANY", dns.TypeA, dns.ClassANY, "NOTIMP:", "NOTIMP:"},
		{"class 65535", dns.TypeA, 65535, "REFUSED:", "REFUSED:"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			for name, want := range map[string]string{fc1: tt.vault, blob: tt.alias} {
				q := question(name, tt.qtype)
				q.Question[0].Qclass = tt.qclass
				if got := shown(exchange(t, network, s.addr(""), q)); got != want {
					t.Errorf("%s of %s over %s\n got %s\nwant %s", tt.name, name, network, got, want)
				}
			}
		}
	}
	for _, name := range []string{"version.bind", "version.server", "id.server", "hostname.bind", "authors.bind"} {
		q := question(name, dns.TypeTXT)
		q.Question[0].Qclass = dns.ClassCHAOS
		if got := shown(exchange(t, "udp", s.addr(""), q)); got != "REFUSED:" || upstream.Asked(name) != 0 {
			t.Errorf("%s = %s, asked upstream %d times; want REFUSED, 0", name, got, upstream.Asked(name))
		}
	}
}

// Names at the limits of RFC 1035, 2.3.4, and such that are hard to write.
func TestNames(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	label := strings.Repeat("a", 63)
	for _, tt := range []struct{ name, qname, want string }{
		{"root, which the upstream does not know", ".", "NXDOMAIN ra:"},
		{"255 octets", label + "." + label + "." + label + "." + label[:61] + ".", "NXDOMAIN ra:"},
		{"255 octets in a strict zone", label + "." + label + "." + label + "." + label[:20] + ".privatelink.we.backup.windowsazure.com.", "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"127 labels", strings.Repeat("a.", 127), "NXDOMAIN ra:"},
		{"mixed case", "4728190365512870934-AB-pod01-FC1.PrivateLink.WE.backup.WindowsAzure.com.", welcome},
		{"mixed case, alias", "WePod01ECS114x.bLoB.core.windows.NET.", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"octets that are no text", `\000\255\001.privatelink.we.backup.windowsazure.com.`, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"space, quote, backslash", `a\ b\"\\.privatelink.we.backup.windowsazure.com.`, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"dot in a label, like an alias", `deep\.below.blob.core.windows.net.`, "NXDOMAIN ra: / SOA core.windows.net."},
		{"dot in a label, like a record", `deep\.below.privatelink.blob.core.windows.net.`, "NXDOMAIN ra: / SOA core.windows.net."},
		{"dot in a label, like a zone", `x\.privatelink.we.backup.windowsazure.com.`, "NXDOMAIN ra: / SOA backup.windowsazure.com."},
		{"backslash before the last dot", `wepod01ecs114x.blob.core.windows.net\..`, "NXDOMAIN ra:"},
		{"backslash at the end of a label", `x\\.privatelink.we.backup.windowsazure.com.`, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tt.name+"/"+network, func(t *testing.T) {
				m := exchange(t, network, s.addr(""), question(tt.qname, dns.TypeA))
				if got := shown(m); got != tt.want {
					t.Errorf("%s\n got %s\nwant %s", tt.qname, got, tt.want)
				}
				if m.Question[0].Name != tt.qname {
					t.Errorf("question %s; want it echoed as %s", m.Question[0].Name, tt.qname)
				}
			})
		}
	}
}
