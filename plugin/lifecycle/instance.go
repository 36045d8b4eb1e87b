package lifecycle

import (
	"slices"
	"sync"

	"github.com/coredns/caddy"
)

// An instance has the attachments of a caddy instance. It is in the storage of that
// instance.
type instance struct {
	mu          sync.Mutex
	attachments []*attachment
}

// instanceKey is the key of the *instance in the storage of a caddy instance.
type instanceKey struct{}

func instanceOf(c *caddy.Controller) *instance {
	if i, ok := c.Get(instanceKey{}).(*instance); ok {
		return i
	}
	i := &instance{}
	c.Set(instanceKey{}, i)
	return i
}

// Instance returns the caddy instance that c sets up while it starts or serves, and
// nil otherwise. Call it in Begin.
func Instance(c *caddy.Controller) *caddy.Instance {
	i := instanceOf(c)
	for _, inst := range caddy.Instances() {
		if find(inst) == i {
			return inst
		}
	}
	return nil
}

// find returns the instance in the storage of a caddy instance, or nil.
func find(inst *caddy.Instance) *instance {
	inst.StorageMu.RLock()
	defer inst.StorageMu.RUnlock()
	i, _ := inst.Storage[instanceKey{}].(*instance)
	return i
}

func (i *instance) add(a *attachment) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.attachments = append(i.attachments, a)
}

func (i *instance) each(do func(*attachment)) {
	i.mu.Lock()
	all := slices.Clone(i.attachments)
	i.mu.Unlock()
	for _, a := range all {
		do(a)
	}
}

// begin begins one attachment. If it fails, the start fails, and the attachments before
// it are aborted at once.
func (i *instance) begin(a *attachment) error {
	pending.add(i)
	err := a.begin()
	if err != nil {
		i.abort()
		process.hold()
	}
	return err
}

func (i *instance) commit() {
	pending.remove(i)
	i.each((*attachment).commit)
}

func (i *instance) abort() {
	pending.remove(i)
	i.each((*attachment).abort)
}

func (i *instance) close() {
	pending.remove(i)
	i.each((*attachment).close)
}

// listed reports whether caddy lists the instance, which then starts or serves.
func (i *instance) listed() bool {
	return slices.ContainsFunc(caddy.Instances(), func(inst *caddy.Instance) bool { return find(inst) == i })
}

// pending has the instances that have begun and are neither committed nor
// aborted. There is more than one only in tests.
var pending instances

type instances struct {
	mu  sync.Mutex
	all []*instance
}

func (s *instances) add(i *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.all, i) {
		s.all = append(s.all, i)
	}
}

func (s *instances) remove(i *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(other *instance) bool { return other == i })
}

func (s *instances) list() []*instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}
