package privatelink

import (
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A notifier sends NOTIFY (RFC 1996) to the secondaries of a zone when its serial
// has changed. Plugin transfer has the addresses of the secondaries and sends. A
// NOTIFY that is lost is not sent again: the secondary queries for the serial when
// REFRESH has elapsed.
type notifier struct {
	snapshot func() *zone.Snapshot
	send     func(zone string) error // takes seconds if a secondary does not answer

	mu       sync.Mutex
	open     bool                    // the server listens and has not stopped
	repeated bool                    // the first NOTIFY of all zones has been, or will be, repeated
	notified map[dnsname.Name]uint32 // the serial of the last NOTIFY
	underway map[dnsname.Name]bool

	reporting sync.Mutex
	failures  notifyFailures
}

// newNotifier returns a notifier that sends nothing until it begins; send must be
// set by then.
func newNotifier(snapshot func() *zone.Snapshot) *notifier {
	return &notifier{snapshot: snapshot, notified: map[dnsname.Name]uint32{}, underway: map[dnsname.Name]bool{}, failures: notifyFailures{}}
}

// notifyChanged starts a NOTIFY for each zone whose serial differs from that of its
// last NOTIFY. It does not block. It is called after each new snapshot.
func (n *notifier) notifyChanged() {
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

// notify sends one NOTIFY, and another one if the serial has changed by the time
// that the first one has ended.
func (n *notifier) notify(name dnsname.Name) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		serial, due := n.dueLocked(name)
		if !due {
			delete(n.underway, name)
			return
		}
		n.notified[name] = serial
		n.mu.Unlock()
		n.report(name, n.send(string(name)))
		n.mu.Lock()
	}
}

// report has a lock of its own, so that log output that blocks does not delay
// notifyChanged.
func (n *notifier) report(name dnsname.Name, err error) {
	n.reporting.Lock()
	defer n.reporting.Unlock()
	n.failures.report(name, err)
}

func (n *notifier) dueLocked(name dnsname.Name) (serial uint32, due bool) {
	z, ok := n.snapshot().Zones[name]
	if !ok || !n.open {
		return 0, false
	}
	last, ok := n.notified[name]
	return z.Serial, !ok || last != z.Serial
}

// begin is called when the server listens, because secondaries query at once.
func (n *notifier) begin() {
	n.mu.Lock()
	n.open = true
	n.mu.Unlock()
	n.notifyChanged()
}

// repeatAfter is the time after which the first NOTIFY is repeated. BIND 9.18
// discards a NOTIFY that arrives within half a second of its own failed query to
// this server, and may then wait for hours.
const repeatAfter = 5 * time.Second

func (n *notifier) repeat() {
	n.mu.Lock()
	if n.open {
		clear(n.notified)
	}
	n.mu.Unlock()
	n.notifyChanged()
}

// close stops sending. A NOTIFY that is being sent ends by itself within seconds.
func (n *notifier) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open = false
}
