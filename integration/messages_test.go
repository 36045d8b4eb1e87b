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

// messageHeader returns a header with ID 0x4242, these flags and the section counts.
func messageHeader(bits uint16, counts ...uint16) []byte {
	wire := []byte{0x42, 0x42}
	wire = binary.BigEndian.AppendUint16(wire, bits)
	for _, n := range counts {
		wire = binary.BigEndian.AppendUint16(wire, n)
	}
	return append(wire, make([]byte, 12-len(wire))...)
}

// wireQuestion returns a question in wire format.
func wireQuestion(name string, qtype, qclass uint16) []byte {
	wire := binary.BigEndian.AppendUint16([]byte(name), qtype)
	return binary.BigEndian.AppendUint16(wire, qclass)
}

const (
	rd        = 1 << 8
	vaultWire = "\x204728190365512870934-ab-pod01-fc1\x0bprivatelink\x02we\x06backup\x0cwindowsazure\x03com\x00" // fc1
)

// Every message, valid or not, receives the expected reply or none, and the server
// answers the following queries.
func TestMessages(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	query := wireQuestion(vaultWire, dns.TypeA, dns.ClassINET)
	long := strings.Repeat("\x31"+strings.Repeat("a", 49), 5) + "\x04aaaa\x00" // 256 octets
	record := []byte("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01")
	for _, tt := range []struct {
		name string
		wire []byte
		want string
	}{
		{"a query", slices.Concat(messageHeader(rd, 1), query), fc1Served},
		{"flags without a meaning in a query", slices.Concat(messageHeader(rd|1<<10|1<<9|1<<7|1<<6|3, 1), query), fc1Served},
		{"octets after the question", slices.Concat(messageHeader(rd, 1), query, []byte("after")), fc1Served},
		{"two questions", slices.Concat(messageHeader(rd, 2), query, query), "FORMERR:"},
		{"no question", messageHeader(rd, 0), "FORMERR:"},
		{"65,535 questions", slices.Concat(messageHeader(rd, 65535), query), "FORMERR:"},
		{"question missing", messageHeader(rd, 1), "SERVFAIL:"},
		{"truncated question", slices.Concat(messageHeader(rd, 1), query[:30]), "FORMERR:"},
		{"class missing", slices.Concat(messageHeader(rd, 1), query[:len(query)-2]), "REFUSED:"}, // it is parsed as class 0
		{"garbage", slices.Concat(messageHeader(rd, 1), bytes.Repeat([]byte{0xfe}, 200)), "FORMERR:"},
		{"compression pointer to itself", slices.Concat(messageHeader(rd, 1), wireQuestion("\xc0\x0c", dns.TypeA, dns.ClassINET)), "FORMERR:"},
		{"compression pointer beyond the end", slices.Concat(messageHeader(rd, 1), wireQuestion("\xc0\xff", dns.TypeA, dns.ClassINET)), "FORMERR:"},
		{"label of 64 octets", slices.Concat(messageHeader(rd, 1), wireQuestion("\x40"+strings.Repeat("a", 64)+"\x00", dns.TypeA, dns.ClassINET)), "FORMERR:"},
		{"name of 256 octets", slices.Concat(messageHeader(rd, 1), wireQuestion(long, dns.TypeA, dns.ClassINET)), "FORMERR:"},
		{"three additional records", slices.Concat(messageHeader(rd, 1, 0, 0, 3), query), "FORMERR:"},
		{"additional record missing", slices.Concat(messageHeader(rd, 1, 0, 0, 1), query), fc1Served},
		{"two answers", slices.Concat(messageHeader(rd, 1, 2), query), "FORMERR:"},
		{"a reply", slices.Concat(messageHeader(1<<15|rd, 1), query), "nothing"},
		{"a reply with an answer", slices.Concat(messageHeader(1<<15|rd, 1, 1), query, record), "nothing"},
		{"no octets", nil, "nothing"},
		{"11 octets", messageHeader(rd, 1)[:11], "nothing"},
		{"IQUERY", slices.Concat(messageHeader(rd|1<<11, 1), query), "NOTIMP:"},
		{"STATUS", slices.Concat(messageHeader(rd|2<<11, 1), query), "NOTIMP:"},
		{"opcode 3", slices.Concat(messageHeader(rd|3<<11, 1), query), "NOTIMP:"},
		{"NOTIFY", slices.Concat(messageHeader(rd|4<<11, 1), query), "NOTIMP:"},
		{"UPDATE", slices.Concat(messageHeader(rd|5<<11, 1), query), "NOTIMP:"},
		{"DSO", slices.Concat(messageHeader(rd|6<<11, 0)), "NOTIMP:"},
		{"opcode 15", slices.Concat(messageHeader(rd|15<<11, 1), query), "NOTIMP:"},
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

// provoke sends a message and then valid queries. It returns the reply to the
// message, or "nothing" if only the queries were answered. It sends many queries,
// because replies may arrive in any order.
func provoke(t *testing.T, network, addr string, wire []byte) string {
	t.Helper()
	raw, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(processTimeout)) //nolint:errcheck // the next read fails
	conn := &dns.Conn{Conn: raw}
	if _, err := conn.Write(wire); err != nil {
		t.Fatal(err)
	}
	result, queries := "nothing", 300
	for n := 0; n == 0 || n < queries && result == "nothing"; n++ {
		q := question(fc1, dns.TypeA)
		q.Id = 1
		if err := conn.WriteMsg(q); err != nil {
			t.Fatal(err)
		}
		for answered := false; !answered; {
			m, err := conn.ReadMsg()
			switch {
			case err != nil:
				t.Fatalf("the queries after the message: %v", err)
			case m.Id == 0x4242:
				result = summary(m)
			default:
				answered = true
			}
		}
	}
	return result
}

// Unknown types, meta types and other classes receive the expected reply.
func TestTypesAndClasses(t *testing.T) {
	t.Parallel()
	s, upstream := serve(t, corefile())
	const noData = "NOERROR aa ra: / SOA privatelink.we.backup.windowsazure.com."
	const noAlias = "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."
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
				if got := summary(exchange(t, network, s.addr(""), q)); got != want {
					t.Errorf("%s of %s over %s\n got %s\nwant %s", tt.name, name, network, got, want)
				}
			}
		}
	}
	for _, name := range []string{"version.bind", "version.server", "id.server", "hostname.bind", "authors.bind"} {
		q := question(name, dns.TypeTXT)
		q.Question[0].Qclass = dns.ClassCHAOS
		if got := summary(exchange(t, "udp", s.addr(""), q)); got != "REFUSED:" || upstream.Asked(name) != 0 {
			t.Errorf("%s = %s, %d queries upstream; want REFUSED, 0", name, got, upstream.Asked(name))
		}
	}
}

