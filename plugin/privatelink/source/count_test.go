package source

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
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
				id, name := fmt.Sprint("pe", random.IntN(6)), fmt.Sprint("n", random.IntN(8), ".example")
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
		for size := 1; size < 5; size++ {
			if got := (exportFormat{}).countInParts(paths, exports, list, size); !maps.Equal(got, want) {
				t.Errorf("round %d: in parts of %d endpoints, the count is %v; want %v", round, size, got, want)
			}
		}
		sum := map[string]int{}
		for rest := range 3 {
			for key, n := range (exportFormat{}).countSome(paths, exports, list, func(name dnsname.Name) bool { return int(name[1])%3 == rest }) {
				sum[key] += n
			}
		}
		if !maps.Equal(sum, want) {
			t.Errorf("round %d: the sum of three thirds is %v; want %v", round, sum, want)
		}
	}
}
