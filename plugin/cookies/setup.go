package cookies

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

var log = clog.NewWithPlugin("cookies")

func init() { plugin.Register("cookies", setup) }

// config is the parsed directive.
type config struct {
	file      string // with the secrets; "" for a random one
	perSecond int    // 0: no limit
}

const maxLimit = 1_000_000

func setup(c *caddy.Controller) error {
	cfg, err := parse(c)
	if err != nil {
		return plugin.Error("cookies", err)
	}
	h, stopped := &Cookies{}, make(chan struct{})
	if cfg.perSecond > 0 {
		h.limit = newLimit(cfg.perSecond)
	}
	if h.secrets, err = secretsOf(cfg.file); err != nil {
		return plugin.Error("cookies", c.Errf("secret: %v", err))
	}
	end := func() { close(stopped) }
	lifecycle.Attach(c, lifecycle.Hooks{
		Begin: func() error { go h.secrets.keep(cfg.file, stopped); return nil }, Abort: end, Close: end,
	})
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		h.Next = next
		return h
	})
	return nil
}

func secretsOf(file string) (*secrets, error) {
	if file == "" {
		return random(), nil
	}
	all, err := readSecrets(file)
	if before, ok := lastGood.Load(file); err != nil && ok {
		log.Warningf("The secrets stay as they are: %v", err)
		all, err = before.([]secret), nil
	}
	if err != nil {
		return nil, err
	}
	lastGood.Store(file, all)
	s := &secrets{}
	s.all.Store(&all)
	return s, nil
}

// lastGood has the secrets of each file, for a reload while the file is broken.
var lastGood sync.Map

// keepInterval is the time between two looks at the file of secrets.
const keepInterval = 30 * time.Second

// keep rolls a random secret, or reads the file again, until the plugin is stopped.
func (s *secrets) keep(file string, stopped <-chan struct{}) {
	tick := time.NewTicker(keepInterval)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if file == "" {
				s.rollAt(now)
			} else {
				s.reread(file)
			}
		case <-stopped:
			return
		}
	}
}

// reread takes over a changed file. A broken one changes nothing.
func (s *secrets) reread(file string) {
	all, err := readSecrets(file)
	switch {
	case err != nil:
		log.Warningf("The secrets stay as they are: %v", err)
	case !slices.Equal(all, *s.all.Load()):
		s.all.Store(&all)
		lastGood.Store(file, all)
		log.Infof("The secrets of %s have changed", file)
	}
}

func parse(c *caddy.Controller) (cfg config, err error) {
	for first := true; c.Next(); first = false {
		if !first {
			return cfg, c.Err("specified more than once in a server block")
		}
		if err := value.None(c.RemainingArgs()); err != nil {
			return cfg, c.Errf("cookies: %v", err)
		}
		for c.NextBlock() {
			name := c.Val()
			if err := cfg.set(name, c.RemainingArgs()); err != nil {
				return cfg, c.Errf("%s: %v", name, err)
			}
		}
	}
	return cfg, nil
}

var errTwice = errors.New("specified more than once")

func (cfg *config) set(name string, args []string) error {
	text, err := value.One(args)
	switch {
	case name != "secret" && name != "limit":
		return value.Unknown(name, []string{"secret", "limit"})
	case err != nil:
		return err
	case name == "secret" && cfg.file != "", name == "limit" && cfg.perSecond != 0:
		return errTwice
	case name == "secret":
		cfg.file = text
		return nil
	}
	cfg.perSecond, err = value.Number(text, 1, maxLimit)
	return err
}
