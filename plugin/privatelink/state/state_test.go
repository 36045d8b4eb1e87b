package state

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

func sample(addr string) State {
	return State{
		Serials: map[dnsname.Name]uint32{"privatelink.blob.core.windows.net.": 1795354459},
		Sources: map[string]Source{
			"files /a": {
				Entries: []source.Entry{
					{FQDN: "a.blob.core.windows.net.", Addrs: []netip.Addr{netip.MustParseAddr(addr), netip.MustParseAddr("fd00::1")}, Endpoint: source.IDOf("/pe"), Target: source.IDOf("/vault")},
					{FQDN: "b.blob.core.windows.net.", Addrs: []netip.Addr{netip.MustParseAddr(addr)}, Endpoint: source.IDOf("C:\\a \"b\" <ü>\n:7")},
				},
				Since: []uint32{1795727216, 0},
				Parts: map[string]int{"/a": 2, "/b": 0},
			},
			"empty": {Parts: map[string]int{}, Partial: true},
		},
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	for _, addr := range []string{"10.0.0.1", "10.0.0.2"} {
		want := sample(addr)
		if err := Save(path, want); err != nil {
			t.Fatal(err)
		}
		if got, err := Load(path); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Load = %+v, %v; want %+v", got, err, want)
		}
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("the folder has %v; want only the state file", files)
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
		{"empty", ``, `byte 0: the file ends here, it has been cut`},
		{"cut in a key", `{"version": 2, "sou`, `byte 15: the file ends here, it has been cut`},
		{"cut after an entry", `{"version": 2, "sources": {"x": {"entries": [{"fqdn": "a.b", "ipAddresses": ["10.0.0.1"]}`, `byte 89: source "x": the file ends here, it has been cut`},
		{"cut at the last byte", `{"version": 2, "sources": {}`, `byte 28: the file ends here, it has been cut`},
		{"two states", `{"version": 2}{"version": 2}`, `byte 15: the end of the file is expected`},
		{"an array", `[]`, `byte 1: [ where { is expected`},
		{"unknown version", `{"version": 3}`, `byte 14: version 3, this server reads versions 1 to 2`},
		{"no version", `{}`, `byte 2: version 0, this server reads versions 1 to 2`},
		{"a bad name", `{"version": 1, "sources": {"x": [{"fqdn": "a..b", "ipAddresses": ["10.0.0.1"]}]}}`, `byte 78: source "x": "a..b": a label is empty`},
		{"a bad address", `{"version": 1, "sources": {"x": [{"fqdn": "a.b", "ipAddresses": ["10.0.0"]}]}}`, `byte 75: source "x": ParseAddr("10.0.0"): IPv4 address too short`},
		{"no name", `{"version": 1, "sources": {"x": [{"ipAddresses": ["10.0.0.1"]}]}}`, `byte 62: source "x": an entry without name or address`},
		{"no address", `{"version": 2, "sources": {"x": {"entries": [{"fqdn": "a.b"}]}}}`, `byte 60: source "x": an entry without name or address`},
		{"a source that is a number", `{"version": 2, "sources": {"x": 1}}`, `byte 33: source "x": 1 where a source is expected`},
		{"a bad name of a zone", `{"version": 1, "serials": {"": 1}}`, `byte 33: the domain name is empty`},
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

// Version 1 had a list of entries for each source, and no parts.
func TestLoadVersion1(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	text := `{"version": 1, "serials": {"a.b": 7}, "sources": {"x": [{"fqdn": "c.a.b", "ipAddresses": ["10.0.0.1"], "endpoint": "/pe"}]}, "later": [1, {"y": 2}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := State{
		Serials: map[dnsname.Name]uint32{"a.b.": 7},
		Sources: map[string]Source{"x": {Entries: []source.Entry{
			{FQDN: "c.a.b.", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Endpoint: source.IDOf("/pe")},
		}, Since: []uint32{0}}},
	}
	if got, err := Load(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Load = %+v, %v; want %+v", got, err, want)
	}
}

// A save with many records has as many allocations as one with few.
func TestSaveAllocations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	var counts []float64
	for _, n := range []int{1, 10_000} {
		s := sample("10.0.0.1")
		s.Sources["many"] = Source{Entries: slices.Repeat(s.Sources["files /a"].Entries[:1], n)}
		counts = append(counts, testing.AllocsPerRun(3, func() {
			if err := Save(path, s); err != nil {
				t.Error(err)
			}
		}))
	}
	if counts[1] > counts[0]+10 {
		t.Errorf("%v allocations with one record, %v with 10,000", counts[0], counts[1])
	}
}

// A failed save returns an error with the path.
func TestSaveFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone", "state")
	if err := Save(path, State{}); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("Save = %v; want an error that names the path", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"version": 1, "serials": {"a.b": 1}, "sources": {"x": [{"fqdn": "a.b", "ipAddresses": ["10.0.0.1"], "endpoint": "/pe"}]}}`))
	f.Add([]byte(`{"version": 2, "sources": {"x": {"parts": {"/a": 1}, "entries": [{"fqdn": "a.b", "ipAddresses": ["::1"], "endpoint": "/\u00fc"}]}}}`))
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
