package zone

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

const (
	studio    dnsname.Name = "privatelink.api.azureml.ms."
	studioPub dnsname.Name = "api.azureml.ms."
)

// wildcards returns the zone of the example in RFC 4592, 2.2.1, in a private link zone.
func wildcards(t testing.TB, complete bool) *Snapshot {
	set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{studio, blob}}
	b := NewBuilder(set, nil)
	add(t, b, set, "*.example."+studioPub, "10.0.0.1")
	for _, name := range []dnsname.Name{"sub.*.example.", "host1.example.", "a.b.host2.example.", "*.deep.example."} {
		add(t, b, set, name+studio, "10.0.0.1")
	}
	return b.Snapshot(complete, at(1))
}

func TestWildcards(t *testing.T) {
	s := wildcards(t, true)
	for _, tc := range []struct {
		name, qname string
		result      Result
		owner       dnsname.Name // of the record, empty for none
	}{
		{"below the wildcard", "host3.example.", Success, "*.example."},
		{"two labels below the wildcard", "foo.bar.example.", Success, "*.example."},
		{"an escaped dot does not end a label", `a\.host1.example.`, Success, "*.example."},
		{"existing name", "host1.example.", Success, "host1.example."},
		{"below an existing name", "x.host1.example.", OutOfZone, ""},
		{"empty non-terminal", "host2.example.", Success, "host2.example."},
		{"below an empty non-terminal", "x.host2.example.", OutOfZone, ""},
		{"the wildcard itself", "*.example.", Success, "*.example."},
		{"below the wildcard itself", "x.*.example.", OutOfZone, ""},
		{"existing name below the wildcard", "sub.*.example.", Success, "sub.*.example."},
		{"the closest encloser has the wildcard", "x.deep.example.", Success, "*.deep.example."},
		{"the closest encloser", "deep.example.", Success, "deep.example."},
		{"the parent of the wildcard", "example.", Success, "example."},
		{"sibling of the wildcard's parent", "other.", OutOfZone, ""},
		{"below a name without a wildcard", "a.other.", OutOfZone, ""},
	} {
		got := s.Lookup(tc.qname + string(studio))
		want := tc.owner
		if want != "" {
			want += studio
		}
		if got.Result != tc.result || recordName(got) != want {
			t.Errorf("%s: Lookup(%q) = %d, %q; want %d, %q", tc.name, tc.qname+string(studio), got.Result, recordName(got), tc.result, want)
		}
	}
}

func TestWildcardAliases(t *testing.T) {
	s := wildcards(t, true)
	for _, tc := range []struct{ name, qname, target string }{
		{"below the wildcard", "host3.example.", "host3.example."},
		{"two labels below the wildcard", "foo.bar.example.", "foo.bar.example."},
		{"upper case", "Foo.BAR.example.", "foo.bar.example."},
		{"the wildcard itself", "*.example.", "*.example."},
		{"existing name", "host1.example.", "host1.example."},
		{"below an existing name", "x.host1.example.", ""},
		{"empty non-terminal", "host2.example.", ""},
		{"the parent of the wildcard", "example.", ""},
	} {
		name, target := tc.qname+string(studioPub), ""
		if m := s.Lookup(strings.ToLower(name)); m.Result == Alias {
			target = m.Target(name)
			if again := s.Lookup(target); again.Result != Success || again.Record != m.Record {
				t.Errorf("%s: Lookup(%q) = %v; want the record of the alias", tc.name, target, again)
			}
		}
		if want := tc.target; want != "" && target != want+string(studio) || want == "" && target != "" {
			t.Errorf("%s: the target of %q is %q; want %q", tc.name, name, target, want)
		}
	}
}

// A source that is not loaded yet may have a record for a name below a wildcard.
func TestWildcardBeforeComplete(t *testing.T) {
	s := wildcards(t, false)
	for name, want := range map[string]Result{
		"host3.example." + string(studio):    NotReady,
		"host3.example." + string(studioPub): NotReady,
		"*.example." + string(studio):        Success,
		"host1.example." + string(studioPub): Alias,
	} {
		if got := s.Lookup(name).Result; got != want {
			t.Errorf("Lookup(%q) = %d; want %d", name, got, want)
		}
	}
}

