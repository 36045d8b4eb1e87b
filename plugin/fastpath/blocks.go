package fastpath

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"

	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// An effect is the effect of a plugin on queries that other plugins answer.
type effect uint8

const (
	unknown effect = iota
	absent         // none
	modeled        // it does nothing, or the fast path does the same
	answers        // it answers some queries itself; the plugins after it are not part of the fast path
	opposed        // it sees, changes or selects queries: the fast path is off
)

// plugins has the effect of each plugin whose source has been read.
var plugins = map[string]effect{
	"fastpath": absent, "root": absent, "timeouts": absent, "reload": absent, "tls": absent, "bind": absent, "ready": absent, "health": absent,
	"quic": absent, "https": absent, "https3": absent, "debug": absent, "status": absent,
	"bufsize": modeled, "prometheus": modeled, "errors": modeled, "acl": modeled, "local": modeled, "any": modeled, "transfer": modeled,
	"cookies": modeled, "privatelink": modeled, "lru": modeled,
	"hosts": answers, "file": answers, "secondary": answers, "loop": answers, "forward": answers, "upstream": answers, "cache": answers,
	"proxyproto": opposed, "multisocket": opposed, "log": opposed, "dnstap": opposed, "view": opposed, "rewrite": opposed, "header": opposed,
	"tsig": opposed, "metadata": opposed, "minimal": opposed, "loadbalance": opposed, "template": opposed, "dns64": opposed, "trace": opposed,
}

var errNoResponder = errors.New("no plugin of the block answers from memory, such as privatelink, or lru without hosts, file or secondary before it")

// Obstacle returns why the fast path is off for a server block of a Corefile, by its
// index, or nil if it is on.
func Obstacle(corefile caddy.Input, index int) error {
	blocks, err := readCorefile(corefile)
	if err != nil {
		return err
	}
	switch {
	case index >= len(blocks): // an imported file was changed after the start
		return errors.New("the server block is not in the Corefile any more")
	case !blocks[index].Has("fastpath"):
		return errors.New("fastpath is not in the server block")
	case runtime.GOOS != "linux":
		return errNoLinux
	}
	return obstacle(blocks, index)
}

var errNoLinux = errors.New("it is available on Linux only")

// A serverBlock is a block of the Corefile. It is read again, because the server does not
// export the zones of the other blocks.
type serverBlock struct {
	serverblock.Block
	order []string // of all directives
}

func readCorefile(corefile caddy.Input) ([]serverBlock, error) {
	return readCorefileWith(corefile, dnsserver.Directives)
}

func readCorefileWith(corefile caddy.Input, directives []string) (all []serverBlock, err error) {
	parsed, err := serverblock.Parse(corefile, directives)
	for _, b := range parsed {
		all = append(all, serverBlock{b, directives})
	}
	return all, err
}

// obstacle returns why the fast path is off for the block, or nil.
func (b *serverBlock) obstacle() error {
	for _, name := range b.Directives() {
		switch plugins[name] {
		case opposed:
			return fmt.Errorf("plugin %s is in the server block", name)
		case unknown:
			return fmt.Errorf("plugin %s is in the server block, and its effect is not known", name)
		}
	}
	if !b.responds() {
		return errNoResponder
	}
	return nil
}

// responds reports whether a plugin answers from memory before the first one that answers
// in another way.
func (b *serverBlock) responds() bool {
	for _, name := range b.order {
		switch {
		case !b.Has(name):
		case name == "privatelink", name == "lru":
			return true
		case plugins[name] == answers:
			return false
		}
	}
	return false
}

// strange returns a plugin with an unknown effect, or "". Such a plugin may change how
// the server reads the packets of other blocks.
func (b *serverBlock) strange() string {
	for _, name := range b.Directives() {
		if plugins[name] == unknown {
			return name
		}
	}
	return ""
}
