package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func TestDecodeHosts(t *testing.T) {
	const noLine = `no line with an address and a name in it: if there are no endpoints, write the line "# no endpoints"`
	const id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-backup/providers/Microsoft.Network/privateEndpoints/pe-blob"
	for _, tc := range []struct{ name, in, want, err string }{
		{"empty file", "", "", noLine},
		{"comments alone", "# 10.20.0.4 a.example\n\n", "", noLine},
		{"no endpoints, on purpose", "# exported today\r\n # No endpoints \r\n", "", ""},
		{"no endpoints, before a record", "# no endpoints\n10.20.0.4 a.example", "a.example. 10.20.0.4 (h:2)", ""},
		{"no endpoints, within a comment", "# there are no endpoints\n", "", noLine},
		{"one line without its end", "10.20.0.4 a.example", "a.example. 10.20.0.4 (h:1)", ""},
		{"blank lines count", "\n \t\n10.20.0.4 a.example\n", "a.example. 10.20.0.4 (h:3)", ""},
		{"CRLF", "10.20.0.4 a.example\r\n\r\n10.20.0.5 b.example\r\n", "a.example. 10.20.0.4 (h:1); b.example. 10.20.0.5 (h:3)", ""},
		{"CR before CRLF", "10.20.0.4 a.example\r\r\n10.20.0.5 b.example\r", "a.example. 10.20.0.4 (h:1); b.example. 10.20.0.5 (h:2)", ""},
		{"CR alone", "10.20.0.4 a.example\r10.20.0.5 b.example\r", "", "line 1: " + otherEnd(`"10.20.0.4 a.example\r10.20.0.5 b.example"`, "U+000D")},
		{"CR alone in a later line", "10.20.0.4 a.example\n10.20.0.5 b.example\r10.20.0.6 c.example\n", "", "line 2: " + otherEnd(`"10.20.0.5 b.example\r10.20.0.6 c.example"`, "U+000D")},
		{"CR alone behind a comment", "# a comment\r10.20.0.5 b.example\n10.20.0.4 a.example", "", "line 1: " + otherEnd(`"# a comment\r10.20.0.5 b.example"`, "U+000D")},
		{"NEL", "10.20.0.4 a.example\u008510.20.0.5 b.example", "", "line 1: " + otherEnd(`"10.20.0.4 a.example\u008510.20.0.5 b.example"`, "U+0085")},
		{"LS", "10.20.0.4 a.example\u2028b.example", "", "line 1: " + otherEnd(`"10.20.0.4 a.example\u2028b.example"`, "U+2028")},
		{"PS", "10.20.0.4 a.example\u202910.20.0.5 b.example\n", "", "line 1: " + otherEnd(`"10.20.0.4 a.example\u202910.20.0.5 b.example"`, "U+2029")},
		{"VT", "10.20.0.4 a.example\v10.20.0.5 b.example\n", "", "line 1: " + otherEnd(`"10.20.0.4 a.example\v10.20.0.5 b.example"`, "U+000B")},
		{"FF", "10.20.0.4 a.example\f10.20.0.5 b.example\n", "", "line 1: " + otherEnd(`"10.20.0.4 a.example\f10.20.0.5 b.example"`, "U+000C")},
		{"FS, GS and RS", "10.20.0.4 a.example\x1c10.20.0.5\x1d\x1e b.example\n", "", "line 1: " + otherEnd(`"10.20.0.4 a.example\x1c10.20.0.5\x1d\x1e b.example"`, "U+001C")},
		{"two addresses in one line", "10.20.0.4 a.example 10.20.0.5 b.example", "", "line 1: " + twoAddresses("10.20.0.5")},
		{"an address as the name", "10.20.0.4 10.20.0.5", "", "line 1: " + twoAddresses("10.20.0.5")},
		{"an IPv6 address as a name", "10.20.0.4 a.example fd00::5", "", "line 1: " + twoAddresses("fd00::5")},
		{"an address with a trailing dot as a name", "10.20.0.4 a.example 10.20.0.5. b.example", "", "line 1: " + twoAddresses("10.20.0.5.")},
		{"a name that begins like an address", "10.20.0.4 10.20.0.5.example", "10.20.0.5.example. 10.20.0.4 (h:1)", ""},
		{"tabs and blanks", "\t10.20.0.4 \t a.example\t\n", "a.example. 10.20.0.4 (h:1)", ""},
		{"several names", "10.20.0.4 a.example b.example.", "a.example. 10.20.0.4 (h:1); b.example. 10.20.0.4 (h:1)", ""},
		{"upper case", "10.20.0.4 A.Example", "a.example. 10.20.0.4 (h:1)", ""},
		{"IPv6", "fd00::4 a.example", "a.example. fd00::4 (h:1)", ""},
		{"IPv4 mapped into IPv6", "::ffff:10.20.0.4 a.example", "a.example. 10.20.0.4 (h:1)", ""},
		{"same line twice", "10.20.0.4 a.example\n10.20.0.4 a.example", "a.example. 10.20.0.4 (h:1); a.example. 10.20.0.4 (h:2)", ""},
		{"comments", "# a comment\n  # 10.20.0.4 b.example\n10.20.0.4 a.example # rack 7\n#", "a.example. 10.20.0.4 (h:3)", ""},
		{"comment without a blank before it", "10.20.0.4 a.example#b.example", "a.example. 10.20.0.4 (h:1)", ""},
		{"the portal's file", "# Exported from the Azure portal\r\n# Private IP    FQDN    Private Endpoint Id\r\n10.20.0.4    a.example    #" + id + "\r\n", "a.example. 10.20.0.4 (" + id + ")", ""},
		{"ID after a blank, several names", "10.20.0.4 a.example b.example # " + id + " ", "a.example. 10.20.0.4 (" + id + "); b.example. 10.20.0.4 (" + id + ")", ""},
		{"skip names the endpoint", "0.0.0.0 a.example #" + id, "bad_address " + id + `: a.example: "0.0.0.0" is not the address of a host`, ""},
		{"bad name beside a good name", "10.20.0.4 a*.example b.example", `b.example. 10.20.0.4 (h:1); bad_name h:1: "a*.example": '*' is allowed only as the whole first label`, ""},
		{"name of 300 characters", "10.20.0.4 " + strings.Repeat("a", 300), `bad_name h:1: "` + strings.Repeat("a", 80) + `"…: a domain name has at most 253 characters, this one has 300`, ""},
		{"localhost", "127.0.0.1\tlocalhost\n::1 localhost", "localhost. 127.0.0.1 (h:1); localhost. ::1 (h:2)", ""},
		{"multicast of /etc/hosts", "ff02::1 ip6-allnodes", `bad_address h:1: ip6-allnodes: "ff02::1" is not the address of a host`, ""},
		{"broadcast of /etc/hosts", "255.255.255.255 broadcasthost", `bad_address h:1: broadcasthost: "255.255.255.255" is not the address of a host`, ""},
		{"zone of /etc/hosts", "fe80::1%lo0 localhost", `bad_address h:1: localhost: "fe80::1%lo0": a zone is not allowed in an address`, ""},
		{"bad address", "10.20.0.4 a.example\n10.20.0.x b.example", "", `line 2: "10.20.0.x" is not an IP address`},
		{"bad address after CRLF", "10.20.0.4 a.example\r\n\r\n10.20.0.256 b.example\r\n", "", `line 3: "10.20.0.256" is not an IP address`},
		{"name before the address", "a.example 10.20.0.4", "", `line 1: "a.example" is not an IP address: write the address before the names`},
		{"address alone", "10.20.0.4", "", `line 1: "10.20.0.4": an address and a name are expected`},
		{"name in the comment only", "\n10.20.0.4 # a.example", "", `line 2: "10.20.0.4": an address and a name are expected`},
		{"word of 5,000 characters", strings.Repeat("a", 5000), "", `line 1: "` + strings.Repeat("a", 80) + `": an address and a name are expected`},
		{"address of 5,000 characters", strings.Repeat("1", 5000) + " a.example", "", `line 1: "` + strings.Repeat("1", 80) + `" is not an IP address`},
		{"an export", "[\n{}\n]", "", `line 1: "[": an address and a name are expected: this looks like JSON, which belongs to the property files`},
		{"a zone file", "$ORIGIN x.example.\n", "", `line 1: "$ORIGIN" is not an IP address: this looks like a zone file, which belongs to the property zonefile`},
		{"a table", "10.20.0.4,a.example\n", "", `line 1: "10.20.0.4,a.example": an address and a name are expected: separate them with a space`},
		{"binary", "\x7fELF\x02 \x01\x00", "", `line 1: "\x7fELF\x02" is not an IP address`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, _, err := decodeHosts("h", []byte(tc.in))
			list.Complete = true // the decoder leaves it false
			if got := show(&list); got != tc.want || text(err) != tc.err {
				t.Errorf("decodeHosts(%.200q) = %q, %q; want %q, %q", tc.in, got, text(err), tc.want, tc.err)
			}
		})
	}
}

