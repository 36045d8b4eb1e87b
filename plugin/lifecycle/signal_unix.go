//go:build !windows

package lifecycle

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/coredns/caddy"
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
// It is called when the first instance has started. caddy has subscribed to the
// signals by then, and Ignore ends its subscription.
func takeSignals() {
	takeOver.Do(func() {
		signals := make(chan os.Signal, 1)
		signal.Ignore(syscall.SIGUSR1, syscall.SIGUSR2)
		signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
		go handle(signals)
	})
}

func handle(signals <-chan os.Signal) {
	for s := range signals {
		if s == syscall.SIGUSR2 {
			log.Warning("SIGUSR2 is ignored: restart the service to run another binary")
			continue
		}
		if err := reload(); err != nil {
			log.Errorf("SIGUSR1: the running Corefile stays in force: %v", err)
		}
	}
}

// reload replaces the running instance as plugin reload does.
func reload() error {
	corefile, err := caddy.LoadCaddyfile("dns")
	if err != nil {
		return err
	}
	for _, inst := range caddy.Instances() {
		if started(inst) {
			_, err = inst.Restart(corefile)
			break
		}
	}
	return err
}
