package syncer

import (
	"maps"
	"sync"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// zones is the last generation of each zone in this process. After a reload the
// serial goes on from there, and stays where the records are the same.
var (
	zonesMu sync.Mutex
	zones   = map[dnsname.Name]*zone.Zone{}
)

// remember returns what was known before.
func remember(s *zone.Snapshot) map[dnsname.Name]*zone.Zone {
	zonesMu.Lock()
	defer zonesMu.Unlock()
	before := maps.Clone(zones)
	maps.Copy(zones, s.Zones)
	return before
}

// served returns the zones that this process has served last, or where the state
// file of an earlier one has a later serial, that.
func served(serials map[dnsname.Name]uint32) map[dnsname.Name]*zone.Zone {
	zonesMu.Lock()
	defer zonesMu.Unlock()
	all := maps.Clone(zones)
	for name, serial := range serials {
		if known := all[name]; known == nil || known.Serial < serial {
			all[name] = &zone.Zone{Name: name, Serial: serial}
		}
	}
	return all
}

// A stateFile is the file that property state names, or none.
type stateFile struct {
	path  string
	known state.State // what it said at the start

	mu     sync.Mutex
	failed string // the text of the last save's error
	closed bool   // its syncer is; a late save does not count any more
}

// openState reads the file. One that is broken is as good as none.
func openState(path string) *stateFile {
	f := &stateFile{path: path}
	if path == "" {
		return f
	}
	known, err := state.Load(path)
	if err != nil {
		log.Warningf("state: %v (starting without it)", err)
	}
	f.known = known
	return f
}

// save writes what the syncer knows now.
func (f *stateFile) save(s *Syncer) {
	if f.path == "" {
		return
	}
	f.mu.Lock() // over the disk: nobody but another save waits for it
	defer f.mu.Unlock()
	now := state.State{Serials: map[dnsname.Name]uint32{}, Sources: map[string][]source.Entry{}}
	for name, z := range s.Snapshot().Zones {
		now.Serials[name] = z.Serial
	}
	for _, feed := range s.feeds {
		if list, loaded := feed.last(); loaded && !static(feed.source) {
			now.Sources[feed.source.Config().Name] = list.Entries
		}
	}
	text := ""
	if err := state.Save(f.path, now); err != nil {
		text = err.Error()
	}
	switch {
	case text != "" && f.failed == "":
		log.Errorf("state: %s (a restart without Azure would lose the records)", text)
	case text == "" && f.failed != "":
		log.Infof("state: %s is written again", f.path)
	}
	f.count(text != "", f.failed != "")
	f.failed = text
}

// behind tells that the last save went wrong: the next sync tries again.
func (f *stateFile) behind() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed != "" && !f.closed
}

// count keeps the number of files whose last save went wrong.
func (f *stateFile) count(now, before bool) {
	switch {
	case f.closed || now == before:
	case now:
		metrics.UnsavedStates.Inc()
	default:
		metrics.UnsavedStates.Dec()
	}
}

// close leaves the file to the syncer of a reload, which writes it anew.
func (f *stateFile) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count(false, f.failed != "")
	f.closed = true
}
