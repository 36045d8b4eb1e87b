//go:build !windows

package lifecycle

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coredns/caddy"
)

// A reload by SIGUSR1 removes the event hooks before it sets up the new instance.
func TestReloadBySignal(t *testing.T) {
	var corefile atomic.Value
	set := corefile.Store
	caddy.SetDefaultCaddyfileLoader("test", caddy.LoaderFunc(func(string) (caddy.Input, error) {
		return input("0", corefile.Load().(string)), nil
	}))
	set("probe a")
	if _, err := caddy.LoadCaddyfile("dns"); err != nil { // caddy reloads with the loader that it used last
		t.Fatal(err)
	}
	trapSignals(t)
	serve(t, "probe a")
	end(t, serve(t, "")) // synchronizes the goroutine for signals with Start, by caddy's lock
	calls.take()
	for _, step := range []struct{ name, corefile, last string }{
		{"reload", "probe b", "commit b"},
		{"second reload", "probe c", "commit c"},
		{"failed reload", "probe d\nbroken startup", "abort d"},
		{"reload after a failed one", "probe e", "commit e"},
	} {
		set(step.corefile)
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		if !calls.wait(step.last) {
			t.Fatalf("%s: calls %q; want %q at the end", step.name, calls.take(), step.last)
		}
		answers(t, caddy.Instances()[0])
	}
	calls.expect(t, "all", "begin b, close a, commit b, begin c, close b, commit c, begin d, abort d, begin e, close c, commit e")
	end(t, caddy.Instances()[0])
}

var trapOnce sync.Once

// trapSignals waits until the goroutine of caddy receives signals. An earlier signal
// would be lost.
func trapSignals(t *testing.T) {
	trapOnce.Do(caddy.TrapSignals)
	if !eventually(caddyListens) {
		t.Fatal("caddy does not wait for signals")
	}
}

// wait reports whether last becomes the last call within a time limit.
func (r *recorder) wait(last string) bool {
	return eventually(func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.all) > 0 && r.all[len(r.all)-1] == last
	})
}

func eventually(ok func() bool) bool {
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
	return true
}
