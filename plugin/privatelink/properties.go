package privatelink

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
	"github.com/privatelink-dns/privatelink-dns/plugin/value"
)

// allZones is the word for every zone of Microsoft's table.
const allZones = "all"

func (p *parser) addZones(args []string) error {
	if slices.Contains(args, allZones) {
		p.zones.All = true
		for _, name := range p.zones.Cloud.Zones() {
			if err := p.addZone(name); err != nil {
				return err
			}
		}
	}
	for _, arg := range args {
		if arg == allZones {
			continue
		}
		name, err := p.parseZone(arg)
		if err != nil {
			return err
		}
		if err := p.addZone(name); err != nil {
			return err
		}
	}
	return nil
}

// parseZone returns a zone that a Corefile may list.
func (p *parser) parseZone(arg string) (dnsname.Name, error) {
	name, err := dnsname.Parse(arg)
	if err != nil || slices.Contains(p.zones.Cloud.Zones(), name) {
		return name, err
	}
	if within := p.zones.Cloud.Within(name); within != "" {
		return "", fmt.Errorf("%q has no records of its own, Azure has its names in %s: add %s", arg, within, within)
	}
	if casefold.Equal(arg, allZones) {
		return "", fmt.Errorf("%q: write %s for every zone of Microsoft's table", arg, allZones)
	}
	if !strings.HasPrefix(string(name), cloud.Prefix) {
		return "", fmt.Errorf("%q does not begin with %q, do you mean %q?", arg, cloud.Prefix, cloud.Prefix+name.String())
	}
	if last := strings.LastIndex(string(name), "."+cloud.Prefix); last >= 0 {
		return "", fmt.Errorf("%q has the label privatelink more than once, do you mean %q?", arg, name[last+1:].String())
	}
	if strings.Count(name.String(), ".") < 2 {
		return "", fmt.Errorf("%q: a zone such as privatelink.blob.core.windows.net is expected", arg)
	}
	// A code may be newer than the table. A region name is a mistake.
	if geo, ok := p.zones.Cloud.BackupGeo(name); ok && cloud.IsRegion(geo) {
		return "", fmt.Errorf("%q: %w", arg, p.zones.Cloud.CheckGeo(geo))
	}
	return name, nil
}

func (p *parser) addGeos(args []string) error {
	for _, geo := range args {
		geo = casefold.Lower(geo)
		if err := p.zones.Cloud.CheckGeo(geo); err != nil {
			return err
		}
		if err := p.addZone(p.zones.Cloud.BackupZone(geo)); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) addZone(name dnsname.Name) error {
	if slices.Contains(p.zones.Zones, name) {
		return nil
	}
	if err := p.zones.Check(name); err != nil {
		return err
	}
	p.zones.Zones = append(p.zones.Zones, name)
	return nil
}

func (p *parser) addFiles(property string, args []string, open func([]string) source.Source) error {
	paths := make([]string, len(args))
	for i, path := range args {
		if _, err := filepath.Match(path, ""); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		paths[i] = p.path(path)
		p.files = append(p.files, filePattern{property, path, paths[i]})
	}
	p.addSource(property, func() source.Source { return open(paths) })
	return nil
}

func (p *parser) path(path string) string {
	if filepath.IsAbs(path) || p.root == "" {
		return path
	}
	return filepath.Join(p.root, path)
}

// addSource calls open after the last line, because the source depends on
// properties that may be below it.
func (p *parser) addSource(property string, open func() source.Source) {
	p.open = append(p.open, p.at(property, func() error {
		src := open()
		for _, other := range p.sources {
			if other.Config().Name == src.Config().Name {
				return errors.New("specified more than once with the same values")
			}
		}
		p.sources = append(p.sources, src)
		return nil
	}))
}

// addRecord adds the line to the one source of all record lines, which has the
// position of the first one.
func (p *parser) addRecord(args []string) error {
	position := fmt.Sprintf("%s:%d", p.File(), p.Line())
	entry, err := source.ParseEntry(position, args[0], args[1:])
	if err != nil {
		return err
	}
	p.afterBlock("record", args, func([]string) error {
		_, err := p.zones.OwnerOf(entry.FQDN)
		if errors.Is(err, zone.ErrOutOfZone) {
			return fmt.Errorf("%q %w%s", args[0], err, p.zones.Advice(entry.FQDN))
		}
		return err
	})
	if p.records = append(p.records, entry); len(p.records) == 1 {
		p.addSource("record", func() source.Source { return source.NewRecord(position, p.records) })
	}
	return nil
}

func (p *parser) setOnDemand(text string) (err error) {
	if p.onDemand = 0; text == "off" {
		return nil
	}
	if p.onDemand, err = value.Number(text, 1, 60); err != nil {
		return fmt.Errorf("%w: write 1 to 60, or off", err)
	}
	return nil
}

func (p *parser) setProtect(grades []string) error {
	p.protect = map[ledger.Grade]bool{}
	for _, text := range grades {
		switch text {
		case ledger.Known.String():
			p.protect[ledger.Known] = true
		case ledger.Backup.String():
			p.protect[ledger.Backup] = true
		default:
			return fmt.Errorf("%q is not a grade, the grades are known and backup", text)
		}
	}
	return nil
}

// policyHint returns how the zone that is meant comes to be one of the zones, as the end of
// an error, or "".
func (p *parser) policyHint(name dnsname.Name) string {
	if name == allZones+"." {
		return ": for all zones, write no value"
	}
	if with := cloud.Prefix + name; p.zones.Has(with) {
		return fmt.Sprintf(", do you mean %q?", with.String())
	}
	if _, err := p.parseZone(name.String()); err != nil {
		return ""
	}
	return ": add it to the zones of privatelink"
}

// addPolicy returns the function that adds zones to strict or fallthrough.
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
				return fmt.Errorf("%q is not one of the zones%s", arg, p.policyHint(name))
			case slices.Contains(p.zones.Strict, name) || slices.Contains(p.zones.Fallthrough, name):
				return fmt.Errorf("%q has its rule already", arg)
			}
			*to = append(*to, name)
		}
		return nil
	}
}
