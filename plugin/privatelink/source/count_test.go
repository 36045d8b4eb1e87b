package source

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// The count of names of one endpoint in one file, and of the others some at a time, is
// the count of all names at once.
func TestCountInParts(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 6))
	for round := range 200 {
		var exports []export
		var paths []string
		for file := range 1 + random.IntN(4) {
			var all []string
			for range random.IntN(6) {
				id, name := fmt.Sprint("pe", random.IntN(6)), fmt.Sprint([]string{"n", "*.n"}[random.IntN(2)], random.IntN(4), ".example")
				dns := config(name, fmt.Sprint("10.20.0.", 4+random.IntN(3)))
				kinds := []string{approved(id, dns), endpoint(id, "Pending", "Succeeded", dns), zoneGroup(id, dns), recordSet("A", name, "10.20.0.4")}
				all = append(all, kinds[random.IntN(len(kinds))])
			}
			path := fmt.Sprint(file)
			x, _, err := exportFormat{}.decode(path, []byte("["+strings.Join(all, ",")+"]"), past[export]{})
			if err != nil {
				t.Fatal(err)
			}
			exports, paths = append(exports, x), append(paths, path)
		}
		list := exportFormat{}.unite(exports)
		want := exportFormat{}.countSome(paths, exports, list, everyName)
		if naive := countNaively(paths, exports, list); !maps.Equal(naive, want) {
			t.Errorf("round %d: %v; want %v", round, want, naive)
		}
		for size := 1; size < 5; size++ {
			if got := (exportFormat{}).countInParts(paths, exports, list, size); !maps.Equal(got, want) {
				t.Errorf("round %d: in parts of %d endpoints, the count is %v; want %v", round, size, got, want)
			}
		}
		sum := map[string]int{}
		for rest := range 3 {
			third := func(name dnsname.Name) bool { return int(name[len(name)-len("0.example.")])%3 == rest }
			for key, n := range (exportFormat{}).countSome(paths, exports, list, third) {
				sum[key] += n
			}
		}
		if !maps.Equal(sum, want) {
			t.Errorf("round %d: the sum of three thirds is %v; want %v", round, sum, want)
		}
	}
}

// countNaively is the definition of the count: a name is in the files that have it, or in
// those without each of which it would be lost.
func countNaively(paths []string, exports []export, list *List) map[string]int {
	c := newCounter(paths)
	all := namesOf(list.Entries)
	for i, x := range exports {
		for _, entry := range x.records.Entries {
			c.has(i, entry.FQDN)
		}
		for one := range x.endpoints.all() {
			for _, config := range one.DNS {
				if name := dnsname.Name(config.FQDN + "."); all[name] {
					c.has(i, name)
				}
			}
		}
		before, rest := byEndpoint(list, everyName), byEndpoint(exportFormat{}.unite(slices.Concat(exports[:i], exports[i+1:])), everyName)
		for name := range all {
			kept := false
			for id := range before { // another endpoint may get the name when a file is gone
				kept = kept || before[id][name] && rest[id][name]
			}
			if !kept {
				c.alone[name] = append(c.alone[name], i)
			}
		}
	}
	return c.parts()
}

// Exports of several days, in which most endpoints are the same, are united with what only
// one of them has.
func TestDescriptions(t *testing.T) {
	var all descriptions
	for file := range 100 {
		for i := range 5 {
			e := privateendpoint.Endpoint{ID: fmt.Sprint("pe", i), Line: file, File: fmt.Sprint(file), Connected: true, Status: "Approved"}
			if file == 7 && i == 3 {
				e.Status = "Pending"
			}
			all.add(e.ID, file, &e)
		}
	}
	if got := fmt.Sprint(all.onlyIn()); got != "map[7:[pe3]]" {
		t.Errorf("endpoints that only one file describes so: %s; want pe3 in file 7", got)
	}
	for _, tc := range []struct{ without, want string }{{"0", "Pending Approved"}, {"99", "Pending Approved"}, {"7", "Approved"}} {
		file, _ := strconv.Atoi(tc.without)
		var got []string
		for _, e := range all.without("pe3", file) {
			got = append(got, e.Status)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("without file %s: %s; want %s", tc.without, got, tc.want)
		}
	}
}
