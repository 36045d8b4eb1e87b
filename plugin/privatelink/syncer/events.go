package syncer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/printable"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// This file turns reports into events. The journal keeps more of them than the log has
// lines, and each has its vault.

// note adds the changes of a snapshot to the journal: of the names, then of the serials.
func (r *report) note() {
	var all []journal.Event
	for _, c := range r.changes[max(0, len(r.changes)-journal.Size):] {
		all = append(all, r.event(c))
	}
	if !r.first {
		all = append(all, r.serials()...)
	}
	r.syncer.process.Events().Add(all...)
}

func (r *report) event(c zone.Change) journal.Event {
	e := journal.Event{Kind: journal.Changed, Name: c.Name}
	for i, found := range r.merged.sources {
		if first := found.first[c.Name]; first != nil {
			e.Endpoint, e.Target = first.Endpoint.String(), first.Target.String()
			if all := r.syncer.subscriptions(); i < len(all) { // the lists after them are inherited
				e.Source = all[i].Name
			}
			break
		}
	}
	switch {
	case len(c.Before) == 0:
		e.Kind, e.Text = journal.Added, source.Addresses(c.Now)
	case len(c.Now) == 0:
		e.Kind, e.Text = journal.Removed, "no source has it, it was "+source.Addresses(c.Before)
		if gone, ok := r.syncer.process.removals.get(c.Name); ok {
			e.Endpoint, e.Target, e.Source = gone.Entry.Endpoint.String(), gone.Entry.Target.String(), gone.Source
		}
	default:
		e.Text = fmt.Sprintf("%s, it was %s", source.Addresses(c.Now), source.Addresses(c.Before))
	}
	return e
}

// serials returns an event for each zone with a change.
func (r *report) serials() (all []journal.Event) {
	changed := map[*zone.Zone]int{}
	for _, c := range r.changes {
		if owner, err := r.next.OwnerOf(c.Name); err == nil && r.next.Zones[owner.Zone] != nil {
			changed[r.next.Zones[owner.Zone]]++
		}
	}
	for z, n := range changed {
		all = append(all, journal.Event{Kind: journal.Serial, Name: z.Name, Text: fmt.Sprintf("serial %d, changed names: %d", z.Serial, n)})
	}
	slices.SortFunc(all, func(a, b journal.Event) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}

// note adds the findings that are new, and those that are found no longer.
func (f *findings) note(events *journal.Journal, source string, fresh, gone []string) {
	var all []journal.Event
	for _, text := range gone {
		all = append(all, journal.Event{Kind: journal.Resolved, Source: source, Text: printable.Text("no longer: " + text)})
	}
	for _, text := range fresh {
		skip := f.texts[text].Skip
		all = append(all, journal.Event{Kind: journal.Found, Endpoint: skip.Endpoint, Target: skip.Target, Source: source, Text: printable.Text(text)})
	}
	events.Add(all...)
}
