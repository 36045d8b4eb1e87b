package lru

import (
	"slices"
	"time"
)

// doubtTime bounds how long an answer is kept that may be of a resolver that does
// not know the name: one of the Internet in place of a silent one of the company. The next plugin does not report which upstream has answered. But plugin
// forward waits 2 s for each, so a late answer may be of the second or third; and
// a name that has had a record seldom vanishes.
const doubtTime = time.Minute

// keep stores an answer. A failure is stored as well, unless there is an entry that
// can still be served: then that one has it.
func (l *LRU) keep(k key, e *entry) {
	e.key = k
	if k.probe != 0 {
		return
	}
	old := l.store.peek(k)
	if old != nil && (old.kind == failure || !old.fresh(e.stored) && !old.stale(e.stored, l.stale)) {
		old = nil
	}
	switch {
	case e.kind == failure && old != nil:
		old.failed.Store(e)
		return
	case e.kind == negative && old != nil && old.kind == positive && old.fresh(e.stored): // by a prefetch
		old.failed.Store(&entry{kind: failure, stored: e.stored, life: old.life - e.stored.Sub(old.stored)})
		return
	case e.kind == negative && old != nil && old.kind == positive:
		e.limit(doubtTime)
	}
	if e.life > 0 && e.fits() {
		l.store.add(e.toStore())
		return
	}
	l.store.remove(k) // it is no longer true
}

// toStore returns the entry in the form that is stored. The entry itself is the
// answer of those who wait for it. The name of the key is a part of the records'
// text: one allocation for both.
func (e *entry) toStore() *entry {
	wire, ok := e.pack()
	if !ok {
		return e
	}
	k, n := e.key, len(e.key.name)
	text := k.name + wire.octets
	k.name, wire.octets = text[:n], text[n:]
	return &entry{
		key: k, rcode: e.rcode, kind: e.kind, ad: e.ad, ede: e.ede, silent: e.silent,
		packed: true, wire: wire, stored: e.stored, life: e.life,
	}
}

// limit lowers the TTLs to a time at most. The entry is not in use yet.
func (e *entry) limit(most time.Duration) {
	if e.kind == failure {
		return
	}
	e.life = min(e.life, most)
	for _, rr := range slices.Concat(e.answer, e.ns) {
		rr.Header().Ttl = min(rr.Header().Ttl, uint32(most/time.Second))
	}
}
