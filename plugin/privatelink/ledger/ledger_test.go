package ledger

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func answer(name, client string, after time.Duration) Answer {
	return Answer{Name: name, Client: netip.MustParseAddr(client), Resolver: "192.0.2.53:53", At: start.Add(after)}
}

// add records an answer as a server does: it grades only names that are not counted.
func add(l *Ledger, g Grade, a Answer) (isNew bool) {
	if _, ok := l.Count(a); ok {
		return false
	}
	return l.Record(a, Fact{Grade: g, Reason: "no source has it"})
}

func (e Entry) show() string {
	var networks []string
	for _, n := range e.Networks {
		networks = append(networks, fmt.Sprintf("%s×%d", n.Prefix, n.Count))
	}
	return fmt.Sprintf("%s %s %s ×%d %s %s-%s [%s] +%d", e.Name, e.Grade, e.Kind, e.Count, strings.Join(networks, " "),
		e.First.Format("15:04:05"), e.Last.Format("15:04:05"), strings.Join(e.Resolvers, " "), e.Others)
}

func TestEntries(t *testing.T) {
	var l Ledger
	for _, a := range []struct {
		grade Grade
		Answer
		isNew bool
	}{
		{Other, answer("o.", "10.1.0.4", 0), true},
		{Backup, answer("b.", "10.1.0.4", time.Second), true},
		{Backup, answer("b.", "10.1.0.77", 2*time.Second), false},
		{Backup, answer("b.", "10.2.0.4", 3*time.Second), false},
		{Backup, answer("b.", "::ffff:10.2.0.9", 4*time.Second), false},
		{Backup, answer("b.", "10.2.0.10", 5*time.Second), false},
		{Known, answer("k.", "2001:db8:0:1ff::4", 6*time.Second), true},
		{Known, answer("k.", "2001:db8:0:1aa::5", 7*time.Second), false},
		{Known, answer("o.", "10.1.0.4", 2*time.Minute), true}, // its grade has changed
		{Known, answer("o.", "10.1.0.4", 4*time.Minute), false},
	} {
		if isNew := add(&l, a.grade, a.Answer); isNew != a.isNew {
			t.Errorf("%s after %s: new is %v; want %v", a.Name, a.At.Sub(start), isNew, a.isNew)
		}
	}
	want := []string{
		"o. known public ×3 10.1.0.0/24×3 12:00:00-12:04:00 [192.0.2.53:53] +0",
		"k. known public ×2 2001:db8:0:100::/56×2 12:00:06-12:00:07 [192.0.2.53:53] +0",
		"b. backup public ×5 10.2.0.0/24×3 10.1.0.0/24×2 12:00:01-12:00:05 [192.0.2.53:53] +0",
	}
	for i, e := range l.Entries() {
		if e.show() != want[i] {
			t.Errorf("entry %d is %s; want %s", i, e.show(), want[i])
		}
	}
	if e, ok := l.Entry("b."); !ok || e.show() != want[2] {
		t.Errorf("the entry of b. is %s; want %s", e.show(), want[2])
	}
	if _, ok := l.Entry("x."); ok || l.Len() != [grades]int{2, 1, 0} {
		t.Errorf("an entry for a name that is not recorded, or %v names", l.Len())
	}
}

// A kind that changes, and a grade that is older than a minute, are for Record.
func TestCount(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after time.Duration
		kind  Kind
		want  bool
	}{
		{"at once", 0, Public, true},
		{"just before the grade ends", valid - 1, Public, true},
		{"when the grade ends", valid, Public, false},
		{"another kind", 0, Withheld, false},
	} {
		var l Ledger
		add(&l, Other, answer("x.", "10.0.0.1", 0))
		a := answer("x.", "10.0.0.1", tc.after)
		a.Kind = tc.kind
		if _, ok := l.Count(a); ok != tc.want {
			t.Errorf("%s: %v; want %v", tc.name, ok, tc.want)
		}
	}
}

