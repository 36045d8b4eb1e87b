package syncer

import (
	"maps"
	"sync"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A Process owns everything that outlives a reload. The zero value is not usable;
// see NewProcess.
type Process struct {
	mu        sync.Mutex // never held over a fetch, a log line or the disk
	started   time.Time  // when the first syncer began; zero before that
	pollers   map[string]*poller
	states    map[string]*stateFile
	blocks    map[string]*block
	serial    map[dnsname.Name]uint32     // the latest one of each zone, of all blocks
	announced map[dnsname.Name]*zone.Zone // the generation that the log has last reported
	removals  *removals
	events    journal.Journal
}

// A block is a server block with its last committed snapshot.
type block struct {
	last   *zone.Snapshot
	book   *verdict.Book           // of last
	owner  *Syncer                 // that has published last
	users  int                     // syncers that have begun and not ended
	serial map[dnsname.Name]uint32 // the latest one of each zone, of a commit or not
}

// NewProcess returns a process that has served nothing yet.
func NewProcess() *Process {
	return &Process{
		pollers:   map[string]*poller{},
		states:    map[string]*stateFile{},
		blocks:    map[string]*block{},
		serial:    map[dnsname.Name]uint32{},
		announced: map[dnsname.Name]*zone.Zone{},
		removals:  newRemovals(),
	}
}

// Events returns the journal of the process.
func (p *Process) Events() *journal.Journal { return &p.events }

func (p *Process) begin(s *Syncer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.blocks[s.Block]
	if b == nil {
		b = &block{serial: map[dnsname.Name]uint32{}}
		p.blocks[s.Block] = b
	}
	b.users++
	if p.started.IsZero() {
		p.started = time.Now()
	}
}

// grace is how long after a start fallthrough zones hold back all names that a
// source which is not loaded yet may have. In that time the network of a machine
// that boots comes up.
const grace = 2 * time.Minute

// graceEnd returns when the time after the start ends. A reload does not change it.
func (p *Process) graceEnd() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started.Add(grace)
}

// end forgets a block that the Corefile no longer has.
func (p *Process) end(s *Syncer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.blocks[s.Block]
	if b == nil {
		return
	}
	if b.users--; b.users <= 0 {
		delete(p.blocks, s.Block)
	}
	if len(p.blocks) == 0 {
		p.started = time.Time{}
	}
}

// last returns the last committed snapshot of a block, or nil.
func (p *Process) last(id string) *zone.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.blocks[id]; b != nil {
		return b.last
	}
	return nil
}

// publish records a committed snapshot. It returns the zones as the log has last
// reported them, for this block or for another one.
func (p *Process) publish(s *Syncer, previous, next *zone.Snapshot) (announced map[dnsname.Name]*zone.Zone) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.blocks[s.Block]; b != nil {
		p.removals.note(previous, next, b.book)
		b.last, b.book, b.owner = next, s.book.Load(), s
		s.noteUnserved(p.removals)
	}
	announced = maps.Clone(p.announced)
	maps.DeleteFunc(p.announced, func(name dnsname.Name, _ *zone.Zone) bool {
		return previous.Zones[name] != nil && next.Zones[name] == nil
	})
	maps.Copy(p.announced, next.Zones)
	return announced
}

// nextSerial returns the serial of a zone of s: the previous one if the zone is
// unchanged, otherwise one after every serial that the zone has had. A serial counts
// before the commit as well, because a secondary may have seen it.
func (p *Process) nextSerial(s *Syncer, previous *zone.Snapshot, z *zone.Zone) (serial uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.blocks[s.Block]
	if b == nil { // it has ended
		return serialNow()
	}
	last, given := b.serial[z.Name]
	unchanged := func(snapshot *zone.Snapshot) bool {
		old := snapshot.Zones[z.Name]
		return given && old != nil && old.Serial == last && z.Equal(old)
	}
	switch latest, ok := p.serial[z.Name]; {
	case unchanged(previous) || unchanged(s.Snapshot()):
		serial = last
	case ok:
		serial = max(latest+1, serialNow())
	default:
		serial = serialNow()
	}
	b.serial[z.Name] = serial
	p.serial[z.Name] = max(p.serial[z.Name], serial)
	return serial
}

// owner returns the syncer that has published the block's last snapshot, or nil.
func (p *Process) owner(id string) *Syncer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.blocks[id]; b != nil {
		return b.owner
	}
	return nil
}

// raise makes the serials of a state file earlier than all that follow.
func (p *Process) raise(serials map[dnsname.Name]uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, serial := range serials {
		p.serial[name] = max(p.serial[name], serial)
	}
}

// subscribe returns the poller of a source. Sources with the same name share one.
func (p *Process) subscribe(s *Syncer, src source.Source, last lastGood, unread bool) *poller {
	config := src.Config()
	if config.Static {
		return newStatic(src)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	one, running := p.pollers[config.Name]
	if !running {
		one = newPoller(src)
		one.events = &p.events
		one.remember(last)
		p.pollers[config.Name] = one
	}
	one.add(s, subscription{config.Interval, unread, s.OnDemand})
	switch {
	case running && !unread:
		one.read(s, last)
	case !running && last.ok:
		one.guard.restore(last.Source)
	}
	if !running {
		one.start()
	}
	return one
}

func (p *Process) unsubscribe(s *Syncer, one *poller) {
	if one.Static { // each syncer has its own
		metrics.Forget(one.Name)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := one.remove(s); left == 0 && p.pollers[one.Name] == one {
		delete(p.pollers, one.Name)
		one.stop()
	}
}
