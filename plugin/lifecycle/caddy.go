package lifecycle

import (
	"slices"
	"sync"

	"github.com/coredns/caddy"
)

const hookName = "lifecycle"

var watchMu sync.Mutex

// watch registers for the result of a start. It runs during the setup of each
// instance, for two reasons:
//
//   - caddy's own reload by SIGUSR1 removes the event hooks before it sets up the
//     new instance. See takeSignals for a process that is supervised.
//   - A failed reload calls OnRestartFailed of the running instance only, whose
//     Corefile may have no plugin with hooks. Therefore watch adds a function to that
//     instance. The alternative, to poll caddy.Instances, would be later and a data
//     race, because caddy guards the list by a private lock. Here the goroutine that
//     changes the list also reads it.
func watch() {
	watchMu.Lock()
	defer watchMu.Unlock()
	if !slices.Contains(caddy.ListPlugins()["event_hooks"], hookName) {
		caddy.RegisterEventHook(hookName, onEvent)
	}
	for _, inst := range caddy.Instances() {
		if claim(inst) {
			inst.OnRestartFailed = append(inst.OnRestartFailed, func() error {
				restartFailed(inst)
				return nil
			})
		}
	}
	for _, i := range pending.list() {
		if !i.listed() { // a first start that failed
			i.abort()
		}
	}
}

// watchedKey is in the storage of the caddy instances that have the function of watch.
type watchedKey struct{}

// claim reports whether the instance was not watched before, and marks it.
func claim(inst *caddy.Instance) bool {
	inst.StorageMu.Lock()
	defer inst.StorageMu.Unlock()
	if inst.Storage[watchedKey{}] != nil {
		return false
	}
	inst.Storage[watchedKey{}] = true
	return true
}

func onEvent(event caddy.EventName, info any) error {
	switch event {
	case caddy.InstanceStartupEvent:
		if inst, ok := info.(*caddy.Instance); ok {
			process.serves(inst)
		}
	case caddy.ShutdownEvent:
		process.terminate()
	}
	return nil
}

// startedKey is in the storage of the caddy instances that have started.
type startedKey struct{}

// serves commits an instance that has started.
func (s *shutdown) serves(inst *caddy.Instance) {
	inst.StorageMu.Lock()
	inst.Storage[startedKey{}] = true
	inst.StorageMu.Unlock()
	s.mu.Lock()
	s.current = inst
	s.mu.Unlock()
	if i := find(inst); i != nil {
		i.commit()
	}
	if s.supervised {
		takeSignals()
		if err := notifyReady(); err != nil {
			log.Warningf("the start is not reported to systemd: %v", err)
		}
	}
}

func started(inst *caddy.Instance) bool {
	inst.StorageMu.RLock()
	defer inst.StorageMu.RUnlock()
	return inst.Storage[startedKey{}] != nil
}

// restartFailed is called when caddy reports that old was not replaced. In one case it
// was: an OnShutdown function of the old instance returned an error after the new one
// had begun to serve. Then caddy skips the functions after it, and emits no event for
// the new instance.
func restartFailed(old *caddy.Instance) {
	running := caddy.Instances()
	if slices.Contains(running, old) {
		for _, i := range pending.list() {
			i.abort()
		}
		return
	}
	if i := find(old); i != nil {
		i.close()
	}
	for _, inst := range running {
		if !started(inst) {
			process.serves(inst)
		}
	}
	for _, i := range pending.list() {
		i.abort()
	}
}
