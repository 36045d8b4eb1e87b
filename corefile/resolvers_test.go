package corefile

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithResolvers(t *testing.T) {
	for _, tt := range []struct {
		name      string
		resolvers []string
		err       error
		line      string
		note      string
	}{
		{"a resolv.conf", []string{"/etc/resolv.conf"}, nil, "\n    upstream . /etc/resolv.conf\n}", ""},
		{"the servers of adapters", []string{"10.0.0.4", "10.0.0.5"}, nil, "\n    upstream . 10.0.0.4 10.0.0.5\n}", ""},
		{"no resolver", nil, errors.New("/etc/resolv.conf has no line with nameserver"), "\n    # upstream . 192.0.2.53\n}", "Other names get SERVFAIL: /etc/resolv.conf has no line"},
	} {
		text, note := withResolvers(quickstartText, tt.resolvers, tt.err)
		if !strings.Contains(string(text), tt.line) || !strings.HasPrefix(note, tt.note) || (note == "") != (tt.note == "") {
			t.Errorf("%s: %s, %q; want %q, %q", tt.name, text, note, tt.line, tt.note)
		}
	}
}

// The first lines of the quick start have the address of its page.
func TestGreeting(t *testing.T) {
	if line := "\n    status " + quickstartStatus + "\n"; !strings.Contains(string(quickstartText), line) {
		t.Errorf("the Corefile of the quick start lacks %q", line)
	}
	got := greeting("/tmp/a")
	for _, want := range []string{"Try it: /tmp/a holds", "http://" + quickstartStatus + "/", "why -status " + quickstartStatus + " NAME"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

func TestFromFile(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a nameserver", "nameserver 10.0.0.4\n", ""},
		{"an empty file", "", "has no line with nameserver"},
		{"a search list only", "search example.org\n", "has no line with nameserver"},
	} {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := fromFile(path)
		if tt.want == "" && (err != nil || len(got) != 1 || got[0] != path) {
			t.Errorf("%s: %q, %v; want the path", tt.name, got, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), path+" "+tt.want)) {
			t.Errorf("%s: %v; want %s", tt.name, err, tt.want)
		}
	}
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if _, err := fromFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file: %v; want its path", err)
	}
}

func TestUsable(t *testing.T) {
	for addr, want := range map[string]bool{"10.0.0.4": true, "fd00::4": true, "fec0:0:0:ffff::1": false, "fe80::1": false, "0.0.0.0": false} {
		if got := usable(netip.MustParseAddr(addr)); got != want {
			t.Errorf("usable(%s) = %t; want %t", addr, got, want)
		}
	}
}
