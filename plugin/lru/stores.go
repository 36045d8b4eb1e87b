package lru

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// stores has the store of each directive in use. The old and the new instance of a
// reload share it, so that the cache stays warm. It is purged when its last user has
// ended.
var (
	storesMu sync.Mutex
	stores   = map[string]*sharedStore{}
)

type sharedStore struct {
	*store
	users int
}

func acquireStore(id string, cfg config) *store {
	storesMu.Lock()
	defer storesMu.Unlock()
	s := stores[id]
	if s == nil {
		s = &sharedStore{store: newStore(cfg.entries, cfg.stale)}
		stores[id] = s
	}
	s.users++
	return s.store
}

func releaseStore(id string) {
	storesMu.Lock()
	defer storesMu.Unlock()
	s := stores[id]
	if s.users--; s.users == 0 {
		s.purge()
		delete(stores, id)
	}
}

// storeID returns the key of a directive's store in stores. Directives share a store
// only if they return the same answers. So the key includes the addresses and the view,
// because server blocks may have the same zones. It includes the configuration of the
// plugins after lru, because the answers of a wrong upstream must not outlive a
// correction of forward.
func storeID(c *caddy.Controller, server *dnsserver.Config, cfg config) string {
	return fmt.Sprint(c.ServerBlockIndex, c.ServerBlockKeys, server.ListenHosts, server.ViewName, cfg, pluginsAfter(c))
}

// pluginsAfter returns the tokens of the plugins after lru in the server block. It
// parses the Corefile again, because a setup function gets only its own tokens.
func pluginsAfter(c *caddy.Controller) string {
	inst := lifecycle.Instance(c)
	if inst == nil {
		return ""
	}
	directives := dnsserver.Directives
	blocks, err := serverblock.Parse(inst.Caddyfile(), directives)
	if err != nil || c.ServerBlockIndex >= len(blocks) { // an imported file was changed after the start
		return ""
	}
	var text strings.Builder
	for _, name := range directives[slices.Index(directives, "lru")+1:] {
		for d := blocks[c.ServerBlockIndex].Dispenser(name); d.Next(); {
			fmt.Fprintf(&text, "%q ", d.Val())
		}
	}
	return text.String()
}
