package syncer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Each step of a source leaves its events, with the endpoint of each name.
func TestEvents(t *testing.T) {
	const (
		serial  = "the zone has another serial"
		waiting = "skipped /pe/new: its connection is Pending"
	)
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("1", "a 10.0.0.1")
		serve(t, p, f)
		pending := listOf("a 10.0.0.1")
		pending.Skipped = []source.Skip{{Endpoint: "/pe/new", Reason: source.NotApproved, Detail: "its connection is Pending"}}
		for _, step := range []struct {
			name string
			does func()
			wait time.Duration
			want []string
		}{
			{"start", func() {}, 0, []string{"added a /pe/a 10.0.0.1"}},
			{"a name is added", func() { f.set("a 10.0.0.1", "b 10.0.0.2") }, 2 * time.Minute, []string{"added b /pe/b 10.0.0.2", serial}},
			{"another address", func() { f.set("a 10.0.0.3", "b 10.0.0.2") }, 2 * time.Minute, []string{"changed a /pe/a 10.0.0.3, it was 10.0.0.1", serial}},
			{"a name goes", func() { f.set("a 10.0.0.3") }, agreement, []string{"removed b /pe/b no source has it, it was 10.0.0.2", serial}},
			{"the source fails", func() { f.fail(nil) }, 2 * time.Minute, []string{"failed   it rains (its last good records are served)"}},
			{"it recovers", func() { f.set("a 10.0.0.3") }, 2 * time.Minute, []string{"recovered   recovered"}},
			{"an endpoint is pending", func() { f.next.Store(&fetched{pending, nil}) }, 2 * time.Minute, []string{"changed a /pe/a 10.0.0.1, it was 10.0.0.3", "found  /pe/new " + waiting, serial}},
			{"it is approved", func() { f.set("a 10.0.0.1", "n 10.0.0.9") }, 2 * time.Minute, []string{"added n /pe/n 10.0.0.9", "resolved   no longer: " + waiting, serial}},
		} {
			_, before := p.Events().Events()
			if step.name == "start" {
				before = 0
			}
			step.does()
			time.Sleep(step.wait)
			all, total := p.Events().Events()
			var got []string
			for _, e := range all[:total-before] {
				if e.Kind == journal.Serial {
					got = append(got, serial)
					continue
				}
				name := strings.TrimSuffix(string(e.Name), inZone)
				got = append(got, fmt.Sprintf("%s %s %s %s", e.Kind, name, e.Endpoint, e.Text))
			}
			slices.Sort(got)
			if !slices.Equal(got, step.want) {
				t.Errorf("%s:\n got %q\nwant %q", step.name, got, step.want)
			}
		}
	})
}
