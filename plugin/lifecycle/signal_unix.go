//go:build !windows

package lifecycle

import (
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"time"
)

var takeOver sync.Once

// takeSignals replaces caddy's handlers of two signals, once:
//
//   - SIGUSR1: caddy removes all event hooks before it reloads. Plugin reload
//     registers its hook once in a process, so it would not see a changed Corefile
//     after the first signal.
//   - SIGUSR2: caddy starts a second process and ends this one. A supervisor such as
//     systemd then sees the end of the service and ends the second process.
//
// It is called when the first instance has started. Ignore ends the subscription of
// caddy, which must not come later: caddy subscribes in a goroutine of its own, and
// on a busy machine a server has been seen to answer before that.
func takeSignals() {
	takeOver.Do(func() {
		for deadline := time.Now().Add(subscribeTime); !caddyListens() && time.Now().Before(deadline); {
			<-time.After(time.Millisecond)
		}
		signals := make(chan os.Signal, 1)
		signal.Ignore(syscall.SIGUSR1, syscall.SIGUSR2)
		signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
		go handle(signals)
	})
}

// subscribeTime bounds the wait for caddy, which may not handle signals at all.
const subscribeTime = 2 * time.Second

var waiting = regexp.MustCompile(`\[chan receive[^\]]*\]:\n.*caddy\.trapSignalsPosix\.func1`)

// caddyListens reports whether caddy's goroutine for signals waits for one.
func caddyListens() bool {
	buffer := make([]byte, 1<<20)
	return waiting.Match(buffer[:runtime.Stack(buffer, true)])
}

func handle(signals <-chan os.Signal) {
	for s := range signals {
		if s == syscall.SIGUSR2 {
			log.Warning("SIGUSR2 is ignored: restart the service to run another binary")
			continue
		}
		err := Reload()
		if err != nil {
			log.Errorf("SIGUSR1: the running Corefile stays in force: %v", err)
		}
		if err := writeResult(ResultFile(), err); err != nil {
			log.Warningf("the result of the reload is not reported: %v", err)
		}
	}
}
