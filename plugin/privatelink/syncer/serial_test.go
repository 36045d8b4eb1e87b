package syncer

import (
	"fmt"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

func TestSerial(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("f", "a 10.0.0.1")
		s := serve(t, p, f)
		start := serialNow()
		serial := func() string {
			zones := s.Snapshot().Zones
			return fmt.Sprintf("%d %d", int(zones[blobZone].Serial-start), int(zones["privatelink.queue.core.windows.net."].Serial-start))
		}
		set := func(address string) { f.set("a " + address); poll(t, s) }
		for _, step := range []struct {
			name string
			do   func()
			want string // serials of the blob and the queue zone, after the start
		}{
			{"first", func() {}, "0 0"},
			{"nothing changed", func() { set("10.0.0.1") }, "0 0"},
			{"changed in the same second", func() { set("10.0.0.2") }, "1 0"},
			{"changed again", func() { set("10.0.0.3") }, "2 0"},
			{"later", func() { time.Sleep(10 * time.Second); set("10.0.0.4") }, "10 0"},
			{"a reload without a change", func() { time.Sleep(time.Second); s = reload(t, p, s, f) }, "10 0"},
			{"a reload with a different TTL", func() {
				zones := *testSet
				zones.TTL = 7
				next := p.New(Config{Block: "test", Zones: &zones, Sources: []source.Source{f}})
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
		f := newFake("f", "a 10.0.0.1")
		s := serve(t, p, f)
		next := begin(t, p, "", newFake("g", "a 10.0.0.2"))
		f.set("a 10.0.0.3")
		poll(t, s)
		published := s.Snapshot().Zones[blobZone].Serial
		s.Close()
		next.Commit()
		if got := next.Snapshot().Zones[blobZone].Serial; got <= published {
			t.Errorf("serial %d after the commit; want one after %d, because its zone has different records", got, published)
		}
	})
}

// Two blocks that serve a zone with different records never decrease a serial.
func TestSerialOfTwoBlocks(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f, g := newFake("f", "a 10.0.0.1"), newFake("g", "a 10.0.1.1")
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
			g.set(fmt.Sprintf("a 10.0.1.%d", i+2))
			poll(t, second)
			if i%4 == 3 { // both blocks have the same records
				f.set(fmt.Sprintf("a 10.0.1.%d", i+1))
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
