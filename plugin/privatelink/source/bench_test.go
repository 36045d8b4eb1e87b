package source

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkFiles reads an export of 10,000 endpoints with one name each.
func BenchmarkFiles(b *testing.B) {
	f := newFolder(b)
	var all []string
	for i := range 10_000 {
		id := fmt.Sprint("/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe", i)
		all = append(all, approved(id, config(fmt.Sprintf("a%d.example", i), "10.20.0.4")))
	}
	f.write("a.json", "["+strings.Join(all, ",\n")+"]")
	b.ReportAllocs()
	for b.Loop() {
		list, err := NewFiles([]string{f.at("*")}, nil, 0).Fetch(b.Context())
		if f.must(err); len(list.Entries) != len(all) {
			b.Fatal(len(list.Entries))
		}
	}
}