// A flood of other names makes no name of a better grade forgotten.
func TestEviction(t *testing.T) {
	var l Ledger
	add(&l, Known, answer("k.", "10.0.0.1", 0))
	add(&l, Backup, answer("b.", "10.0.0.1", 0))
	for i := range MaxNames + 5 {
		add(&l, Other, answer(fmt.Sprintf("x%d.", i), "10.0.0.1", time.Duration(i)*time.Second))
		add(&l, Other, answer("x0.", "10.0.0.1", time.Duration(i)*time.Second)) // it is the most recently used one
	}
	if n := l.Len(); n != [grades]int{1, 1, MaxNames - 2} {
		t.Errorf("%v names; want 1, 1 and %d", n, MaxNames-2)
	}
	for name, want := range map[string]bool{"k.": true, "b.": true, "x0.": true, "x1.": false, "x7.": false, "x8.": true} {
		if _, ok := l.Entry(name); ok != want {
			t.Errorf("%s: %v; want %v", name, ok, want)
		}
	}
}

func TestFlood(t *testing.T) {
	var l Ledger
	for i := range maxNew {
		if l.Full(start) {
			t.Fatalf("full after %d names of a second", i)
		}
		add(&l, Other, answer(fmt.Sprintf("x%d.", i), "10.0.0.1", 0))
	}
	if l.Miss(); !l.Full(start) || l.Full(start.Add(time.Second)) || l.Missed() != 1 {
		t.Errorf("full: %v, a second later: %v, missed: %d; want true, false, 1", l.Full(start), l.Full(start.Add(time.Second)), l.Missed())
	}
}

func TestBounds(t *testing.T) {
	var l Ledger
	for i := range 100 {
		a := answer("x.", fmt.Sprintf("10.0.%d.1", i), 0)
		a.Resolver = fmt.Sprintf("192.0.2.%d:53", i)
		add(&l, Other, a)
	}
	if e, _ := l.Entry("x."); len(e.Networks) != maxNetworks || e.Others != 100-maxNetworks || len(e.Resolvers) != maxResolvers || e.Count != 100 {
		t.Errorf("%d networks, %d others, %d resolvers, %d answers", len(e.Networks), e.Others, len(e.Resolvers), e.Count)
	}
}

func TestCountDoesNotAllocate(t *testing.T) {
	var l Ledger
	a := answer("x.", "10.0.0.1", 0)
	add(&l, Other, a)
	if n := testing.AllocsPerRun(100, func() { l.Count(a) }); n != 0 {
		t.Errorf("%v allocations; want 0", n)
	}
}

// BenchmarkEntries copies a full ledger. A query does not wait for the copy: the longest wait
// is a small part of the time that the copy takes.
func BenchmarkEntries(b *testing.B) {
	var l Ledger
	for i := range 3000 {
		for n := range maxNetworks {
			l.Record(Answer{Name: strconv.Itoa(i), Client: netip.AddrFrom4([4]byte{10, 0, byte(n), 1}), At: start}, Fact{Grade: Backup}) //nolint:gosec // G115: below 32
		}
	}
	var parts []float64
	for b.Loop() {
		parts = append(parts, longestWait(&l))
	}
	slices.Sort(parts)
	b.ReportMetric(parts[len(parts)/2], "wait/copy")
}

// longestWait returns the longest time that a call waits for the lock, as a part of the
// time that a copy takes.
func longestWait(l *Ledger) float64 {
	running, stop, longest := make(chan struct{}), make(chan struct{}), make(chan time.Duration)
	go func() {
		close(running)
		var worst time.Duration
		for {
			select {
			case <-stop:
				longest <- worst
				return
			default:
				began := time.Now()
				l.Full(began)
				worst = max(worst, time.Since(began))
			}
		}
	}()
	<-running
	began := time.Now()
	l.Entries()
	took := time.Since(began)
	close(stop)
	return float64(<-longest) / float64(took)
}
