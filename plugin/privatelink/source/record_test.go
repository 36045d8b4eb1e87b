package source

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseEntry(t *testing.T) {
	for _, tc := range []struct{ name, in, want, err string }{
		{"one address", "a.example 10.20.0.4", "a.example. 10.20.0.4 (Corefile:7)", ""},
		{"upper case and trailing dot", "A.Example. 10.20.0.4", "a.example. 10.20.0.4 (Corefile:7)", ""},
		{"addresses in their order", "a.example 10.20.0.5 fd00::4 10.20.0.4", "a.example. 10.20.0.5 fd00::4 10.20.0.4 (Corefile:7)", ""},
		{"IPv4 mapped into IPv6", "a.example ::ffff:10.20.0.4", "a.example. 10.20.0.4 (Corefile:7)", ""},
		{"no address", "a.example", "a.example.  (Corefile:7)", ""},
		{"bad name", "a..example 10.20.0.4", "", `"a..example": a label is empty`},
		{"empty name", " 10.20.0.4", "", "the domain name is empty"},
		{"bad address", "a.example nowhere", "", `"nowhere" is not an IP address`},
		{"bad address after a good one", "a.example 10.20.0.4 0.0.0.0", "", `"0.0.0.0" is not the address of a host`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fields := strings.Split(tc.in, " ")
			entry, err := ParseEntry("Corefile:7", fields[0], fields[1:])
			got := ""
			if err == nil {
				got = show(&List{Entries: []Entry{entry}, Complete: true})
			}
			if got != tc.want || text(err) != tc.err {
				t.Errorf("ParseEntry(%q) = %q, %q; want %q, %q", fields, got, text(err), tc.want, tc.err)
			}
		})
	}
}

func TestRecord(t *testing.T) {
	var entries []Entry
	for _, n := range []int{1, 2} {
		entry, err := ParseEntry(fmt.Sprintf("Corefile:%d", n), "a.example", []string{fmt.Sprintf("10.20.0.%d", n)})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	r := NewRecord("Corefile:7", entries)
	f := newFolder(t)
	list := f.fetch(r, "a.example. 10.20.0.1 (Corefile:1); a.example. 10.20.0.2 (Corefile:2)", "")
	f.same(r, list, "")
	if got, want := r.Config().Name, "record Corefile:7"; got != want {
		t.Errorf("Name() = %q; want %q", got, want)
	}
}
