package source

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseAddr(t *testing.T) {
	for _, tc := range []struct{ name, in, want, err string }{
		{"IPv4", "10.20.0.4", "10.20.0.4", ""},
		{"public", "203.0.113.4", "203.0.113.4", ""},
		{"loopback", "127.0.0.1", "127.0.0.1", ""},
		{"IPv6", "fd00::4", "fd00::4", ""},
		{"IPv6, long and in upper case", "FD00:0:0:0:0:0:0:4", "fd00::4", ""},
		{"IPv4 mapped into IPv6", "::ffff:10.20.0.4", "10.20.0.4", ""},
		{"empty", "", "", `"" is not an IP address`},
		{"name", "pe-blob", "", `"pe-blob" is not an IP address`},
		{"blank before", " 10.20.0.4", "", `" 10.20.0.4" is not an IP address`},
		{"prefix", "10.20.0.0/24", "", `"10.20.0.0/24" is not an IP address`},
		{"port", "10.20.0.4:53", "", `"10.20.0.4:53" is not an IP address`},
		{"octet of 256", "10.20.0.256", "", `"10.20.0.256" is not an IP address`},
		{"octet with a leading zero", "10.20.0.04", "", `"10.20.0.04" is not an IP address`},
		{"5,000 characters", strings.Repeat("1", 5000), "", `"` + strings.Repeat("1", 80) + `" is not an IP address`},
		{"unspecified", "0.0.0.0", "", `"0.0.0.0" is not the address of a host`},
		{"unspecified IPv6", "::", "", `"::" is not the address of a host`},
		{"unspecified, mapped", "::ffff:0.0.0.0", "", `"::ffff:0.0.0.0" is not the address of a host`},
		{"multicast", "224.0.0.251", "", `"224.0.0.251" is not the address of a host`},
		{"multicast IPv6", "ff02::1", "", `"ff02::1" is not the address of a host`},
		{"multicast, mapped", "::ffff:224.0.0.251", "", `"::ffff:224.0.0.251" is not the address of a host`},
		{"broadcast", "255.255.255.255", "", `"255.255.255.255" is not the address of a host`},
		{"broadcast, mapped", "::ffff:255.255.255.255", "", `"::ffff:255.255.255.255" is not the address of a host`},
		{"zone", "fe80::1%eth0", "", `"fe80::1%eth0": a zone is not allowed in an address`},
		{"zone of a mapped address", "::ffff:10.20.0.4%eth0", "", `"::ffff:10.20.0.4%eth0": a zone is not allowed in an address`},
		{"zone of 5,000 characters", "fe80::1%" + strings.Repeat("e", 5000), "", `"fe80::1%` + strings.Repeat("e", 72) + `": a zone is not allowed in an address`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr, err := ParseAddr(tc.in)
			got := ""
			if addr.IsValid() {
				got = addr.String()
			}
			if got != tc.want || text(err) != tc.err {
				t.Errorf("ParseAddr(%.200q) = %q, %q; want %q, %q", tc.in, got, text(err), tc.want, tc.err)
			}
		})
	}
}

func TestSkipString(t *testing.T) {
	for _, tt := range []struct{ name, target, want string }{
		{"target unknown", "", "skipped pe-blob: the domain name is empty"},
		{"target is not an ID", "rsv-we", "skipped pe-blob: the domain name is empty"},
		{"vault", "/subscriptions/0/resourceGroups/rg/providers/Microsoft.RecoveryServices/Vaults/rsv-we", "skipped pe-blob (vault rsv-we): the domain name is empty"},
		{"account", "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acct/", "skipped pe-blob (storageAccounts acct): the domain name is empty"},
	} {
		if got := (Skip{"pe-blob", tt.target, BadName, "the domain name is empty"}).String(); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

// A folder has the files of a source. Each written file is a second younger than the
// last one, so that no test depends on the clock of the file system.
type folder struct {
	testing.TB
	path string
	now  time.Time
}

func newFolder(t testing.TB) *folder {
	return &folder{TB: t, path: t.TempDir(), now: time.Unix(900_000_000, 0)}
}

func (f *folder) at(name string) string { return filepath.Join(f.path, name) }

func (f *folder) write(name, content string) {
	f.Helper()
	f.now = f.now.Add(time.Second)
	f.must(os.WriteFile(f.at(name), []byte(content), 0o600))
	f.must(os.Chtimes(f.at(name), f.now, f.now))
}

func (f *folder) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// fetch asserts that the source returns the list, in the notation of show, and the
// error, without the path of the folder.
func (f *folder) fetch(src Source, want, wantErr string) *List {
	f.Helper()
	list, err := src.Fetch(f.Context())
	got, gotErr := f.short(show(list)), f.short(text(err))
	if got != want || gotErr != wantErr {
		f.Errorf("Fetch() of %s = %q, %q; want %q, %q", f.short(src.Config().Name), got, gotErr, want, wantErr)
	}
	return list
}

// same asserts that the source returns its last list again.
func (f *folder) same(src Source, last *List, wantErr string) {
	f.Helper()
	if list, err := src.Fetch(f.Context()); list != last || f.short(text(err)) != wantErr {
		name := f.short(src.Config().Name)
		f.Errorf("Fetch() of %s = %p %s, %q; want %p as before, %q", name, list, show(list), f.short(text(err)), last, wantErr)
	}
}

func (f *folder) short(s string) string { return strings.ReplaceAll(s, f.path+"/", "") }

// show formats a list as "NAME ADDRESS... (ENDPOINT)" and "REASON ENDPOINT: DETAIL"
// with semicolons between them.
func show(l *List) string {
	var all []string
	if !l.Complete {
		all = append(all, "not complete")
	}
	for _, e := range l.Entries {
		all = append(all, fmt.Sprintf("%s %s (%s)", string(e.FQDN), strings.Trim(fmt.Sprint(e.Addrs), "[]"), e.Endpoint))
	}
	for _, s := range l.Skipped {
		all = append(all, fmt.Sprintf("%s %s: %s", s.Reason, s.Endpoint, s.Detail))
	}
	return strings.Join(all, "; ")
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		n    int
		want string
	}{
		{0, ""},
		{1, "10.0.0.0"},
		{5, "10.0.0.0, 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4"},
		{7, "10.0.0.0, 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 2 more"},
	} {
		addrs := make([]netip.Addr, tt.n)
		for i := range addrs {
			addrs[i] = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		}
		if got := Addresses(addrs); got != tt.want {
			t.Errorf("%d addresses: %q; want %q", tt.n, got, tt.want)
		}
	}
}

func TestIsPrivate(t *testing.T) {
	for _, tc := range []struct {
		addr string
		want bool
	}{
		{"10.20.0.4", true}, {"172.31.255.255", true}, {"192.168.0.1", true}, {"fd00:20::4", true},
		{"100.64.0.0", true}, {"100.127.255.255", true}, {"100.63.255.255", false}, {"100.128.0.0", false},
		{"172.32.0.0", false}, {"203.0.113.4", false}, {"2001:db8::4", false},
	} {
		if got := IsPrivate(netip.MustParseAddr(tc.addr)); got != tc.want {
			t.Errorf("IsPrivate(%s) = %v; want %v", tc.addr, got, tc.want)
		}
	}
}
