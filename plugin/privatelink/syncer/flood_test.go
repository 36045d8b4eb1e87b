package syncer

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// A flood of names costs each source half of its syncs. The other half is for the names
// of Azure Backup.
func TestFloodOfNames(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("1", "a 10.0.0.1")
		s := demanding(t, p, f)
		before := f.fetches.Load()
		for i := range 3000 {
			s.Await(fmt.Sprintf("x%d%s", i, inZone), client)
		}
		if n := f.fetches.Load() - before; n != 3 {
			t.Errorf("the flood started %d syncs; want 3", n)
		}
		f.set("a 10.0.0.1", "wepod01ecs114x 10.0.0.2")
		s.Await("wepod01ecs114x"+inZone, client)
		if got := addrs(s, "wepod01ecs114x"); got != "10.0.0.2" {
			t.Errorf("the name of a Backup account has %q after its first query; want 10.0.0.2", got)
		}
		for i := range 3600 {
			s.Await(fmt.Sprintf("y%dpod01%s", i, inZone), client)
			time.Sleep(time.Second)
		}
		if n := f.fetches.Load() - before; n > 6*60+6+1 {
			t.Errorf("%d syncs within an hour; want 6 a minute at most", n)
		}
	})
}

// One network leaves a third of the syncs to the others, whatever names it asks for.
func TestFloodOfOneNetwork(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("1", "a 10.0.0.1")
		s := demanding(t, p, f)
		for minute := range 3 {
			before := f.fetches.Load()
			for i := range 100 {
				s.Await(fmt.Sprintf("x%d-%dpod01%s", minute, i, inZone), netip.AddrFrom4([4]byte{10, 2, 2, byte(i)}))
			}
			if n := f.fetches.Load() - before; n < 3 || n > 4 {
				t.Errorf("minute %d: the flood started %d syncs; want 3 or 4", minute, n)
			}
			account := fmt.Sprintf("wepod01ecs%d", minute)
			f.set("a 10.0.0.1", account+" 10.0.0.2")
			s.Await(account+inZone, client)
			if got := addrs(s, account); got != "10.0.0.2" {
				t.Errorf("minute %d: the name that another network asks for has %q after its first query; want 10.0.0.2", minute, got)
			}
			time.Sleep(time.Minute)
		}
	})
}
