package corefile

import (
	"errors"
	"sync"

	"github.com/coredns/caddy"
	clog "github.com/coredns/coredns/plugin/pkg/log"
)

// A Loader reads the Corefile of a server at its start and at each reload. Find searches
// at the start only: if the file is missing for a moment, no other one takes its place.
type Loader struct {
	Path       *string // as for Find; the flags are read before the start
	Quickstart *bool

	mu     sync.Mutex
	first  caddy.Input // of the start
	logged string      // the error that the log has
}

var errBoth = errors.New("-quickstart has a Corefile of its own: leave out -conf, or -quickstart")

// Load implements [caddy.Loader]. After an error the running configuration stays. Plugin
// reload drops the error and calls Load at each interval, so Load logs it, once.
func (l *Loader) Load(string) (caddy.Input, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		corefile, err := l.start()
		l.first = corefile
		return corefile, err
	}
	corefile, err := l.again()
	switch {
	case err == nil:
		l.logged = ""
	case err.Error() != l.logged:
		l.logged = err.Error()
		clog.Errorf("%v: the running configuration stays", err)
	}
	return corefile, err
}

func (l *Loader) start() (caddy.Input, error) {
	switch {
	case !*l.Quickstart:
		return Find(*l.Path)
	case *l.Path != "":
		return nil, errBoth
	}
	return Quickstart()
}

// again reads the Corefile of the start. A pipe has it once.
func (l *Loader) again() (caddy.Input, error) {
	if path := l.first.Path(); path != pipe && path != embedded {
		return Find(path)
	}
	return l.first, nil
}
