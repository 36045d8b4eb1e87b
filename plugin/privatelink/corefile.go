package privatelink

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/plugin"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// config is what one privatelink block says.
type config struct {
	zones   zone.Set
	sources []source.Source
	ttl     time.Duration
	refresh time.Duration
}

// parser reads one block. What depends on a property that may stand further
// down is checked after the last line, by later, with the position it had.
type parser struct {
	*caddy.Controller
	config
	root   string // relative paths begin here
	seen   map[string]bool
	later  []func() error
	record *source.Record // of all record lines
}

func parse(c *caddy.Controller, root string) (*config, error) {
	p := &parser{Controller: c, root: root, seen: map[string]bool{}}
	p.config = config{zones: zone.Set{Cloud: cloud.Public}, ttl: time.Minute, refresh: 2 * time.Second}
	first := true
	for c.Next() {
		if !first {
			return nil, plugin.ErrOnce
		}
		first = false
		if err := p.block(); err != nil {
			return nil, err
		}
	}
	return &p.config, nil
}

func (p *parser) block() error {
	p.laterf("zone", p.RemainingArgs(), p.addZones)
	p.later = append(p.later, p.at("no source", func() error {
		if len(p.sources) == 0 {
			return errors.New("add files, hosts or record")
		}
		return nil
	}))
	for p.NextBlock() {
		if err := p.property(); err != nil {
			return err
		}
	}
	defaults := []dnsname.Name{cloud.Prefix + p.zones.Cloud.Blob, cloud.Prefix + p.zones.Cloud.Queue}
	p.zones.Zones = append(defaults, p.zones.Zones...)
	for _, check := range p.later {
		if err := check(); err != nil {
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
		p.laterf(name, args, p.addGeos)
	case "cloud":
		p.zones.Cloud, err = cloud.Parse(args[0])
	case "files":
		err = p.addFiles(args, func(paths []string) source.Source { return source.NewFiles(paths) })
	case "hosts":
		err = p.addFiles(args, func(paths []string) source.Source { return source.NewHosts(paths) })
	case "record":
		err = p.addRecord(args)
	case "ttl":
		p.ttl, err = duration(args[0], time.Second, 24*time.Hour)
	case "refresh":
		p.refresh, err = duration(args[0], time.Second, time.Hour)
	case "strict":
		p.zones.AllStrict = len(args) == 0
		p.laterf(name, args, p.addPolicy(&p.zones.Strict))
	case "fallthrough":
		p.zones.AllFall = len(args) == 0
		p.laterf(name, args, p.addPolicy(&p.zones.Fallthrough))
	}
	if err != nil {
		return p.Errf("%s: %v", name, err)
	}
	return nil
}

// syntax has the properties, how many values each takes, and whether it may
// stand more than once.
var syntax = map[string]struct {
	min, max int
	repeat   bool
	usage    string
}{
	"geo":         {1, many, false, "GEO..."},
	"cloud":       {1, 1, false, "public|usgov|china"},
	"files":       {1, many, true, "GLOB..."},
	"hosts":       {1, many, true, "GLOB..."},
	"record":      {2, many, true, "FQDN IP..."},
	"ttl":         {1, 1, false, "DURATION"},
	"refresh":     {1, 1, false, "DURATION"},
	"strict":      {0, many, false, "[ZONES...]"},
	"fallthrough": {0, many, false, "[ZONES...]"},
}

const many = 1 << 30

func (p *parser) allowed(name string, args []string) error {
	s, known := syntax[name]
	switch {
	case !known:
		return errors.New("unknown property")
	case p.seen[name] && !s.repeat:
		return errors.New("stands twice")
	case len(args) < s.min || len(args) > s.max:
		return fmt.Errorf("%d values, the syntax is: %s %s", len(args), name, s.usage)
	}
	p.seen[name] = true
	return nil
}

// at makes an error of check one of the position where the parser is now.
func (p *parser) at(name string, check func() error) func() error {
	file, line := p.File(), p.Line()
	return func() error {
		if err := check(); err != nil {
			return fmt.Errorf("%s:%d - Error during parsing: %s: %w", file, line, name, err)
		}
		return nil
	}
}

func (p *parser) laterf(name string, args []string, add func([]string) error) {
	p.later = append(p.later, p.at(name, func() error { return add(args) }))
}

func (p *parser) addZones(args []string) error {
	for _, arg := range args {
		name, err := dnsname.Parse(arg)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(string(name), cloud.Prefix) {
			return fmt.Errorf("%q does not begin with %q, do you mean %q?", arg, cloud.Prefix, cloud.Prefix+name.String())
		}
		// A code newer than our table is fine here, a region name is a mistake.
		if geo, ok := p.zones.Cloud.BackupGeo(name); ok && cloud.IsRegion(geo) {
			return fmt.Errorf("%q: %w", arg, p.zones.Cloud.CheckGeo(geo))
		}
		p.addZone(name)
	}
	return nil
}

func (p *parser) addGeos(args []string) error {
	for _, geo := range args {
		if err := p.zones.Cloud.CheckGeo(geo); err != nil {
			return err
		}
		p.addZone(p.zones.Cloud.BackupZone(geo))
	}
	return nil
}

func (p *parser) addZone(name dnsname.Name) {
	if !slices.Contains(p.zones.Zones, name) {
		p.zones.Zones = append(p.zones.Zones, name)
	}
}

func (p *parser) addFiles(args []string, open func([]string) source.Source) error {
	paths := make([]string, len(args))
	for i, path := range args {
		if _, err := filepath.Match(path, ""); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		if !filepath.IsAbs(path) && p.root != "" {
			path = filepath.Join(p.root, path)
		}
		paths[i] = path
	}
	return p.addSource(open(paths))
}

func (p *parser) addSource(src source.Source) error {
	for _, other := range p.sources {
		if other.Name() == src.Name() {
			return errors.New("the same values stand above already")
		}
	}
	p.sources = append(p.sources, src)
	return nil
}

// addRecord makes all record lines one source, at the place of the first.
func (p *parser) addRecord(args []string) error {
	position := fmt.Sprintf("%s:%d", p.File(), p.Line())
	entry, err := source.ParseEntry(position, args[0], args[1:])
	if err != nil {
		return err
	}
	p.laterf("record", args, func([]string) error {
		if _, ok := p.zones.Locate(entry.FQDN); !ok {
			return fmt.Errorf("%q is in none of the zones", args[0])
		}
		return nil
	})
	if p.record == nil {
		p.record = source.NewRecord(position)
		p.sources = append(p.sources, p.record)
	}
	p.record.Add(entry)
	return nil
}

// addPolicy takes names of zones for strict or fallthrough.
func (p *parser) addPolicy(to *[]dnsname.Name) func([]string) error {
	return func(args []string) error {
		if p.zones.AllStrict && p.zones.AllFall {
			return errors.New("strict and fallthrough cannot both be for all zones")
		}
		for _, arg := range args {
			name, err := dnsname.Parse(arg)
			switch {
			case err != nil:
				return err
			case !p.zones.Has(name):
				return fmt.Errorf("%q is none of the zones", arg)
			case slices.Contains(p.zones.Strict, name) || slices.Contains(p.zones.Fallthrough, name):
				return fmt.Errorf("%q has its rule already", arg)
			}
			*to = append(*to, name)
		}
		return nil
	}
}

func duration(text string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration, such as 60s or 5m", text)
	case d < least:
		return 0, fmt.Errorf("%s is below the minimum of %s", text, least)
	case d > most:
		return 0, fmt.Errorf("%s is above the maximum of %s", text, most)
	}
	return d, nil
}
