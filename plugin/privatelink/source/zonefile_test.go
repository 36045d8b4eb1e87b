package source

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// The zone in the forms in which programs write it.
const (
	azureZone = `
; Exported zone file from Azure DNS
;      Zone name: privatelink.blob.core.windows.net
;      Resource Group Name: rg-dns
;      Date and time (UTC): Thu, 26 Nov 2026 09:00:00 +0000

$TTL 10
$ORIGIN privatelink.blob.core.windows.net.
    
@ 3600 IN SOA azureprivatedns.net azureprivatedns-host.microsoft.com (
              1 ; serial
              3600 ; refresh
              300 ; retry
              2419200 ; expire
              10 ; minimum
              )

one 10 IN A 10.20.0.4

two 3600 IN A 10.20.0.5
    3600 IN A 10.20.0.6
    3600 IN AAAA fd00::5

old 300 IN CNAME one.blob.core.windows.net
`
	windowsZoneFile = `;
;  Database file (null) for privatelink.blob.core.windows.net zone.
;      Zone version:  12
;

@                       IN  SOA dc01.corp.example. hostmaster.corp.example. (
                        12           ; serial number
                        900          ; refresh
                        600          ; retry
                        86400        ; expire
                        3600       ) ; default TTL

;
;  Zone NS records
;

@                       NS	dc01.corp.example.

;
;  Zone records
;

old                     CNAME	one.blob.core.windows.net.
one                     [AGE:3712345]	1200	A	10.20.0.4
two                     A	10.20.0.5
                        A	10.20.0.6
                        AAAA	fd00::5
`
	digZone = `
; <<>> DiG 9.20.11 <<>> @127.0.0.1 privatelink.blob.core.windows.net AXFR
; (1 server found)
;; global options: +cmd
privatelink.blob.core.windows.net. 10 IN SOA	ns.invalid. nobody.invalid. 7 60 30 2419200 10
privatelink.blob.core.windows.net. 10 IN NS	ns.invalid.
old.privatelink.blob.core.windows.net. 60 IN CNAME one.blob.core.windows.net.
one.privatelink.blob.core.windows.net. 60 IN A	10.20.0.4
two.privatelink.blob.core.windows.net. 60 IN A	10.20.0.5
two.privatelink.blob.core.windows.net. 60 IN A	10.20.0.6
two.privatelink.blob.core.windows.net. 60 IN AAAA	fd00::5
privatelink.blob.core.windows.net. 10 IN SOA	ns.invalid. nobody.invalid. 7 60 30 2419200 10
;; Query time: 0 msec
;; XFR size: 8 records (messages 1, bytes 320)
`
)

func TestZoneFileOfPrograms(t *testing.T) {
	const zone = "z, zone privatelink.blob.core.windows.net"
	const want = "one.privatelink.blob.core.windows.net. 10.20.0.4 (" + zone + "); " +
		"two.privatelink.blob.core.windows.net. 10.20.0.5 10.20.0.6 fd00::5 (" + zone + "); " +
		"no_address " + zone + ": its CNAME record of old.privatelink.blob.core.windows.net has no address, only A and AAAA records are served"
	first, last := strings.Index(digZone, "privatelink.blob.core.windows.net. 10"), strings.LastIndex(digZone, "privatelink")
	bind := strings.ReplaceAll(digZone[first:last], ". ", ".\t\t")
	for _, tc := range []struct {
		name, in string
		ended    bool
	}{
		{"az network private-dns zone export", azureZone, false},
		{"Windows DNS", windowsZoneFile, false},
		{"dig axfr", digZone, true},
		{"named-compilezone", bind, false},
	} {
		for _, end := range []string{"\n", "\r\n"} {
			list, ended, err := decodeZoneFile("z", []byte(strings.ReplaceAll(tc.in, "\n", end)))
			list.Complete = true // the decoder leaves it false
			if got := show(&list); got != want || ended != tc.ended || err != nil {
				t.Errorf("%s, lines end with %q: %s, %v, %v; want %s, %v", tc.name, end, got, ended, err, want, tc.ended)
			}
		}
	}
}

