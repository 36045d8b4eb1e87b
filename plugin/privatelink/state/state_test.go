package state

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

func sample(addr string) State {
	return State{
		Serials: map[dnsname.Name]uint32{"privatelink.blob.core.windows.net.": 1795354459},
		Sources: map[string][]source.Entry{"files /a": {{FQDN: "a.blob.core.windows.net.", Addrs: []netip.Addr{netip.MustParseAddr(addr), netip.MustParseAddr("fd00::1")}, Endpoint: "/pe"}}},
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	for _, addr := range []string{"10.0.0.1", "10.0.0.2"} {
		want := sample(addr)
		if err := Save(path, want); err != nil {
			t.Fatal(err)
		}
		want.Version = version
		if got, err := Load(path); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Load = %+v, %v; want %+v", got, err, want)
		}
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("the folder has %v; want the state alone", files)
	}
}

func TestLoadNothing(t *testing.T) {
	if s, err := Load(filepath.Join(t.TempDir(), "none")); err != nil || s.Sources != nil {
		t.Errorf("Load = %+v, %v; want an empty state", s, err)
	}
}

func TestLoadErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, tc := range []struct{ name, text, want string }{
		{"empty", ``, `unexpected end of JSON input`},
		{"half", `{"version": 1, "sou`, `unexpected end of JSON input`},
		{"another version", `{"version": 2}`, `version 2, this server reads version 1`},
		{"none", `{}`, `version 0, this server reads version 1`},
		{"a name that is none", `{"version": 1, "sources": {"x": [{"fqdn": "a..b", "ipAddresses": ["10.0.0.1"]}]}}`, `"a..b": a label is empty`},
		{"an address that is none", `{"version": 1, "sources": {"x": [{"fqdn": "a.b", "ipAddresses": ["10.0.0"]}]}}`, `ParseAddr("10.0.0"): IPv4 address too short`},
		{"no name", `{"version": 1, "sources": {"x": [{"ipAddresses": ["10.0.0.1"]}]}}`, `source "x": an entry without name or address`},
		{"no address", `{"version": 1, "sources": {"x": [{"fqdn": "a.b"}]}}`, `source "x": an entry without name or address`},
		{"a zone's name that is none", `{"version": 1, "serials": {"": 1}}`, `the domain name is empty`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Load(path)
			if err == nil || err.Error() != path+": "+tc.want || s.Sources != nil {
				t.Errorf("Load = %+v, %v; want %s", s, err, tc.want)
			}
		})
	}
}

// A failed save leaves what was there.
func TestSaveFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "state")
	if err := Save(path, State{}); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("Save = %v; want an error that names the path", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"version": 1, "serials": {"a.b": 1}, "sources": {"x": [{"fqdn": "a.b", "ipAddresses": ["10.0.0.1"], "endpoint": "/pe"}]}}`))
	path := filepath.Join(f.TempDir(), "state")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(path)
		if err != nil {
			return
		}
		if err := Save(path, s); err != nil {
			t.Fatal(err)
		}
		if again, err := Load(path); err != nil || len(again.Sources) != len(s.Sources) || len(again.Serials) != len(s.Serials) {
			t.Errorf("%+v is %+v, %v after Save and Load", s, again, err)
		}
	})
}
