package fastpath_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const rules = `acl {
	allow type A net 10.200.0.0/16
	block type TXT net 127.0.0.3
	drop net 127.9.0.0/16
	allow net 10.0.0.0/8 127.0.0.0/8 fc00::/7 fe80::/10 ::1/128
	block
}
acl privatelink.hard.test {
	filter type AAAA net 127.0.0.2
}`

// blocks are server blocks with different plugins around the responders.
func blocks(upstream string) map[string]string {
	forward := "\nforward . " + upstream + " {\nprefer_udp\n}\n"
	acl := "acl {\nallow net 10.0.0.0/8 127.0.0.0/8 fc00::/7 fe80::/10 ::1/128\nblock\n}\n"
	return map[string]string{
		"default":             "bufsize 1232\ncookies\nerrors\nprometheus 127.0.0.1:0\n" + acl + "local\nany\n" + estate + "\nlru" + forward,
		"access list":         "bufsize 1232\n" + rules + "\nlocal\nany\n" + estate + "\nlru" + forward,
		"bare":                estate + "\nlru" + forward,
		"protected":           strings.Replace(estate, "ptr", "ptr\nprotect known backup", 1) + "\nlru" + forward,
		"without sync":        strings.Replace(estate, "ptr", "ptr\non_demand off", 1) + "\nlru" + forward,
		"small bufsize":       "bufsize 512\n" + estate + "\nlru" + forward,
		"without lru":         estate + forward,
		"without a next":      estate,
		"without privatelink": "lru" + forward,
		"hosts in between":    estate + "\nhosts {\n192.0.2.77 www.example.org\nfallthrough\n}\nlru" + forward,
	}
}

// The fast path answers as the chain does, or not at all.
func TestAnswers(t *testing.T) {
	upstream := newUpstream(t)
	for name, block := range blocks(upstream) {
		t.Run(name, func(t *testing.T) {
			p, random := newPair(t, block), rand.New(rand.NewPCG(1, 2))
			answered := 0
			for range 20000 {
				query, from := packet(random), clients[random.IntN(len(clients))]
				fast, difference := p.compare(query, from)
				if difference != "" {
					t.Fatal(difference)
				}
				if fast != "" {
					answered++
				} else if random.IntN(4) == 0 {
					p.chain(query, from) // lru keeps the answer
				}
			}
			if answered < 500 {
				t.Errorf("%d packets were answered; want more, or the test shows nothing", answered)
			}
			t.Logf("%d of 20000 packets were answered", answered)
		})
	}
}

// A query that the chain has to answer takes no token of the limit: the chain takes it.
func TestLimitIsCountedOnce(t *testing.T) {
	p := newPair(t, "cookies {\nlimit 1\n}\n"+estate)
	ask := func(name string) []byte {
		wire, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		return p.desk.Answer(wire, clients[0].Addr())
	}
	for _, name := range []string{"many.privatelink.hard.test.", "www.example.org."} { // too long, and not in memory
		if reply := ask(name); reply != nil {
			t.Fatalf("%s: %s; want no answer at the socket", name, meaning(reply))
		}
	}
	if ask("a.privatelink.fall.test.") == nil || ask("a.privatelink.fall.test.") != nil {
		t.Error("the limit is not one query")
	}
}

// The public answer of a protected name is in lru, and no query gets it from there.
func TestProtected(t *testing.T) {
	p := newPair(t, blocks(newUpstream(t))["protected"])
	for _, name := range []string{"vault.example.org.", "v-ab-pod01-id1.privatelink.eus.backup.windowsazure.com.", "hints.example.org."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeHTTPS} {
			wire, err := new(dns.Msg).SetQuestion(name, qtype).Pack()
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				p.chain(wire, clients[0])
				if _, difference := p.compare(wire, clients[0]); difference != "" {
					t.Error(difference)
				}
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	p := newPair(f, blocks(newUpstream(f))["access list"])
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		f.Add(packet(random), byte(random.IntN(len(clients)))) //nolint:gosec // G115: small
	}
	for _, name := range names { // lru has the answers before
		for _, qtype := range types[:8] {
			if wire, err := new(dns.Msg).SetQuestion(name, qtype).Pack(); err == nil {
				p.chain(wire, clients[0])
			}
		}
	}
	f.Fuzz(func(t *testing.T, query []byte, from byte) {
		if len(query) > 512 {
			query = query[:512]
		}
		if _, difference := p.compare(query, clients[int(from)%len(clients)]); difference != "" {
			t.Error(difference)
		}
	})
}