func TestDecodeZoneFile(t *testing.T) {
	const (
		none     = `no A or AAAA record in it: if there are none, write the line "; no endpoints"`
		relative = `: a relative name needs the line "$ORIGIN ZONE." above it, or the zone as the name of the file, ZONE.zone`
		half     = "a transfer that is not whole: the SOA record is not repeated at its end, transfer the zone again"
		only     = " has no address, only A and AAAA records are served"
		rrsig    = "a.example. RRSIG A 8 2 60 20300101000000 20200101000000 1 example. AAAA\n"
		soa      = "@ SOA a. b. 1 2 3 4 5\n"
	)
	for _, tc := range []struct{ name, path, in, want, err string }{
		{"empty file", "z", "", "", none},
		{"comments alone", "z", "; a zone\n\n", "", none},
		{"no endpoints, on purpose", "z", "; No Endpoints\n", "", ""},
		{"an empty zone, on purpose", "z", soaLine + "; no endpoints\n", "", ""},
		{"an empty zone", "z", soaLine + "example. NS ns.example.\n", "", none},
		{"an empty zone, transferred", "z", soaLine + soaLine, "", ""},
		{"no SOA record", "z", "a.example. A 10.20.0.4\n", "a.example. 10.20.0.4 (z)", ""},
		{"no TTL, no class", "z", "a.example. A 10.20.0.4", "a.example. 10.20.0.4 (z)", ""},
		{"upper case, no blank at the end", "z", "A.Example.\tin\ta\t10.20.0.4", "a.example. 10.20.0.4 (z)", ""},
		{"wildcard", "z", "*.a.example. A 10.20.0.4\n", "*.a.example. 10.20.0.4 (z)", ""},
		{"addresses of one name in two places", "z", "a.example. A 10.20.0.4\nb.example. A 10.20.0.5\na.example. AAAA fd00::4\n",
			"a.example. 10.20.0.4 (z); b.example. 10.20.0.5 (z); a.example. fd00::4 (z)", ""},
		{"two zones", "z", soaLine + "a.example. A 10.20.0.4\nexample.org. SOA a. b. 1 2 3 4 5\nb.example.org. A 10.20.0.5\n",
			"a.example. 10.20.0.4 (z, zone example); b.example.org. 10.20.0.5 (z, zone example.org)", ""},
		{"name in the file's name", "/x/z.example.org.zone", "a A 10.20.0.4\n", "a.z.example.org. 10.20.0.4 (/x/z.example.org.zone, zone z.example.org)", ""},
		{"name in the file's name, Windows DNS", "Z.example.org.dns", soa + "a A 10.20.0.4\n", "a.z.example.org. 10.20.0.4 (Z.example.org.dns, zone z.example.org)", ""},
		{"name in the file's name, Debian", "db.z.example.org", "a A 10.20.0.4\n", "a.z.example.org. 10.20.0.4 (db.z.example.org, zone z.example.org)", ""},
		{"$ORIGIN counts more than the file's name", "z.example.org.zone", "$ORIGIN example.\na A 10.20.0.4\n", "a.example. 10.20.0.4 (z.example.org.zone, zone z.example.org)", ""},
		{"name in the file's name, too short", "blob.zone", "\n" + soa, "", `line 2: bad owner name: "@"` + relative},
		{"name in the file's name, a date", "zone.2026.11.26.zone", "a A 10.20.0.4\n", "", `line 1: bad owner name: "a"` + relative},
		{"relative name, no zone", "z", "a A 10.20.0.4\n", "", `line 1: bad owner name: "a"` + relative},
		{"$INCLUDE", "z", "$ORIGIN example.\n$INCLUDE /etc/passwd\n", "",
			`line 2: $INCLUDE directive not allowed: "/etc/passwd": write all records into one file, for example with named-compilezone`},
		{"$GENERATE", "z", "$ORIGIN example.\n$GENERATE 1-3 a$ A 10.20.0.$\n", "a1.example. 10.20.0.1 (z); a2.example. 10.20.0.2 (z); a3.example. 10.20.0.3 (z)", ""},
		{"$GENERATE without an end", "z", "$ORIGIN example.\n" + strings.Repeat("$GENERATE 0-65535 a NS b\n", 8), "", "more than 500000 records"},
		{"other types", "z", "a.example. A 10.20.0.4\na.example. TXT x\nb.example. CNAME c.\nd.example. CNAME c.\n" + rrsig,
			"a.example. 10.20.0.4 (z); no_address z: its TXT record of a.example" + only +
				"; no_address z: its 2 CNAME records, such as that of b.example, have no address, only A and AAAA records are served", ""},
		{"an unknown type and another class", "z", "a.example. TYPE65400 \\# 1 00\nb.example. CH A 10.20.0.4\n",
			"no_address z: its TYPE65400 record of a.example" + only + "; no_address z: its CH A record of b.example" + only, ""},
		{"an address of no host", "z", "a.example. A 0.0.0.0\n", `bad_address z: a.example: "0.0.0.0" is not the address of a host`, ""},
		{"a bad name", "z", "a\\.b.example. A 10.20.0.4\n", `bad_name z: "a\\.b.example.": '\\' is not allowed in a domain name`, ""},
		{"a bad address", "z", soaLine + "a.example. A 10.20.0.256\n", "", `line 2: bad A A: "10.20.0.256"`},
		{"an unknown type", "z", soaLine + "a.example. WINS 10.20.0.4\n", "", `line 2: not a TTL: "WINS"`},
		{"parenthesis left open", "z", "example. SOA a. b. 1 2 3 4 5\na.example. A (\n10.20.0.4", "", `line 3: garbage after rdata: "unbalanced brace"`},
		{"SOA record cut", "z", "example. SOA a. b. (\n1 2 3\n", "", "the SOA record is not whole"},
		{"last line cut", "z", "a.example. A 10.20.0.4\nb.example. 60", "", `line 2: no blank before TTL: "\n"`},
		{"last line cut in a name", "z", "a.example. A 10.20.0.4\nb.exam", "", `line 2: not a TTL: "b.exam"`},
		{"an export", "z", "\n[{}]", "", "line 1: this is JSON, which belongs to the property files"},
		{"a hosts file", "z", "10.20.0.4 a.example\n", "", `line 1: bad owner name: "10.20.0.4"` + relative},
		{"half a transfer", "z", digZone[:strings.LastIndex(digZone, "two.")], "", half},
		{"a transfer that failed", "z", "; <<>> DiG 9.20.11 <<>> axfr z\n; Transfer failed.\n", "", half},
		{"half a transfer of kdig", "z", ";; AXFR for z.\n" + soaLine, "", half},
		{"two transfers", "z", digZone + digZone, "", ""},
		{"two transfers, the second one half", "z", digZone + digZone[:strings.LastIndex(digZone, "two.")], "", half},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, _, err := decodeZoneFile(tc.path, []byte(tc.in))
			list.Complete = true            // the decoder leaves it false
			if tc.name == "two transfers" { // only that it is accepted
				list = List{Complete: true}
			}
			if got := show(&list); got != tc.want || text(err) != tc.err {
				t.Errorf("decodeZoneFile(%.200q) = %q, %q; want %q, %q", tc.in, got, text(err), tc.want, tc.err)
			}
		})
	}
}

