package integration

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
)

const (
	weZone    = "privatelink.we.backup.windowsazure.com"
	neZone    = "privatelink.ne.backup.windowsazure.com"
	blobZone  = "privatelink.blob.core.windows.net"
	queueZone = "privatelink.queue.core.windows.net"

	privateBlob = "wepod01ecs114x." + blobZone

	tsigKey  = "c2VjcmV0cyBhcmUgbm90IGluIENvcmVmaWxlcyBoZXJlIQ=="
	wrongKey = "dGhpcyBpcyBub3QgdGhlIGtleSB0aGF0IHlvdSB3YW50IQ=="
)

// transferTo returns a Corefile that allows transfers to addr. With tsig, it requires
// a key.
func transferTo(addr string, tsig bool) string {
	more := []string{"fastpath", "reload 2s 1s", "transfer {", "    to " + addr, "}"}
	if tsig {
		more = append(more, "tsig {", "    secrets {$DIR}/transfer.key", "    require AXFR IXFR", "}")
	}
	return corefile(more...)
}

// keyFile returns a key file in the format of tsig-keygen.
func keyFile(secret string) string {
	return fmt.Sprintf("key %q {\n\talgorithm hmac-sha256;\n\tsecret %q;\n};\n", keyName, secret)
}

// withSecondary prepares a server and its secondary and starts neither. The server
// has no zone for ne before the first record in it, and its zone for queue is empty.
func withSecondary(t *testing.T, peer peer, key string) (*server, *secondary) {
	t.Helper()
	need(t, peer.program, peer.pkg)
	p := &secondary{t: t, peer: peer, dir: t.TempDir(), port: freePort(t), primary: freePort(t), key: key}
	p.zones, p.options = []string{weZone, neZone, blobZone, queueZone}, "recursion no;"
	s := prepare(t, strings.ReplaceAll(transferTo(p.addr(), key != ""), "{$PORT}", p.primary))
	s.env["PORT"], s.env["UPSTREAM"] = p.primary, azure(t).Addr
	s.write("transfer.key", keyFile(tsigKey))
	s.write("vault.json", export(fc1+" 10.20.0.4", blob+" 10.20.0.12"))
	return s, p
}

// Secondaries learn of changes by NOTIFY, because REFRESH exceeds the test's timeout.
func TestSecondaries(t *testing.T) {
	t.Parallel()
	for _, peer := range peers {
		for _, with := range []struct{ suffix, key string }{{"", ""}, {", TSIG", tsigKey}} {
			t.Run(peer.name+with.suffix, func(t *testing.T) {
				t.Parallel()
				s, p := withSecondary(t, peer, with.key)
				if with.key != "" { // both orders of the starts are tested
					s.start()
					p.start()
				} else {
					p.start()
					s.start()
				}
				first := func(kase string) {
					if with.key == "" {
						note(t, "Secondaries", peer.name, kase, "yes")
					}
				}
				p.becomes(fc1, "NOERROR aa: A 10.20.0.4")
				p.becomes(privateBlob, "NOERROR aa: A 10.20.0.12")
				first("first transfer")
				p.becomes(queueZone+" NS", "NOERROR aa: NS ns.privatelink-dns.invalid.")
				p.becomes("none."+queueZone, "NXDOMAIN aa: / SOA "+queueZone+".")
				first("empty zone")
				follows(t, s, p)
				first("changes by NOTIFY")
				if with.key != "" {
					note(t, "Secondaries", peer.name, "these with TSIG", "yes")
				}
			})
		}
	}
}

// follows checks that the secondary follows changed records, a new zone and a restart
// of the server.
func follows(t *testing.T, s *server, p *secondary) {
	s.write("vault.json", export(fc1+" 10.20.0.4", "new.blob.core.windows.net 10.20.0.45"))
	p.becomes("new."+blobZone, "NOERROR aa: A 10.20.0.45")
	p.becomes(privateBlob, "NXDOMAIN aa: / SOA "+blobZone+".")

	s.write("vault.json", export(fc1+" 10.20.0.4", "v."+neZone+" 10.30.0.4"))
	p.becomes("v."+neZone, "NOERROR aa: A 10.30.0.4") // a new zone
	p.becomes("new."+blobZone, "NXDOMAIN aa: / SOA "+blobZone+".")

	s.stop(t)
	p.becomes(fc1, "NOERROR aa: A 10.20.0.4")
	s.write("vault.json", export(fc1+" 10.20.0.44"))
	s.start()
	p.becomes(fc1, "NOERROR aa: A 10.20.0.44")
}

// After a reload, the secondary receives the new record. It responds to NOTIFY at once,
// so NOTIFY must not be sent while the old instance still answers.
func TestSecondaryFollowsReload(t *testing.T) {
	t.Parallel()
	s, p := withSecondary(t, peers[len(peers)-1], "")
	s.start()
	p.start()
	p.becomes(fc1, "NOERROR aa: A 10.20.0.4")
	changed := strings.Replace(transferTo(p.addr(), false), "geo we", "record r.blob.core.windows.net 10.20.9.1", 1)
	s.write("Corefile", strings.ReplaceAll(changed, "{$PORT}", p.primary))
	p.becomes("r."+blobZone, "NOERROR aa: A 10.20.9.1")
}