// Names at the limits of RFC 1035, 2.3.4, and names with escaped octets are answered.
func TestNames(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	label := strings.Repeat("a", 63)
	strict := strings.Repeat(label+".", 3) + label[:20] + "." + weZone + "."
	for _, tt := range []struct{ name, qname, want string }{
		{"root, missing upstream", ".", "NXDOMAIN ra:"},
		{"255 octets", label + "." + label + "." + label + "." + label[:61] + ".", "NXDOMAIN ra:"},
		{"255 octets in a strict zone", strict, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
		{"127 labels", strings.Repeat("a.", 127), "NXDOMAIN ra:"},
		{"mixed case", "4728190365512870934-AB-pod01-FC1.PrivateLink.WE.backup.WindowsAzure.com.", fc1Served},
		{"mixed case, alias", "WePod01ECS114x.bLoB.core.windows.NET.", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"octets that are not text", `\000\255\001.privatelink.we.backup.windowsazure.com.`, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
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
				if got := summary(m); got != tt.want {
					t.Errorf("%s\n got %s\nwant %s", tt.qname, got, tt.want)
				}
				if m.Question[0].Name != tt.qname {
					t.Errorf("question %s; want it echoed as %s", m.Question[0].Name, tt.qname)
				}
			})
		}
	}
}