func TestSlowZoneFiles(t *testing.T) {
	const (
		none  = `; a.zone: no A or AAAA record in it: if there are none, write the line "; no endpoints"`
		head  = "example. SOA a. b. 1 2 3 4 5|"
		again = "example. SOA a. b. 1 2 3 4 5|"
	)
	for _, tc := range []struct{ name, steps, want string }{
		{"a complete file", "a.zone=a:3", "3 complete"},
		{"an empty zone, first read, young", "text a.zone " + head, "0 incomplete"},
		{"an empty zone, first read, young, 10 s later", "text a.zone " + head + "; 10s", "0 complete"},
		{"an empty zone, first read, old", "text a.zone " + head + "; old a.zone", "0 complete"},
		{"an empty zone, written again", "text a.zone " + head + "; old a.zone; 1s; text a.zone |" + head + "; 1s", "0 complete"},
		{"an empty zone, after a restart", "text a.zone " + head + "; old a.zone; 1s; restart; 1s", "0 complete"},
		{"the records go, the SOA record stays", "a.zone=a:3; 1s; text a.zone " + head + "; 60s", "3 complete" + none},
		{"the same, after a restart", "a.zone=a:3; 1s; restart; text a.zone " + head + "; 60s", "0 incomplete" + none},
		{"no endpoints, on purpose", "a.zone=a:3; 1s; text a.zone " + head + "; no endpoints|; 9s", "3 complete"},
		{"no endpoints, on purpose, 10 s later", "a.zone=a:3; 1s; text a.zone " + head + "; no endpoints|; 10s", "0 complete"},
		{"cut at the end of a line, 9 s later", "a.zone=a:3; 1s; a.zone=a:1; 9s", "3 complete"},
		{"cut at the end of a line, 10 s later", "a.zone=a:3; 1s; a.zone=a:1; 10s", "1 complete"},
		{"cut within a line", "a.zone=a:3; 1s; text a.zone " + head + "a1.example. A 10.20.0.4|a2.exam; 9s", "3 complete"},
		{"cut within parentheses", "a.zone=a:3; 1s; text a.zone example. SOA a. b. (|1 2; 1s", `3 complete; a.zone: line 2: bad SOA zone parameter: "unbalanced brace"`},
		{"a whole transfer loses names at once", "a.zone=a:3; 1s; text a.zone " + head + "a1.example. A 10.20.0.4|" + again, "1 complete"},
		{"a whole transfer of an empty zone", "a.zone=a:3; 1s; text a.zone " + head + again, "0 complete"},
		{"names are added at once", "a.zone=a:3; 1s; a.zone=a:4", "4 complete"},
		{"vanished", "a.zone=a:3; 1s; rm a.zone; 60s", "3 complete; *.zone: no match, keeps 3"},
	} {
		t.Run(tc.name, func(t *testing.T) { playZone(t, tc.steps, tc.want) })
	}
}

