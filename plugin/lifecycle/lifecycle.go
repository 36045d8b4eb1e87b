// Package lifecycle calls hooks of plugins when their CoreDNS instance begins, is
// committed or aborted, and closes. It also ends the process in order.
//
// A reload starts a new instance beside the running one, and calls its Begin. When the
// new instance serves, the old one stops. It answers the queries that it has read,
// within 5 s. Then its Close is called, and Commit of the new instance. If the new
// instance does not start, its Abort is called, and the old one continues to serve.
//
// SIGTERM and SIGINT end the process in this order:
//
//  1. The functions for the final shutdown run. They include the lameduck time of
//     plugin health, in which the servers and plugins work as before.
//  2. The servers stop. They answer the queries that they have read, within 5 s, and
//     read no new ones.
//  3. Close is called, and the other plugins shut down.
//
// If 2 and 3 take more than 8 s, the process ends with status 1. A second signal
// ends it at once with status 2. Otherwise the status is 0.
//
// caddy itself shuts the plugins down while the servers still accept queries, and
// waits for them without a limit.
package lifecycle

import (
	"errors"
	"sync"

	"github.com/coredns/caddy"
)

// Hooks are called for one plugin of one instance. A nil function is skipped.
// Each function is called at most once, and no two of them run at the same time.
//
// After a successful Begin, either Commit or Abort is called, and Close is called
// after Commit. If Begin returns an error, no other function is called, so Begin has
// to release its resources. A reload or a shutdown waits for Commit, Abort and Close.
// Therefore they must not wait long for the network or a disk.
type Hooks struct {
	// Begin is called when the instance starts, before it listens. The
	// predecessor still serves. An error fails the start.
	Begin func() error
	// Commit is called when the instance serves and its predecessor has ended.
	Commit func()
	// Abort is called if the start failed for any reason, such as a port in use, or if
	// the process ends before the commit.
	Abort func()
	// Close is called when the instance has stopped serving.
	Close func()
}

// Attach arranges the calls of the hooks for the instance that c sets up. Call it in
// the setup function of a plugin. The hooks of an instance are called in the
// order of Attach, which is the order of the directives.
//
// If a first start fails in a process that continues, which only tests and
// embedding programs do, Abort is called by the next Attach of the process.
func Attach(c *caddy.Controller, h Hooks) {
	watch()
	a := &attachment{hooks: h}
	i := instanceOf(c)
	i.add(a)
	c.OnStartup(func() error { return i.begin(a) })
	c.OnShutdown(func() error {
		a.close()
		return nil
	})
}

// An attachment has the hooks of one plugin and their state.
type attachment struct {
	hooks Hooks

	mu    sync.Mutex // held while Commit, Abort or Close runs, not while Begin runs
	state state
}

type state uint8

const (
	attached  state = iota
	beginning       // Begin is running
	ending          // Begin is running, and Abort follows it
	begun
	committed
	ended
)

// Both errors are returned to caddy, which logs them.
var (
	errEnded    = errors.New("the instance has ended before its start was complete")
	errShutdown = errors.New("the process is shutting down")
)

// begin calls Begin without the lock, so that an Abort at that time does not wait.
func (a *attachment) begin() (err error) {
	if !a.advance(attached, beginning) {
		return errEnded
	}
	returned := false
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		switch {
		case err != nil || !returned: // caddy handles a panic
			a.state = ended
		case a.state == ending:
			a.state, err = ended, errEnded
			call(a.hooks.Abort)
		default:
			a.state = begun
		}
	}()
	if a.hooks.Begin != nil {
		err = a.hooks.Begin()
	}
	returned = true
	return err
}

// advance reports whether the state was from, and sets it to to.
func (a *attachment) advance(from, to state) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != from {
		return false
	}
	a.state = to
	return true
}

func (a *attachment) commit() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == begun {
		a.state = committed
		call(a.hooks.Commit)
	}
}

// abort ends an attachment that is not committed.
func (a *attachment) abort() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.abortLocked()
}

func (a *attachment) abortLocked() {
	switch a.state {
	case attached:
		a.state = ended
	case beginning:
		a.state = ending
	case begun:
		a.state = ended
		call(a.hooks.Abort)
	}
}

// close ends an attachment with Close or, if it is not committed, with Abort.
func (a *attachment) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != committed {
		a.abortLocked()
		return
	}
	a.state = ended
	call(a.hooks.Close)
}

func call(f func()) {
	if f != nil {
		f()
	}
}