// BIND refuses a zone with more than 100 addresses for one name, unless
// max-records-per-type is 0.
func TestSecondariesOfLargeZones(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		peer    peer
		size    int
		options string
		want    string
	}{
		{peers[0], 150, "", "refused"},
		{peers[0], 1000, "max-records-per-type 0;", "with `max-records-per-type 0`"},
		{peers[1], 150, "", "yes"},
		{peers[1], 1000, "", "yes"},
		{peers[2], 150, "", "yes"},
		{peers[2], 1000, "", "yes"},
	} {
		kase := fmt.Sprintf("%d addresses for one name", tt.size)
		t.Run(tt.peer.name+", "+kase, func(t *testing.T) {
			t.Parallel()
			s, p := withSecondary(t, tt.peer, tsigKey)
			p.options += tt.options
			names := []string{"wide.blob.core.windows.net" + wide(tt.size)}
			for i := range 3000 { // several messages
				names = append(names, fmt.Sprintf("account%d.queue.core.windows.net 10.22.%d.%d", i, i/250, i%250+1))
			}
			s.write("vault.json", export(names...))
			s.start()
			p.start()
			p.becomes("account2999."+queueZone, "NOERROR aa: A 10.22.11.250")
			if tt.want == "refused" {
				s.logs(`has 150 addresses: BIND, as a secondary or a forwarder, refuses`)
				eventually(t, "refusal", func() bool { return strings.Contains(p.out.String(), "too many records") })
			} else {
				eventually(t, "all addresses", func() bool {
					return len(dig(t, p.addr(), "wide."+blobZone, "+tcp").answer) == tt.size
				})
			}
			note(t, "Secondaries", tt.peer.name, kase, tt.want)
		})
	}
}

func wide(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, " 10.21.%d.%d", i/250, i%250+1)
	}
	return text.String()
}

func TestTransferOnlyToListedAddresses(t *testing.T) {
	t.Parallel()
	if c, err := net.ListenPacket("udp", "127.0.0.2:0"); err != nil {
		t.Skipf("no second loopback address to query from: %v", err)
	} else {
		c.Close()
	}
	listed, _ := serve(t, transferTo("127.0.0.1", false))
	keyed := prepare(t, transferTo("127.0.0.1", true))
	keyed.env["UPSTREAM"] = azure(t).Addr
	keyed.write("vault.json", export(vault...))
	keyed.write("transfer.key", keyFile(tsigKey))
	keyed.start()
	sign := func(secret string) string { return "-y hmac-sha256:" + keyName + ":" + secret + " " }
	const refused = "; Transfer failed."
	for _, tt := range []struct {
		name    string
		s       *server
		options string
		want    string
	}{
		{"listed", listed, "", "(messages 1,"},
		{"unlisted address", listed, "-b 127.0.0.2 ", refused},
		{"no key", keyed, "", refused},
		{"the key", keyed, sign(tsigKey), "(messages 1,"},
		{"a wrong key", keyed, sign(wrongKey), refused},
		{"a key of another name", keyed, "-y hmac-sha256:other.example.:" + tsigKey + " ", refused},
		{"the key, but an unlisted address", keyed, "-b 127.0.0.2 " + sign(tsigKey), refused},
	} {
		for _, request := range []string{"AXFR", "IXFR=1"} {
			out := transferText(t, tt.s, strings.Fields(tt.options+blobZone+" "+request)...)
			if !strings.Contains(out, tt.want) {
				t.Errorf("%s, %s: %s; want %s", tt.name, request, out, tt.want)
			}
		}
	}
}

// A client with the current serial receives the SOA record alone (RFC 1995, 4). Over
// UDP, plugin transfer refuses even a listed client, which must be configured for TCP.
func TestIXFR(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, transferTo("127.0.0.1", false))
	serial := strings.Fields(dig(t, s.addr(""), blobZone, "SOA").answer[0].data)[2]
	for _, tt := range []struct{ name, request, want string }{
		{"an older serial", "IXFR=1 ", "XFR size: 9 records"},
		{"the current serial", "IXFR=" + serial, "XFR size: 1 records"},
	} {
		if out := transferText(t, s, strings.Fields(blobZone+" "+tt.request)...); !strings.Contains(out, tt.want) {
			t.Errorf("%s: %s; want %s", tt.name, out, tt.want)
		}
	}
	if got, want := dig(t, s.addr(""), blobZone, "IXFR=1", "+notcp").String(), "REFUSED:"; got != want {
		t.Errorf("over UDP: %s; want %s", got, want)
	}
}

// transferText returns dig's output for a transfer or a refusal. It ignores dig's exit
// status, because a wrong signature is an error for dig.
func transferText(t *testing.T, s *server, args ...string) string {
	t.Helper()
	args = append([]string{"-r", "@127.0.0.1", "-p", s.env["PORT"], "+tries=1", "+timeout=5"}, args...)
	out, err := exec.Command(need(t, "dig", "bind9-dnsutils"), args...).CombinedOutput()
	if len(out) == 0 {
		t.Fatal(err)
	}
	return string(out)
}
