package ledger

import (
	"cmp"
	"slices"
)

// Entries returns a copy of all entries: by grade, the last answered first. It holds the
// lock for one entry at a time: the queries that are counted wait for the lock, and with
// them all that the same reader of fastpath has received.
func (l *Ledger) Entries() (all []Entry) {
	names := l.allNames()
	all = make([]Entry, 0, len(names))
	for _, name := range names {
		if e, ok := l.Entry(name); ok { // it may be evicted by now
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Grade, b.Grade), b.Last.Compare(a.Last), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func (l *Ledger) allNames() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, names := range l.names {
		if names != nil {
			all = append(all, names.Keys()...)
		}
	}
	return all
}

// Entry returns a copy of the entry of a name, which is in lower case with its trailing
// dot.
func (l *Ledger) Entry(name string) (Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, names := range l.names {
		if names == nil {
			continue
		}
		if r, ok := names.Peek(name); ok {
			return r.copy(), true
		}
	}
	return Entry{}, false
}

// Missed returns the number of answers whose names were not recorded, because too many
// were new at once.
func (l *Ledger) Missed() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.missed
}

// Recent returns copies of the last entries of each grade, at most n of one, the last
// answered first, and the number of all. It holds the lock for less time than Entries.
func (l *Ledger) Recent(n int) (recent [grades][]Entry, all [grades]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, names := range l.names {
		if names == nil {
			continue
		}
		rows := names.Values() // the last used one is last
		all[i] = len(rows)
		for _, r := range slices.Backward(rows[max(0, len(rows)-n):]) {
			recent[i] = append(recent[i], r.copy())
		}
	}
	return recent, all
}

// Generation returns a number that changes with each call of Record.
func (l *Ledger) Generation() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.generation
}

// Len returns the number of names of each grade.
func (l *Ledger) Len() (n [grades]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, names := range l.names {
		if names != nil {
			n[i] = names.Len()
		}
	}
	return n
}

func (r *row) copy() Entry {
	e := r.Entry
	e.Resolvers = slices.Clone(e.Resolvers)
	e.Networks = slices.SortedStableFunc(slices.Values(e.Networks), func(a, b Network) int { return cmp.Compare(b.Count, a.Count) })
	return e
}
