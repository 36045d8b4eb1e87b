package view

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Resource is a vault, an account, or a file.
type Resource struct {
	ID     string `json:"id"`
	Key    string `json:"key"`            // short, for the parameter vault
	Type   string `json:"type,omitempty"` // as "vault" or "storageAccounts"; empty for a file
	Name   string `json:"name"`
	Region string `json:"region,omitempty"`
	verdict.Counts
	Condition verdict.Condition `json:"verdict"`
	Text      string            `json:"reason,omitempty"`
	Newest    *Name             `json:"newest,omitempty"`
	Endpoints []Endpoint        `json:"endpoints"`
	Selected  bool              `json:"-"`
}

// An Endpoint is a private endpoint, with a part of its names.
type Endpoint struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Subscription string `json:"subscription,omitempty"`
	Source       string `json:"source"`
	Names        []Name `json:"names"`
	More         int    `json:"more,omitempty"` // names that are left out
}

// A Name is a served name in its public form.
type Name struct {
	Name      string       `json:"name"`
	Addresses []netip.Addr `json:"addresses"`
	Since     time.Time    `json:"since,omitzero"`
}

func (n Name) String() string { return n.Name }

// resources sets the resources of all blocks. A resource of several blocks is shown once.
func (p *Page) resources(in *Input, r Request) {
	var all []*verdict.Resource
	seen := map[string]bool{}
	for _, b := range in.Blocks {
		for _, one := range b.Survey.Resources {
			if key := casefold.Lower(one.ID); !seen[key] {
				seen[key] = true
				all = append(all, one)
				p.Names += one.Counts.Total()
			}
		}
	}
	if len(in.Blocks) > 1 {
		slices.SortStableFunc(all, func(a, b *verdict.Resource) int { return a.Rank() - b.Rank() })
	}
	p.Resources = []Resource{}
	left := maxAllNames
	for _, one := range all {
		p.AllOf.Resources++
		if one.Type == "vault" {
			p.AllOf.Vaults++
		}
		selected := r.selects(one.ID)
		if selected {
			p.VaultName = one.Name
		}
		if len(p.Resources) < maxResources || selected {
			p.Resources = append(p.Resources, show(one, selected, &left))
		}
	}
}

// Key returns a short key of a resource ID. Two of 1,000 IDs have the same one with a
// probability of 1 in 10,000; then the page shows the events of both.
func Key(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(casefold.Lower(id))) // it cannot fail
	return fmt.Sprintf("%08x", h.Sum32())
}

// selects reports whether the request is about the resource.
func (r Request) selects(id string) bool {
	return r.Vault != "" && id != "" && (r.Vault == Key(id) || casefold.Equal(r.Vault, id))
}

// show returns a resource with the names that are left of the page's bound.
func show(r *verdict.Resource, selected bool, left *int) Resource {
	one := Resource{
		ID: r.ID, Key: Key(r.ID), Type: r.Type, Name: cmp.Or(r.Name, "(endpoint unknown)"), Region: r.Region, Counts: r.Counts, Condition: r.Condition,
		Text: bounded(r.Text), Endpoints: []Endpoint{}, Selected: selected,
	}
	if r.Newest != nil {
		newest := nameOf(r, r.Newest)
		one.Newest = &newest
	}
	for _, e := range r.Endpoints {
		most := min(maxNames, *left)
		if selected {
			most = maxSelected
		}
		shown := first(e.Records, most)
		*left -= min(*left, len(shown))
		to := Endpoint{
			ID: e.ID, Name: endpointName(e.ID), Subscription: verdict.SubscriptionOf(e.ID), Source: e.Source,
			Names: []Name{}, More: len(e.Records) - len(shown),
		}
		for _, record := range shown {
			to.Names = append(to.Names, nameOf(r, record))
		}
		one.Endpoints = append(one.Endpoints, to)
	}
	return one
}

func endpointName(id string) string {
	if strings.HasPrefix(id, "/subscriptions/") {
		return path.Base(id)
	}
	return cmp.Or(id, "(unknown)")
}

func nameOf(r *verdict.Resource, record *zone.Record) Name {
	return Name{zone.Canonical(record.Name).String(), record.Addrs[:min(len(record.Addrs), 5)], r.Since(record)}
}

// first returns the first n records by name. It sorts n records, however many there are.
func first(all []*zone.Record, n int) []*zone.Record {
	byName := func(a, b *zone.Record) int { return strings.Compare(string(a.Name), string(b.Name)) }
	if len(all) <= n {
		return slices.SortedFunc(slices.Values(all), byName)
	}
	shown := make([]*zone.Record, 0, n+1)
	for _, r := range all {
		if len(shown) == n && (n == 0 || byName(r, shown[n-1]) >= 0) {
			continue
		}
		at, _ := slices.BinarySearchFunc(shown, r, byName)
		shown = slices.Insert(shown, at, r)
		shown = shown[:min(len(shown), n)]
	}
	return shown
}

// An Item is something that is not served.
type Item struct {
	verdict.Item
	Short string `json:"-"` // the title without the path of the endpoint
}

// A tally counts items, also those beyond the bound.
type tally struct {
	count int
	first Item
}

func (t *tally) add(i Item) {
	if t.count++; t.count == 1 {
		t.first = i
	}
}

// items sets the items of all blocks that are not served.
func (p *Page) items(in *Input) {
	p.NotServed = []Item{}
	seen := map[string]bool{}
	for _, b := range in.Blocks {
		for _, one := range b.Survey.NotServed {
			key := one.Source + "\x00" + one.Title + "\x00" + one.Text
			if seen[key] {
				continue
			}
			seen[key] = true
			one.Text, one.Remedy = bounded(one.Text), bounded(one.Remedy)
			item := Item{one, shortTitle(&one)}
			switch {
			case one.OnPurpose:
			case one.Kind == verdict.NotApproved:
				p.pending.add(item)
			default:
				p.unserved.add(item)
			}
			if p.AllOf.NotServed++; len(p.NotServed) < maxItems {
				p.NotServed = append(p.NotServed, item)
			}
		}
	}
}

func shortTitle(i *verdict.Item) string {
	if i.Endpoint == "" {
		return i.Title
	}
	short := source.Title(endpointName(i.Endpoint), i.Target)
	return strings.Replace(i.Title, source.Title(i.Endpoint, i.Target), short, 1)
}

// bounded cuts a text of external input.
func bounded(text string) string { return cut(text, maxText) }

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
