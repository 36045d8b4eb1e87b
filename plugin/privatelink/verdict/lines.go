package verdict

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// This file is the text of a finding, which the command why and the page share.

// A Style is how a line is shown.
type Style string

// The styles.
const (
	Good   Style = "good" // the name is private
	Bad    Style = "bad"  // it is not
	Plain  Style = "plain"
	Note   Style = "note" // something is wrong with the source
	Remedy Style = "remedy"
)

// A Line is one line about a finding. Label is the part before the colon, or empty.
type Line struct {
	Style Style  `json:"style"`
	Label string `json:"label,omitempty"`
	Text  string `json:"text"`
}

// Lines returns the finding as text, at most six lines. at formats a time. about returns
// more about a source, or "", and may be nil.
func (f *Finding) Lines(at func(time.Time) string, about func(source string) string) (all []Line) {
	all = append(all, f.first(at))
	if f.Served {
		all = append(all, Line{Plain, fmt.Sprintf("step %d", f.Step), f.how() + f.use(at)})
	}
	if f.Endpoint != "" {
		all = append(all, Line{Plain, "endpoint", f.EndpointText()})
	}
	if f.Source != "" {
		all = append(all, Line{Plain, "source", f.source(at, about)})
	}
	if !f.Served {
		all = append(all, Line{Plain, "", fmt.Sprintf("clients get %s (step %d: %s)%s", f.gets(), f.Step, f.how(), f.asked(at))})
	} else if f.Text != "" {
		all = append(all, Line{Note, "note", f.Text})
	}
	if f.Remedy != "" {
		all = append(all, Line{Remedy, "remedy", f.Remedy})
	}
	return all
}

// first is the line with the result.
func (f *Finding) first(at func(time.Time) string) Line {
	switch {
	case f.Served:
		return Line{Good, "", fmt.Sprintf("%s is private: %s", f.Name, source.Addresses(f.Addrs))}
	case f.Kind == ChainOnly:
		return Line{Note, "", fmt.Sprintf("%s%s: %s", f.Name, strings.TrimPrefix(f.Text, "it"), source.Addresses(f.Addrs))}
	}
	return Line{Bad, "", fmt.Sprintf("%s is not private: %s%s", f.Name, f.Text, f.before(at))}
}

// Distinct unites the blocks that agree.
func Distinct(all []Finding) (found []Finding) {
	for _, f := range aligned(all) {
		same := func(other Finding) bool {
			other.Block, other.Lacking, other.Asked = f.Block, f.Lacking, f.Asked
			return reflect.DeepEqual(other, f)
		}
		if i := slices.IndexFunc(found, same); i >= 0 {
			found[i].Asked = found[i].Asked.Plus(f.Asked)
		} else {
			found = append(found, f)
		}
	}
	return found
}

// aligned returns the findings with the earliest time of each name: the blocks of one
// server publish a name one after the other.
func aligned(all []Finding) []Finding {
	all = slices.Clone(all)
	for i := range all {
		for _, other := range all {
			if other.Name == all[i].Name && other.Kind == all[i].Kind && other.Since.Before(all[i].Since) {
				all[i].Since = other.Since
			}
		}
	}
	return all
}

// before is when a name was served that is not served any more.
func (f *Finding) before(at func(time.Time) string) string {
	if f.Since.IsZero() || len(f.Addrs) == 0 {
		return ""
	}
	return fmt.Sprintf("; it was %s until %s", source.Addresses(f.Addrs), at(f.Since.Local()))
}

// EndpointText is the endpoint with its target and subscription.
func (f *Finding) EndpointText() string {
	id := f.Endpoint
	if f.Subscription != "" {
		id = path.Base(id)
	}
	text := source.Title(id, f.Target)
	if zone := source.ZoneIn(f.Endpoint); zone != "" {
		text = "private DNS zone " + zone
	}
	if f.Subscription != "" {
		text += ", subscription " + f.Subscription
	}
	return text
}

func (f *Finding) source(at func(time.Time) string, about func(string) string) string {
	text := f.Source
	if about != nil {
		if known := about(f.Source); known != "" {
			text += ": " + known
		}
	}
	switch {
	case f.Since.IsZero() || !f.Served:
	case f.Kind == HeldBack:
		text += ", which lacks it since " + at(f.Since.Local())
	default:
		text += ", since " + at(f.Since.Local())
	}
	return text
}

// inPlace has what clients get in place of the private address.
var inPlace = map[Answer]string{
	Refused: "REFUSED",
	NoData:  "no address", NXDomain: "NXDOMAIN", ServFail: "SERVFAIL", Upstream: "the answer of the upstream, which may be public",
}

// gets is what clients get.
func (f *Finding) gets() string {
	if f.Kind == ChainOnly && f.Answer == ServFail {
		return "SERVFAIL, because of protect, if the upstream's CNAME chain leads to a public address"
	}
	if f.Kind == ChainOnly {
		return "the answer of the upstream, which may be public if its CNAME chain leads elsewhere"
	}
	if f.Answer == Upstream && f.Kind == NeverSeen && f.Zone == "" {
		return "the answer of the upstream"
	}
	if f.Answer == Upstream && f.Strict {
		return "NXDOMAIN if the upstream's CNAME chain leads into the zone, otherwise the upstream's answer, which may be public"
	}
	if f.Answer == ServFail && f.Step == 4 {
		return "SERVFAIL in place of a public address, because of protect"
	}
	return inPlace[f.Answer]
}

// how is why the step of the resolution order decides.
func (f *Finding) how() string {
	switch {
	case f.Step == 0:
		return "plugin privatelink gets no query for it"
	case f.Step == 1 && f.Served:
		return fmt.Sprintf("the zone %s has the record %s", f.Zone, f.Owner)
	case f.Step == 1:
		return "the name exists in a zone, and has no address"
	case f.Step == 2:
		return fmt.Sprintf("the zone %s is strict and lacks it", f.Zone)
	case f.Step == 3:
		return fmt.Sprintf("an alias of the record %s", f.Owner)
	case f.Step == 5:
		return "not every source has been read"
	case f.Kind == ChainOnly:
		return "no source has this name of the record"
	case f.Zone != "":
		return fmt.Sprintf("the zone %s lacks it", f.Zone)
	}
	return "it is in no zone"
}

// use is how often the record of a served name was asked for, and by whom.
func (f *Finding) use(at func(time.Time) string) string {
	if f.Asked.Queries == 0 {
		return ""
	}
	return fmt.Sprintf("; asked for %s, last %s by %s", times(f.Asked.Queries), at(f.Asked.Last.Local()), f.Asked.Network)
}

func times(n uint64) string {
	if n == 1 {
		return "1 time"
	}
	return fmt.Sprintf("%d times", n)
}

// asked is who got another answer, by the ledger.
func (f *Finding) asked(at func(time.Time) string) string {
	count, last, networks := totals(f.Lacking)
	if count == 0 {
		return ""
	}
	text := fmt.Sprintf(": %s, last %s", times(count), at(last.Local()))
	if n := len(networks); n > 0 {
		text += ", by " + strings.Join(networks[:min(n, 3)], ", ")
		if n > 3 {
			text += fmt.Sprintf(" and %d more networks", n-3)
		}
	}
	return text
}

func totals(lacking []ledger.Entry) (count uint64, last time.Time, networks []string) {
	for _, e := range lacking {
		count += e.Count
		if e.Last.After(last) {
			last = e.Last
		}
		for _, n := range e.Networks {
			if text := n.Prefix.String(); !slices.Contains(networks, text) {
				networks = append(networks, text)
			}
		}
	}
	return count, last, networks
}