// playZone is play for steps with the marker of an empty zone, which has a semicolon.
func playZone(t *testing.T, steps, want string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, "zonefile", "*.zone")
		for step := range strings.SplitSeq(strings.ReplaceAll(steps, "; no endpoints", "\x00"), "; ") {
			s.step(strings.ReplaceAll(step, "\x00", "; no endpoints"))
		}
		if got := s.state(); got != want {
			t.Errorf("after %q: %s; want %s", steps, got, want)
		}
	})
}

func TestZoneFiles(t *testing.T) {
	f := newFolder(t)
	f.write("a.zone", "$ORIGIN example.\na A 10.20.0.4\n")
	f.write("b.zone", "b.example. A 10.20.0.5\n")
	src := NewZoneFiles([]string{f.at("*.zone")}, 0)
	list := f.fetch(src, "a.example. 10.20.0.4 (a.zone); b.example. 10.20.0.5 (b.zone)", "")
	f.same(src, list, "")
	f.write("b.zone", "b A 10.20.0.5\n")
	f.same(src, list, `b.zone: line 1: bad owner name: "b": a relative name needs the line "$ORIGIN ZONE." above it, `+
		`or the zone as the name of the file, ZONE.zone`)
	if got, want := f.short(src.Config().Name), "zonefile *.zone"; got != want {
		t.Errorf("Name() = %q; want %q", got, want)
	}
	if got := NewZoneFiles(nil, time.Minute).Config().Interval; got != time.Minute {
		t.Errorf("Interval = %v; want 1m", got)
	}
}

// All records of a zone share the text of their origin: 100,000 texts would be
// megabytes.
func TestZoneFileSharesTexts(t *testing.T) {
	var zone strings.Builder
	zone.WriteString(soaLine)
	for i := range 1000 {
		fmt.Fprintf(&zone, "a%d.example. A 10.20.0.4\n", i)
	}
	list, _, err := decodeZoneFile("z", []byte(zone.String()))
	if err != nil || len(list.Entries) != 1000 {
		t.Fatal(len(list.Entries), err)
	}
	if got := testing.AllocsPerRun(10, func() { _ = labelOf("z", "example.") }); got == 0 {
		t.Skip("the text of an origin needs no allocation")
	}
	for _, e := range list.Entries {
		if e.Endpoint != list.Entries[0].Endpoint {
			t.Fatalf("%s is from %s; want the same for all", e.FQDN, e.Endpoint)
		}
	}
}

func FuzzDecodeZoneFile(f *testing.F) {
	generated := "$ORIGIN x.\n$GENERATE 1-2 a$ A 10.0.0.$\n"
	for _, text := range []string{azureZone, windowsZoneFile, digZone, soaLine, generated, "$INCLUDE /etc/hosts", "a.b.c. A 10.0.0.4 ; c\n; no endpoints\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<12 {
			t.Skip("$GENERATE makes many records of few octets")
		}
		list, _, err := decodeZoneFile("a.b.example.zone", data)
		if err != nil && len(list.Entries) > 0 {
			t.Errorf("decodeZoneFile(%q) = %+v, %v; want no entries with the error", data, list, err)
		}
		for _, e := range list.Entries {
			if name, err := dnsname.ParseOwner(string(e.FQDN)); err != nil || name != e.FQDN {
				t.Errorf("decodeZoneFile(%q) = name %q; want a valid one: %v", data, string(e.FQDN), err)
			}
			if len(e.Addrs) == 0 || e.Endpoint == (ID{}) {
				t.Errorf("decodeZoneFile(%q) = %+v; want addresses and an origin", data, e)
			}
			for _, addr := range e.Addrs {
				if again, err := ParseAddr(addr.String()); err != nil || again != addr {
					t.Errorf("decodeZoneFile(%q) = address %v; want a valid one: %v", data, addr, err)
				}
			}
		}
		for _, s := range list.Skipped {
			if s.Endpoint == "" || s.Detail == "" || s.Reason != BadName && s.Reason != BadAddress && s.Reason != NoAddress {
				t.Errorf("decodeZoneFile(%q) = %#v; want origin, reason and detail", data, s)
			}
		}
	})
}