func otherEnd(line, character string) string {
	return line + ": the character " + character + " ends a line for some programs, here only LF and CRLF do: convert the file to one of them"
}

func twoAddresses(field string) string {
	return fmt.Sprintf("%q is an address in the place of a name: there are two addresses in one line, write one line for each", field)
}

func TestHosts(t *testing.T) {
	f := newFolder(t)
	f.write("a.hosts", "10.20.0.4 a.example\n0.0.0.0 blocked.example\n")
	f.write("b.hosts", "10.20.0.5 b.example\n")
	src := NewHosts([]string{f.at("b*"), f.at("a*"), f.at("*.hosts")}, 0)
	const skipped = `bad_address a.hosts:2: blocked.example: "0.0.0.0" is not the address of a host`
	list := f.fetch(src, "a.example. 10.20.0.4 (a.hosts:1); b.example. 10.20.0.5 (b.hosts:1); "+skipped, "")
	f.same(src, list, "")

	f.write("b.hosts", "10.20.0.6 b.example\n10.20.0.7\n")
	f.same(src, list, `b.hosts: line 2: "10.20.0.7": an address and a name are expected`)
	f.write("b.hosts", "10.20.0.6 b.example\n")
	f.fetch(src, "a.example. 10.20.0.4 (a.hosts:1); b.example. 10.20.0.6 (b.hosts:1); "+skipped, "")

	if got, want := f.short(src.Config().Name), "hosts b* a* *.hosts"; got != want {
		t.Errorf("Name() = %q; want %q", got, want)
	}
}

