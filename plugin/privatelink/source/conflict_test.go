package source

import (
	"fmt"
	"strings"
	"testing"
)

// conflicts shows those of a list without the folder's path.
func (f *folder) conflicts(list *List) string {
	var all []string
	for _, c := range list.Conflicts {
		all = append(all, fmt.Sprintf("%s %s: %s", c.FQDN, c.Endpoint, f.short(c.Detail)))
	}
	return strings.Join(all, "; ")
}

// With an old export beside the new one, an endpoint has two addresses for one name.
func TestConflictsOfFiles(t *testing.T) {
	const fqdn = "a.blob.core.windows.net"
	const oldAndNew = fqdn + " /s/pe: 10.0.0.4 in 0.json:1, 10.0.0.5 in 1.json:1"
	a4, a5, both := config(fqdn, "10.0.0.4"), config(fqdn, "10.0.0.5"), config(fqdn, "10.0.0.4", "10.0.0.5")
	group := func(text string) string { return zoneGroup("/s/pe", text) }
	card := func(address string) string {
		return strings.Replace(nic("/s/pe", address, fqdn), "{", `{"id": "/s/nic", `, 1)
	}
	for _, tt := range []struct {
		name  string
		files []string
		want  string
	}{
		{"one file", []string{approved("/s/pe", a4)}, ""},
		{"the same twice", []string{approved("/s/pe", a4), approved("/S/PE", a4)}, ""},
		{"an old export beside the new one", []string{approved("/s/pe", a4), "[\n" + approved("/S/PE", a5) + "]"}, fqdn + " /s/pe: 10.0.0.4 in 0.json:1, 10.0.0.5 in 1.json:2"},
		{"twice in one file", []string{"[" + approved("/s/pe", a4) + "," + approved("/s/pe", a5) + "]"}, fqdn + " /s/pe: 10.0.0.4 in 0.json:1, 10.0.0.5 in 0.json:1"},
		{"an address that is gone since", []string{approved("/s/pe", both), approved("/s/pe", a4)}, fqdn + " /s/pe: 10.0.0.4, 10.0.0.5 in 0.json:1, 10.0.0.4 in 1.json:1"},
		{"with and without privatelink", []string{approved("/s/pe", config("a.privatelink.blob.core.windows.net", "10.0.0.4")), approved("/s/pe", a5)}, oldAndNew},
		{"three exports, one finding", []string{approved("/s/pe", a4), approved("/s/pe", a5), approved("/s/pe", config(fqdn, "10.0.0.6"))}, oldAndNew},
		{"an old zone group", []string{group(a4), group(a5)}, oldAndNew},
		{"an old zone group beside the endpoint", []string{approved("/s/pe", a4), group(a5)}, oldAndNew},
		{"an interface with a part of the addresses", []string{approved("/s/pe", both), card("10.0.0.4")}, ""},
		{"names of different times", []string{approved("/s/pe", a4), approved("/s/pe", a4, config("b.blob.core.windows.net", "10.0.0.9"))}, ""},
		{"two endpoints", []string{approved("/s/pe", a4), approved("/s/pe2", a5)}, ""},
		{"a bad address", []string{approved("/s/pe", a4), approved("/s/pe", config(fqdn, "x"))}, ""},
		{"not approved", []string{endpoint("/s/pe", "Pending", "", a4), endpoint("/s/pe", "Pending", "", a5)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t)
			for i, text := range tt.files {
				f.write(fmt.Sprintf("%d.json", i), text)
			}
			list, err := NewFiles([]string{f.at("*.json")}, nil, 0).Fetch(t.Context())
			if got := f.conflicts(list); err != nil || got != tt.want {
				t.Errorf("conflicts %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// The portal's "Download host file" has the endpoint as the comment.
func TestConflictsOfHosts(t *testing.T) {
	const fqdn, pe = "a.blob.core.windows.net", "/subscriptions/0/pe"
	line := func(address, id string) string { return address + " " + fqdn + " # " + id + "\n" }
	for _, tt := range []struct {
		name  string
		files []string
		want  string
	}{
		{"one file with two addresses", []string{line("10.0.0.4", pe) + line("10.0.0.5", pe)}, ""},
		{"two files with the same", []string{line("10.0.0.4", pe), line("10.0.0.4", "/subscriptions/0/PE")}, ""},
		{"an old file beside the new one", []string{line("10.0.0.4", pe), line("10.0.0.5", "/subscriptions/0/PE")}, fqdn + " " + pe + ": 10.0.0.4 in 0.hosts, 10.0.0.5 in 1.hosts"},
		{"no endpoint: each line is its own", []string{line("10.0.0.4", "x"), line("10.0.0.5", "x")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t)
			for i, text := range tt.files {
				f.write(fmt.Sprintf("%d.hosts", i), text)
			}
			list, err := NewHosts([]string{f.at("*.hosts")}, 0).Fetch(t.Context())
			if got := f.conflicts(list); err != nil || got != tt.want {
				t.Errorf("conflicts %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
