package syncer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// announce logs what a new snapshot has that the one before had not, or the other
// way round: a line a name, as administrators look for names. What this process
// has served before, before a reload or for another server block, is not new.
func (s *Syncer) announce(previous *zone.Snapshot, before map[dnsname.Name]*zone.Zone, next *zone.Snapshot, lists []*source.List) {
	var changes []zone.Change
	for name, z := range next.Zones {
		if mine := z.Changes(previous.Zones[name]); len(mine) > 0 {
			changes = append(changes, both(z.Changes(before[name]), mine)...)
		}
	}
	if len(changes) == 0 {
		return
	}
	if len(changes) > maxLines && empty(before) {
		log.Infof("%d names are served now", len(changes))
		return
	}
	slices.SortFunc(changes, byName)
	shown := changes[:min(len(changes), maxLines)]
	givers := s.givers(shown, lists)
	for _, c := range shown {
		log.Info(printable(line(c, givers[c.Name])))
	}
	if more := len(changes) - len(shown); more > 0 {
		log.Infof("%d more names like these", more)
	}
}

// both returns the changes whose names are in mine, too. Each is sorted by name.
func both(changes, mine []zone.Change) []zone.Change {
	return slices.DeleteFunc(changes, func(c zone.Change) bool {
		_, found := slices.BinarySearchFunc(mine, c, byName)
		return !found
	})
}

func byName(a, b zone.Change) int { return strings.Compare(string(a.Name), string(b.Name)) }

func empty(zones map[dnsname.Name]*zone.Zone) bool {
	for _, z := range zones {
		for range z.Records() {
			return false
		}
	}
	return true
}

func line(c zone.Change, endpoint string) string {
	switch {
	case len(c.Now) == 0:
		return fmt.Sprintf("%s is not served any more: no source gives it, it was %s", c.Name, source.Addresses(c.Before))
	case len(c.Before) == 0:
		return fmt.Sprintf("%s is served now: %s, of %s", c.Name, source.Addresses(c.Now), endpoint)
	}
	return fmt.Sprintf("%s is changed: %s in place of %s, of %s", c.Name, source.Addresses(c.Now), source.Addresses(c.Before), endpoint)
}

// givers returns the endpoint that gives each name, the first one of several.
func (s *Syncer) givers(changes []zone.Change, lists []*source.List) map[dnsname.Name]string {
	all := map[dnsname.Name]string{}
	for _, c := range changes {
		all[c.Name] = ""
	}
	for _, list := range lists {
		if list == nil {
			continue
		}
		for _, e := range list.Entries {
			place, err := s.Snapshot().Locate(e.FQDN)
			if endpoint, wanted := all[place.Owner]; err == nil && wanted && endpoint == "" {
				all[place.Owner] = source.Title(e.Endpoint, e.Target)
			}
		}
	}
	return all
}