func FuzzDecodeHosts(f *testing.F) {
	f.Add([]byte("# comment\r\n10.20.0.4    A.example    #/subscriptions/0/privateEndpoints/pe\r\n"))
	f.Add([]byte("\n\t::ffff:10.20.0.4\ta.example. b*.example\nff02::1 ip6-allnodes\nfe80::1%lo0 localhost"))
	f.Add([]byte("10.20.0.4\n"))
	f.Add([]byte("10.20.0.x a.example"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, _, err := decodeHosts("h", data)
		if err != nil && (list.Entries != nil || list.Skipped != nil) {
			t.Errorf("decodeHosts(%q) = %+v, %v; want no entries with the error", data, list, err)
		}
		for _, e := range list.Entries {
			if name, err := dnsname.ParseOwner(string(e.FQDN)); err != nil || name != e.FQDN {
				t.Errorf("decodeHosts(%q) = name %q; want a valid one: %v", data, string(e.FQDN), err)
			}
			if len(e.Addrs) != 1 || e.Endpoint == (ID{}) {
				t.Errorf("decodeHosts(%q) = %+v; want one address and an endpoint", data, e)
			}
			for _, addr := range e.Addrs {
				if again, err := ParseAddr(addr.String()); err != nil || again != addr {
					t.Errorf("decodeHosts(%q) = address %v; want a valid one: %v", data, addr, err)
				}
			}
		}
		for _, s := range list.Skipped {
			if s.Endpoint == "" || s.Detail == "" || s.Reason != BadName && s.Reason != BadAddress {
				t.Errorf("decodeHosts(%q) = %#v; want endpoint, reason and detail", data, s)
			}
		}
	})
}
