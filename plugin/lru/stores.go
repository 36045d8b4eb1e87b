package lru

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
)

// stores has the store of each directive in use. During a reload the old and the
// new instance share it, so the cache stays warm. It is emptied when its last
// user has ended.
var (
	storesMu sync.Mutex
	stores   = map[string]*shared{}
)

type shared struct {
	*store
	users int
}

func adopt(id string, cfg config) *store {
	storesMu.Lock()
	defer storesMu.Unlock()
	s := stores[id]
	if s == nil {
		s = &shared{store: newStore(cfg.entries, cfg.stale)}
		stores[id] = s
	}
	s.users++
	return s.store
}

func release(id string) {
	storesMu.Lock()
	defer storesMu.Unlock()
	s := stores[id]
	if s.users--; s.users == 0 {
		s.purge()
		delete(stores, id)
	}
}

// identity is equal for directives whose answers are equal. Two server blocks may
// have the same zones, on other addresses or in another view. The configuration of
// the plugins behind lru is part of it, because a cache that outlives a corrected
// forward still has the answers of the wrong one.
func identity(c *caddy.Controller, server *dnsserver.Config, cfg config) string {
	return fmt.Sprint(c.ServerBlockIndex, c.ServerBlockKeys, server.ListenHosts, server.ViewName, cfg, behind(c))
}

// behind returns the tokens of the plugins behind lru in the server block. The
// Corefile is parsed again, as a setup function sees its own tokens only.
func behind(c *caddy.Controller) string {
	inst := lifecycle.Instance(c)
	if inst == nil {
		return ""
	}
	corefile, directives := inst.Caddyfile(), dnsserver.Directives
	blocks, err := caddyfile.Parse(corefile.Path(), bytes.NewReader(corefile.Body()), directives)
	if err != nil || c.ServerBlockIndex >= len(blocks) { // an imported file has changed since
		return ""
	}
	var text strings.Builder
	for _, name := range directives[slices.Index(directives, "lru")+1:] {
		for _, token := range blocks[c.ServerBlockIndex].Tokens[name] {
			fmt.Fprintf(&text, "%q ", token.Text)
		}
	}
	return text.String()
}
