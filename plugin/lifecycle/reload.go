package lifecycle

import (
	"errors"
	"sync"

	"github.com/coredns/caddy"
)

var reloading sync.Mutex

// Reload reads the Corefile again and replaces the running instance, as plugin reload
// does. After an error the running instance serves on.
func Reload() error {
	reloading.Lock()
	defer reloading.Unlock()
	inst := Running()
	if inst == nil {
		return errors.New("no instance serves")
	}
	corefile, err := caddy.LoadCaddyfile("dns")
	if err != nil {
		return err
	}
	_, err = inst.Restart(corefile)
	return err
}

// Running returns the instance that serves, or nil.
func Running() *caddy.Instance {
	for _, inst := range caddy.Instances() {
		if started(inst) {
			return inst
		}
	}
	return nil
}

// Last returns the instance that has started last, or nil. It may have ended. Call it in
// any goroutine: caddy guards the list that Running reads by a private lock.
func Last() *caddy.Instance {
	process.mu.Lock()
	defer process.mu.Unlock()
	return process.current
}
