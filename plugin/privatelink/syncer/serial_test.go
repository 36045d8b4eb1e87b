package syncer

import (
	"fmt"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

func TestSerial(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a.blob.core.windows.net. 10.0.0.1")
		s := serve(t, p, f)
		start := now()
		serial := func() string {
			zones := s.Snapshot().Zones
			return fmt.Sprintf("%d %d", int(zones[blobZone].Serial-start), int(zones["privatelink.queue.core.windows.net."].Serial-start))
		}
		gives := func(address string) { f.gives("a.blob.core.windows.net. " + address); poll(t, s) }
		for _, step := range []struct {
			name string
			do   func()
			want string // serials of the blob and the queue zone, after the start
		}{
			{"first", func() {}, "0 0"},
			{"nothing changed", func() { gives("10.0.0.1") }, "0 0"},
			{"changed in the same second", func() { gives("10.0.0.2") }, "1 0"},
			{"changed again", func() { gives("10.0.0.3") }, "2 0"},
			{"later", func() { time.Sleep(10 * time.Second); gives("10.0.0.4") }, "10 0"},
			{"a reload without a change", func() { time.Sleep(time.Second); s = reload(t, p, s, f) }, "10 0"},
			{"a reload with another TTL", func() {
				set := *testSet
				set.TTL = 7
				next := p.New(Config{Block: "test", Zones: &set, Sources: []source.Source{f}})
				next.Begin()
				t.Cleanup(next.Close)
				s.Close()
				next.Commit()
				s = next
			}, "11 11"},
		} {
			step.do()
			if got := serial(); got != step.want {
				t.Errorf("%s: serials %s; want %s", step.name, got, step.want)
			}
		}
	})
}

// The running instance may change a zone between the begin of the next instance
// and its commit.
func TestSerialMovesDuringReload(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a.blob.core.windows.net. 10.0.0.1")
		s := serve(t, p, f)
		next := begin(t, p, "", newFake("g", "a.blob.core.windows.net. 10.0.0.2"))
		f.gives("a.blob.core.windows.net. 10.0.0.3")
		poll(t, s)
		published := s.Snapshot().Zones[blobZone].Serial
		s.Close()
		next.Commit()
		if got := next.Snapshot().Zones[blobZone].Serial; got <= published {
			t.Errorf("serial %d after the commit; want one after %d, with which other records were transferred", got, published)
		}
	})
}

// Two blocks that serve one zone with other records never move a serial back.
func TestSerialOfTwoBlocks(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f, g := newFake("f", "a.blob.core.windows.net. 10.0.0.1"), newFake("g", "a.blob.core.windows.net. 10.0.1.1")
		first, second := serve(t, p, f), serveBlock(t, p, "second", "", g)
		last := map[string]uint32{}
		check := func(id string, s *Syncer) {
			if got := s.Snapshot().Zones[blobZone].Serial; got < last[id] {
				t.Errorf("%s: serial %d after %d", id, got, last[id])
			} else {
				last[id] = got
			}
		}
		for i := range 20 {
			g.gives(fmt.Sprintf("a.blob.core.windows.net. 10.0.1.%d", i+2))
			poll(t, second)
			if i%4 == 3 { // the records of one become those of the other
				f.gives(fmt.Sprintf("a.blob.core.windows.net. 10.0.1.%d", i+1))
				poll(t, first)
			}
			check("first", first)
			check("second", second)
			first = reload(t, p, first, f)
			next := p.New(Config{Block: "second", Zones: testSet, Sources: []source.Source{g}})
			next.Begin()
			t.Cleanup(next.Close)
			second.Close()
			next.Commit()
			second = next
			check("first", first)
			check("second", second)
		}
	})
}
