package privatelink

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

// config has the values of one privatelink block.
type config struct {
	position string // file and line
	zones    zone.Set
	sources  []source.Source
	state    string // path, or empty
	onDemand int    // syncs a minute and source that queries may start; 0: none
	protect  map[ledger.Grade]bool
}

// parser reads one block. A value that depends on properties below it is checked
// after the last line, by later, and its error has the position of its own line.
type parser struct {
	*caddy.Controller
	config
	root    string // relative paths begin here
	seen    map[string]bool
	later   []func() error
	open    []func() error // in the order of the lines; they need the properties below
	records []source.Entry // of all record lines
	files   []filePattern  // of all files, hosts and zonefile lines
	vnets   []string
	refresh time.Duration // 0: the default of each source
}

// onDemand is the default of the property on_demand: syncs a minute and source.
const onDemand = 6

func parse(c *caddy.Controller, root string) (*config, error) {
	p := &parser{Controller: c, root: root, seen: map[string]bool{}}
	p.config = config{zones: zone.Set{Cloud: cloud.Public, TTL: zone.DefaultTTL}, onDemand: onDemand}
	first := true
	for c.Next() {
		if !first && c.Val() == "privatelink" {
			return nil, c.Errf("privatelink: specified more than once in a server block")
		}
		if !first {
			return nil, c.Errf("%q is not expected, no property has a block of its own", c.Val())
		}
		first = false
		p.position = fmt.Sprintf("%s:%d", c.File(), c.Line())
		if err := p.block(); err != nil {
			return nil, err
		}
	}
	return &p.config, nil
}

func (p *parser) block() error {
	p.afterBlock("zone", p.RemainingArgs(), p.addZones)
	p.later = append(p.later, p.at("no source", func() error {
		if len(p.open) == 0 {
			return errors.New("add azure, files, hosts, zonefile or record")
		}
		return nil
	}))
	for p.NextBlock() {
		if err := p.property(); err != nil {
			return err
		}
	}
	p.zones.Zones = append(p.zones.Cloud.Defaults(), p.zones.Zones...)
	for _, step := range append(p.later, p.open...) {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) property() error {
	name := p.Val()
	args := p.RemainingArgs()
	if err := p.allowed(name, args); err != nil {
		return p.Errf("%s: %v", name, err)
	}
	var err error
	switch name {
	case "geo":
		p.afterBlock(name, args, p.addGeos)
	case "cloud":
		p.zones.Cloud, err = cloud.Parse(args[0])
	case "azure":
		err = p.addAzure(args)
	case "files":
		err = p.addFiles(name, args, func(paths []string) source.Source { return source.NewFiles(paths, p.vnets, p.refresh) })
	case "hosts":
		err = p.addFiles(name, args, func(paths []string) source.Source { return source.NewHosts(paths, p.refresh) })
	case "zonefile":
		err = p.addFiles(name, args, func(paths []string) source.Source { return source.NewZoneFiles(paths, p.refresh) })
	case "vnet":
		p.vnets = args
	case "state":
		err = p.addState(args[0])
	case "record":
		err = p.addRecord(args)
	case "ttl":
		var ttl time.Duration
		ttl, err = value.Duration(args[0], time.Second, 24*time.Hour, durations)
		p.zones.TTL = uint32(ttl.Seconds())
	case "refresh":
		p.refresh, err = value.Duration(args[0], time.Second, time.Hour, durations)
	case "fail_closed":
		p.zones.FailClosed = true
	case "on_demand":
		err = p.setOnDemand(args[0])
	case "protect":
		err = p.setProtect(args)
	case "ptr":
		p.zones.PTR = true
	case "strict":
		p.zones.AllStrict = len(args) == 0
		p.afterBlock(name, args, p.addPolicy(&p.zones.Strict))
	case "fallthrough":
		p.zones.AllFall = len(args) == 0
		p.afterBlock(name, args, p.addPolicy(&p.zones.Fallthrough))
	}
	if err != nil {
		return p.Errf("%s: %v", name, err)
	}
	return nil
}

// durations are the examples in an error.
const durations = "60s or 5m"

// syntax has the properties, how many values each has, and whether it may be
// specified more than once.
var syntax = map[string]struct {
	min, max int
	repeat   bool
	usage    string
}{
	"geo":         {1, many, false, "GEO..."},
	"cloud":       {1, 1, false, "public|usgov|china|URL"},
	"azure":       {1, many, true, azureUsage},
	"vnet":        {1, many, false, "NAME|ID..."},
	"state":       {1, 1, false, "FILE"},
	"files":       {1, many, true, "GLOB..."},
	"hosts":       {1, many, true, "GLOB..."},
	"zonefile":    {1, many, true, "GLOB..."},
	"record":      {2, many, true, "FQDN IP..."},
	"ttl":         {1, 1, false, "DURATION"},
	"refresh":     {1, 1, false, "DURATION"},
	"strict":      {0, many, false, "[ZONES...]"},
	"fallthrough": {0, many, false, "[ZONES...]"},
	"fail_closed": {0, 0, false, ""},
	"on_demand":   {1, 1, false, "SYNCS|off"},
	"protect":     {1, 2, false, "known|backup..."},
	"ptr":         {0, 0, false, ""},
}

const many = 1 << 30

func (p *parser) allowed(name string, args []string) error {
	s, known := syntax[name]
	switch {
	case !known:
		return value.Unknown(name, slices.Collect(maps.Keys(syntax)))
	case p.seen[name] && !s.repeat:
		return errors.New("specified more than once")
	case len(args) < s.min || len(args) > s.max:
		return value.Wrong(len(args), name+" "+s.usage)
	}
	p.seen[name] = true
	return nil
}

// at returns check with errors that have the current position of the parser.
func (p *parser) at(name string, check func() error) func() error {
	file, line := p.File(), p.Line()
	return func() error {
		if err := check(); err != nil {
			return fmt.Errorf("%s:%d - Error during parsing: %s: %w", file, line, name, err)
		}
		return nil
	}
}

func (p *parser) afterBlock(name string, args []string, add func([]string) error) {
	p.later = append(p.later, p.at(name, func() error { return add(args) }))
}