// A public name that is too long with the label privatelink has no record.
func TestWildcardAliasTooLong(t *testing.T) {
	s := wildcards(t, true)
	labels := strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "."
	for n, want := range map[int]Result{26: Alias, 27: NameError} {
		if got := s.Lookup(labels + strings.Repeat("d", n) + ".example." + string(studioPub)).Result; got != want {
			t.Errorf("%d: result %d; want %d", n, got, want)
		}
	}
}

// An account in a DNS zone cannot be a wildcard, because the wildcard would include
// the accounts of all tenants.
func TestWildcardOfDNSZoneEndpoints(t *testing.T) {
	if p, err := newSet().OwnerOf("*.z7.blob.storage.azure.net."); err == nil {
		t.Errorf("OwnerOf = %v; want an error", p)
	}
}

// TestWildcardModel compares Lookup with the algorithm of RFC 4592 in random zones.
func TestWildcardModel(t *testing.T) {
	random := rand.New(rand.NewPCG(45, 92)) //nolint:gosec // G404: a test
	name := func(labels []string) (text string) {
		for range 1 + random.IntN(4) {
			text = labels[random.IntN(len(labels))] + "." + text
		}
		return text
	}
	for range 2000 {
		set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{studio}, Strict: []dnsname.Name{studio}}
		b, exists := NewBuilder(set, nil), map[string]bool{"": true}
		for range random.IntN(6) {
			owner := name([]string{"a", "b", "c"})
			if random.IntN(2) > 0 {
				owner = "*." + owner
			}
			add(t, b, set, dnsname.Name(owner)+studio, "10.0.0.1")
			for rest := owner; rest != ""; _, rest, _ = strings.Cut(rest, ".") {
				exists[rest] = true
			}
		}
		s := b.Snapshot(true, at(1))
		for range 50 {
			qname := name([]string{"a", "b", "c", "*"})
			want := model(exists, qname)
			m := s.Lookup(qname + string(studio))
			got, _ := recordName(m).CutSuffix(studio)
			if m.Result == NameError {
				got = "NXDOMAIN"
			}
			if got+"." != want && got != want {
				t.Fatalf("Lookup(%q) = %q; want %q with %v", qname, got, want, exists)
			}
		}
	}
}

// model returns the owner of the record for a name, or NXDOMAIN.
func model(exists map[string]bool, qname string) string {
	if exists[qname] {
		return qname
	}
	encloser := qname
	for !exists[encloser] {
		_, encloser, _ = strings.Cut(encloser, ".")
	}
	if exists["*."+encloser] {
		return "*." + encloser
	}
	return "NXDOMAIN"
}

func recordName(m Answer) dnsname.Name {
	if m.Record == nil {
		return ""
	}
	return m.Record.Name
}

func TestWildcardLookupDoesNotAllocate(t *testing.T) {
	s := wildcards(t, true)
	for _, name := range []string{"foo.bar.example." + string(studio), "foo.bar.example." + string(studioPub), "x.host1.example." + string(studio)} {
		if n := testing.AllocsPerRun(100, func() { s.Lookup(name) }); n != 0 {
			t.Errorf("Lookup(%q) makes %v allocations; want 0", name, n)
		}
	}
}

func BenchmarkWildcard(b *testing.B) {
	s := wildcards(b, true)
	for _, qname := range []string{"host3.example." + string(studio), "host3.example." + string(studioPub), "x.host1.example." + string(studio)} {
		b.Run(fmt.Sprint(qname), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Lookup(qname)
			}
		})
	}
}

// The removal of a wildcard is a change.
func TestWildcardChanges(t *testing.T) {
	set := &Set{Cloud: cloud.Public, Zones: []dnsname.Name{studio}}
	b := NewBuilder(set, nil)
	p, err := b.OwnerOf("*.a." + studioPub)
	if err != nil {
		t.Fatal(err)
	}
	b.Add(p, []netip.Addr{netip.MustParseAddr("10.0.0.1")})
	with, without := b.Snapshot(true, at(1)).Zones[studio], NewBuilder(set, nil).Snapshot(true, at(1)).Zones[studio]
	if got, want := fmt.Sprint(without.Changes(with)), "[{*.a.privatelink.api.azureml.ms [10.0.0.1] []}]"; got != want || with.Equal(without) {
		t.Errorf("Changes = %s; want %s", got, want)
	}
}
