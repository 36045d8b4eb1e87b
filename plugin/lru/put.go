package lru

import (
	"slices"
	"time"
)

// suspectTTL bounds the TTL of an answer that may be from the wrong upstream, such as a
// resolver of the Internet in place of the company's resolver that does not answer. The
// next plugin does not report which upstream has answered. Two signs raise suspicion.
// Plugin forward waits 2 s for each upstream, so a late answer may be from the second or
// third one. And a name that had a record rarely loses it.
const suspectTTL = time.Minute

// put stores the result of a flight. If the store has an entry that can still be served,
// a failure does not replace it and is noted in that entry.
func (l *LRU) put(k key, e *entry) {
	e.key = k
	if k.loopProbe != 0 {
		return
	}
	old := l.store.peek(k)
	if old != nil && (old.kind == failure || !old.fresh(e.stored) && !old.stale(e.stored, l.stale)) {
		old = nil
	}
	switch {
	case e.kind == failure && old != nil:
		old.refreshFailure.Store(e)
		return
	case e.kind == negative && old != nil && old.kind == positive && old.fresh(e.stored): // from a prefetch
		old.refreshFailure.Store(&entry{kind: failure, stored: e.stored, ttl: old.ttl - e.stored.Sub(old.stored)})
		return
	case e.kind == negative && old != nil && old.kind == positive:
		e.capTTLs(suspectTTL)
	}
	if e.ttl > 0 && e.fits() {
		l.store.add(e.toStore())
		return
	}
	l.store.remove(k) // the old entry is out of date
}

// toStore returns the entry in the form that is stored. The entry itself is the answer
// for the clients that wait for it. The name of the key is a part of the records' text,
// so that both need one allocation.
func (e *entry) toStore() *entry {
	wire, ok := e.pack()
	if !ok {
		return e
	}
	k, n := e.key, len(e.key.name)
	text := k.name + wire.octets
	k.name, wire.octets = text[:n], text[n:]
	return &entry{
		key: k, rcode: e.rcode, kind: e.kind, ad: e.ad, ede: e.ede, noReply: e.noReply,
		packed: true, wire: wire, stored: e.stored, ttl: e.ttl,
	}
}

// capTTLs lowers the TTLs to most. The entry must not be in use yet.
func (e *entry) capTTLs(most time.Duration) {
	if e.kind == failure {
		return
	}
	e.ttl = min(e.ttl, most)
	for _, rr := range slices.Concat(e.answer, e.ns) {
		rr.Header().Ttl = min(rr.Header().Ttl, uint32(most/time.Second))
	}
}
