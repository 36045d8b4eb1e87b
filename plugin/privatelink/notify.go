package privatelink

import (
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A notifier tells the secondaries of a zone that its serial is another (NOTIFY,
// RFC 1996). It is plugin transfer that knows them, and sends. A NOTIFY that is
// lost is not sent again: the secondary asks by itself when REFRESH is over.
type notifier struct {
	snapshot func() *zone.Snapshot
	send     func(zone string) error // takes seconds where a secondary does not answer

	mu       sync.Mutex
	open     bool                    // the server listens, and is not stopped
	repeated bool                    // the first NOTIFY of all zones is, or will be, sent again
	told     map[dnsname.Name]uint32 // the serials that the secondaries were told
	underway map[dnsname.Name]bool

	reporting sync.Mutex
	troubles  troubles
}

// newNotifier returns a notifier that sends nothing until it begins; send must be
// set by then.
func newNotifier(snapshot func() *zone.Snapshot) *notifier {
	return &notifier{snapshot: snapshot, told: map[dnsname.Name]uint32{}, underway: map[dnsname.Name]bool{}, troubles: troubles{}}
}

// look has those zones notified whose serial is another than the secondaries
// know of. It waits for nobody. It is called after each new snapshot.
func (n *notifier) look() {
	zones := n.snapshot()
	if !zones.Complete { // a transfer would be refused
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.open && !n.repeated {
		n.repeated = true
		time.AfterFunc(repeatAfter, n.repeat)
	}
	for name := range zones.Zones {
		if _, due := n.dueLocked(name); due && !n.underway[name] {
			n.underway[name] = true
			go n.notify(name)
		}
	}
}

// notify sends one NOTIFY, and one more as often as the serial has changed
// meanwhile.
func (n *notifier) notify(name dnsname.Name) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		serial, due := n.dueLocked(name)
		if !due {
			delete(n.underway, name)
			return
		}
		n.told[name] = serial
		n.mu.Unlock()
		n.report(name, n.send(string(name)))
		n.mu.Lock()
	}
}

// report has a lock of its own: a log that nobody reads must not delay look.
func (n *notifier) report(name dnsname.Name, err error) {
	n.reporting.Lock()
	defer n.reporting.Unlock()
	n.troubles.report(name, err)
}

func (n *notifier) dueLocked(name dnsname.Name) (serial uint32, due bool) {
	z, ok := n.snapshot().Zones[name]
	if !ok || !n.open {
		return 0, false
	}
	told, ok := n.told[name]
	return z.Serial, !ok || told != z.Serial
}

// begin is for a server that listens: secondaries ask back at once.
func (n *notifier) begin() {
	n.mu.Lock()
	n.open = true
	n.mu.Unlock()
	n.look()
}

// repeatAfter is when secondaries are told once more what they were told first.
// BIND 9.18 drops a NOTIFY that arrives within half a second of its own vain
// attempt to reach us, and may then wait for hours.
const repeatAfter = 5 * time.Second

func (n *notifier) repeat() {
	n.mu.Lock()
	if n.open {
		clear(n.told)
	}
	n.mu.Unlock()
	n.look()
}

// close lets a NOTIFY that is under way end by itself, in seconds.
func (n *notifier) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open = false
}
