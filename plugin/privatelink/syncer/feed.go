package syncer

import (
	"context"
	"strings"
	"sync"
	"time"

	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

var log = clog.NewWithPlugin("privatelink")

// A feed is a source with what is known of it. Feeds outlive the instance of
// the server that made them when a reload names the same source again.
type feed struct {
	source source.Source
	refs   int // guarded by feedsMu

	fetching sync.Mutex // held over a fetch, by nothing that must not wait for one

	mu     sync.Mutex
	list   *source.List    // the last one
	loaded bool            // a list was complete once
	failed string          // the text of the last fetch's error
	told   map[string]bool // the findings that are logged already
}

var (
	feedsMu sync.Mutex
	feeds   = map[string]*feed{}
)

func acquire(src source.Source) *feed {
	feedsMu.Lock()
	defer feedsMu.Unlock()
	f, ok := feeds[src.Name()]
	// Records of the Corefile have nothing to keep, and may be others now.
	if _, static := src.(*source.Record); !ok || static {
		f = &feed{source: src}
		feeds[src.Name()] = f
	}
	f.refs++
	return f
}

func (f *feed) release() {
	feedsMu.Lock()
	defer feedsMu.Unlock()
	name := f.source.Name()
	if f.refs--; f.refs == 0 && feeds[name] == f {
		delete(feeds, name)
		metrics.Forget(name)
	}
}

// fetch brings the feed's list up to date. It logs changes of state only.
func (f *feed) fetch(ctx context.Context) {
	f.fetching.Lock()
	defer f.fetching.Unlock()
	list, err := f.source.Fetch(ctx)
	if ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if list != nil {
		f.list, f.loaded = list, f.loaded || list.Complete
	}
	f.logState(err)
}

func (f *feed) last() (list *source.List, loaded bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list, f.loaded
}

func (f *feed) logState(err error) {
	name := f.source.Name()
	if err == nil {
		metrics.LastSuccess.WithLabelValues(name).Set(float64(time.Now().Unix()))
		if f.failed != "" {
			log.Infof("%s: in order again", name)
		}
		f.failed = ""
		return
	}
	metrics.Failures.WithLabelValues(name).Inc()
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if text == f.failed {
		return
	}
	f.failed = text
	if f.loaded {
		log.Errorf("%s: %s (its last good records are served)", name, text)
		return
	}
	log.Errorf("%s: %s (not ready: names that are not loaded yet get SERVFAIL)", name, text)
}
