package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParts(t *testing.T) {
	const hub = `"subnet": {"id": "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub/subnets/s"}`
	a, b := config("a.example", "10.20.0.4"), config("b.example", "10.20.0.5")
	inHub := strings.TrimSuffix(approved("pe"), "}") + ", " + hub + "}"
	for _, tc := range []struct {
		name  string
		files []string
		vnets []string
		want  string
	}{
		{"one file", []string{approved("pe", a, b)}, nil, "0:2"},
		{"an empty file", []string{"[]", approved("pe", a)}, nil, "0:0 1:1"},
		{"a file without a served endpoint", []string{endpoint("pe", "Pending", "Succeeded", a), approved("pe2", b)}, nil, "0:0 1:1"},
		{"two files", []string{approved("pe", a), approved("pe2", b)}, nil, "0:1 1:1"},
		{"a name of two endpoints in two files", []string{approved("pe", a), approved("pe2", a, b)}, nil, "0:0 0+1:1 1:1"},
		{"a name of two endpoints in one file", []string{"[" + approved("pe", a) + "," + approved("pe2", a) + "]"}, nil, "0:1"},
		{"an endpoint in two files", []string{approved("pe", a, b), zoneGroup("pe", a)}, nil, "0:1 0+1:1 1:0"},
		{"an endpoint in three files, each with the name", []string{approved("pe", a), zoneGroup("pe", a), nic("pe", "10.20.0.4", "a.example")}, nil, "0:0 0+1+2:1 1:0 2:0"},
		{"names in the file of the interface", []string{approved("pe"), nic("pe", "10.20.0.4", "a.example")}, nil, "0:0 1:1"},
		{"the network in the file of the endpoint, names in a second file", []string{inHub, zoneGroup("pe", a)}, []string{"hub"}, "0:1 1:1"},
		{"the state in the later file", []string{endpoint("pe", "Rejected", "Succeeded", a), approved("pe", a)}, nil, "0:0 1:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t)
			for i, content := range tc.files {
				f.write(fmt.Sprint(i), content)
			}
			list, err := NewFiles([]string{f.at("*")}, tc.vnets, 0).Fetch(t.Context())
			if got := f.parts(list); got != tc.want || err != nil {
				t.Errorf("Parts = %s, %v; want %s", got, err, tc.want)
			}
		})
	}
	f := newFolder(t)
	f.write("0", "10.20.0.4 a.example b.example\n10.20.0.5 a.example\n")
	f.write("1", "10.20.0.4 b.example c.example\n")
	f.write("2", "10.20.0.x broken\n")
	list, _ := NewHosts([]string{f.at("*")}, 0).Fetch(t.Context())
	if got, want := f.parts(list), "0:1 0+1:1 1:1"; got != want {
		t.Errorf("Parts of hosts files = %s; want %s", got, want)
	}
}

// Remembered paths that match no pattern, and invalid numbers, are ignored.
func TestRememberForeignPaths(t *testing.T) {
	f := newFolder(t)
	f.write("a.json", exportA)
	src := NewFiles([]string{f.at("./*.json")}, nil, 0)
	src.Remember(map[string]int{f.at("a.json"): -9, f.at("old.txt"): 50, f.at("old.txt") + "\n" + f.at("a.json"): 9, "": 1})
	if got, want := f.parts(f.fetch(src, goodA, "")), "a.json:1"; got != want {
		t.Errorf("Parts = %s; want %s", got, want)
	}
}

// parts formats Parts as FILE:NAMES, with a + between the files that share names.
func (f *folder) parts(list *List) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(list.Parts)) {
		all = append(all, fmt.Sprintf("%s:%d", strings.ReplaceAll(f.short(key), "\n", "+"), list.Parts[key]))
	}
	return strings.Join(all, " ")
}

func BenchmarkParts(b *testing.B) {
	f := newFolder(b)
	for _, kind := range []string{"endpoints", "interfaces"} {
		var all []string
		for i := range 20000 {
			id, name := fmt.Sprintf("pe%d", i), fmt.Sprintf("a%d.example", i)
			if kind == "endpoints" {
				all = append(all, approved(id))
			} else {
				all = append(all, nic(id, "10.20.0.4", name))
			}
		}
		f.write(kind, "["+strings.Join(all, ",")+"]")
	}
	src := NewFiles([]string{f.at("*")}, nil, 0)
	list, err := src.Fetch(b.Context())
	f.must(err)
	paths, values := src.set.values(nil)
	for b.Loop() {
		src.set.format.count(paths, values, list)
	}
}
