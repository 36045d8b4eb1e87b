package records

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A change is a record that one side has and the other has not. A
// different TTL, alias or endpoint is not a change.
type change struct {
	Change string `json:"change"` // removed or added
	record
}

const (
	removed = "removed"
	added   = "added"
)

// differences returns the removed and added records, by zone and name.
func differences(old, now set) []change {
	changes := append(lacks(now, old, removed), lacks(old, now, added)...)
	slices.SortFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Name, b.Name), -cmp.Compare(a.Change, b.Change), a.Address.Compare(b.Address))
	})
	return changes
}

// lacks returns the records of other that s has not.
func lacks(s, other set, kind string) (all []change) {
	type key struct {
		name dnsname.Name
		addr netip.Addr
	}
	has := map[key]bool{}
	for _, r := range s.all() {
		has[key{r.Name, r.Address}] = true
	}
	for _, r := range other.all() {
		if !has[key{r.Name, r.Address}] {
			all = append(all, change{kind, r})
		}
	}
	return all
}

func printChanges(w io.Writer, changes []change, out command.Output) {
	for _, c := range changes {
		sign, style := "-", command.Bad
		if c.Change == added {
			sign, style = "+", command.Good
		}
		command.Fprintf(w, "%s\n", out.Paint(style, fmt.Sprintf("%s %s %s", sign, c.Name, c.Address)))
	}
}
