package syncer

import (
	"fmt"
	"math/rand/v2"
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
			s.Await(fmt.Sprintf("x%d%s", i, inZone), netip.AddrFrom4([4]byte{10, 3, byte(i), 1}))
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

// One network leaves a third of the syncs to the names of Azure Backup that others ask for,
// whatever it asks for and when: two names of six syncs are there at their first query. So
// are two of its own among ordinary names.
func TestFloodOfOneNetwork(t *testing.T) {
	for _, tc := range []struct {
		name  string
		asks  string        // in turn: o is an ordinary name, b one of Azure Backup
		every time.Duration // between two names
		first time.Duration // of the minute in which the flood begins
		syncs int32         // that the network starts in the first minute
		own   bool          // the two names are asked for by the same network
	}{
		{"names of Azure Backup", "b", 0, 0, 4, false},
		{"names of Azure Backup for an hour", "b", 7 * time.Second, 0, 7, false},
		{"ordinary names", "o", 0, 0, 2, false},
		{"ordinary names for an hour", "o", time.Second, 0, 5, false},
		{"ordinary names, then names of Azure Backup", "ooobbbbbbbbb", 0, 0, 4, false},
		{"names of Azure Backup, then ordinary names", "bbbboooo", 0, 0, 4, false},
		{"in turn", "ob", 0, 30 * time.Second, 4, false},
		{"in turn, for an hour", "ob", time.Second, 30 * time.Second, 7, false},
		{"over the end of a minute", "b", 40 * time.Millisecond, 58 * time.Second, 4, false},
		{"ordinary names over the end of a minute", "o", 40 * time.Millisecond, 58 * time.Second, 2, false},
		{"its own among ordinary names", "o", 0, 0, 2, true},
		{"its own among ordinary names for an hour", "o", time.Second, 0, 5, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *Process) {
				f := newFake("1", "a 10.0.0.1")
				s := demanding(t, p, f)
				time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(2*time.Minute + tc.first)))
				asked := 0
				for minute := range 30 {
					before, end := f.fetches.Load(), time.Now().Add(time.Minute)
					for i := 0; i < 100 && time.Now().Before(end); i++ {
						form := map[byte]string{'o': "x%d%s", 'b': "x%dpod01%s"}[tc.asks[i%len(tc.asks)]]
						s.Await(fmt.Sprintf(form, asked, inZone), netip.AddrFrom4([4]byte{10, 2, 2, byte(i)}))
						asked++
						time.Sleep(tc.every)
					}
					if n := f.fetches.Load() - before; minute == 0 && n != tc.syncs || n > 8 {
						t.Errorf("minute %d: the flood started %d syncs; want %d", minute, n, tc.syncs)
					}
					from := map[bool]netip.Addr{false: client, true: netip.MustParseAddr("10.2.2.200")}[tc.own]
					for i := range 2 {
						account := fmt.Sprintf("wepod01ecs%dx%d", minute, i)
						f.set("a 10.0.0.1", account+" 10.0.0.2")
						if s.Await(account+inZone, from); addrs(s, account) != "10.0.0.2" {
							t.Errorf("minute %d: name %d is %q after its first query; want 10.0.0.2", minute, i, addrs(s, account))
						}
					}
					time.Sleep(time.Until(end))
				}
			})
		})
	}
}

// A network that has used up its share by names of Azure Backup does not pause the ordinary
// names of others.
func TestSpentShareDoesNotPauseOthers(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		f := newFake("1", "a 10.0.0.1")
		s := demanding(t, p, f)
		for i := range 1800 {
			s.Await(fmt.Sprintf("x%dpod01%s", i, inZone), netip.MustParseAddr("10.2.2.2"))
			time.Sleep(100 * time.Millisecond)
		}
		f.set("a 10.0.0.1", "b 10.0.0.2")
		if s.Await("b"+inZone, client); addrs(s, "b") != "10.0.0.2" {
			t.Errorf("the name of another network is %q; want 10.0.0.2", addrs(s, "b"))
		}
	})
}

// One network leaves a third at any time, and half if it asks for ordinary names only.
func TestShares(t *testing.T) {
	for _, tc := range []struct {
		asks  []priority // in turn
		keeps float64    // of the size
	}{
		{[]priority{backupName}, 1. / 3},
		{[]priority{otherName}, 1. / 2},
		{[]priority{floodName}, 2. / 3},
		{[]priority{otherName, backupName}, 1. / 3},
		{[]priority{otherName, otherName, otherName, floodName, backupName, backupName}, 1. / 3},
	} {
		bubble(t, func(t *testing.T, _ *Process) {
			random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // G404: the same times each time
			for size := 3; size <= 60; size++ {
				var b bucket
				b.resize(size)
				for i := range 500 {
					if as := tc.asks[i%len(tc.asks)]; b.left(1, as) && has(b.whole, as) {
						b.take(1)
					}
					if got := b.whole.Tokens(); got < tc.keeps*float64(size)-1e-6 {
						t.Fatalf("priorities %v: %v of %d polls are left; want %v of them", tc.asks, got, size, tc.keeps)
					}
					time.Sleep(time.Duration(random.Int64N(int64(time.Minute) / int64(size))))
				}
			}
		})
	}
}
