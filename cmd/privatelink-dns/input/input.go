// Package input is where the commands beside serving take records from: the
// Corefile that the server reads, or files alone.
package input

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/corefile"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Flags says where records come from. The zero value is the Corefile that the
// server would read.
type Flags struct {
	Conf                    string
	Files, Hosts, ZoneFiles Patterns
	State                   string
	Cloud                   string // of the patterns; empty: public

	warnings []string    // of the last call of Blocks
	corefile caddy.Input // likewise
}

// Corefile returns the Corefile that Blocks read, or nil if it read something else.
func (f *Flags) Corefile() caddy.Input { return f.corefile }

// Warnings returns the warnings about the Corefile that Blocks read.
func (f *Flags) Warnings() []string { return f.warnings }

// Patterns is a repeatable flag.
type Patterns []string

func (p *Patterns) String() string { return strings.Join(*p, " ") }

// Repeatable implements command.Repeatable.
func (*Patterns) Repeatable() {}

// Set adds a pattern, in the syntax of filepath.Match.
func (p *Patterns) Set(pattern string) error {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return err
	}
	*p = append(*p, pattern)
	return nil
}

// Register defines the flags.
func (f *Flags) Register(flags *flag.FlagSet) {
	flags.StringVar(&f.Conf, "conf", "", "Corefile `FILE`, or stdin (default, as for the server: ./Corefile, else the installed one, else the embedded one)")
	flags.Var(&f.Files, "files", "exports of private endpoints or private DNS zones that match `PATTERN`, in place of a Corefile; repeatable")
	flags.Var(&f.Hosts, "hosts", "hosts files that match `PATTERN`, in place of a Corefile; repeatable")
	flags.Var(&f.ZoneFiles, "zonefile", "zone files that match `PATTERN`, in place of a Corefile; repeatable")
	flags.StringVar(&f.State, "state", "", "state `FILE` of a server, in place of a Corefile")
	flags.StringVar(&f.Cloud, "cloud", "", "cloud of -files, -hosts and -zonefile: `NAME` is public, usgov or china (default public)")
}

// Patterned reports whether the input is files in place of a Corefile.
func (f *Flags) Patterned() bool { return len(f.Files)+len(f.Hosts)+len(f.ZoneFiles) > 0 }

// Blocks reads the Corefile, or the input in its place, without asking any source. A Corefile without a privatelink block is an error.
func (f *Flags) Blocks() ([]privatelink.Block, error) {
	switch {
	case f.State != "" && (f.Conf != "" || f.Patterned()), f.Conf != "" && f.Patterned():
		return nil, errors.New("-conf, -state and the files of -files, -hosts and -zonefile exclude each other")
	case f.State != "":
		return fromState(f.State)
	case f.Patterned():
		return f.fromFiles()
	case f.Cloud != "":
		return nil, errors.New("-cloud is for -files, -hosts and -zonefile, a Corefile says its own")
	}
	conf, err := corefile.Find(f.Conf)
	if err != nil {
		return nil, err
	}
	if err := setQuickstart(conf); err != nil {
		return nil, err
	}
	f.warnings, f.corefile = unset(conf), conf
	blocks, err := privatelink.Blocks(conf)
	if err == nil && len(blocks) == 0 {
		err = fmt.Errorf("%s: no privatelink block in it", conf.Path())
	}
	return blocks, err
}

// fromFiles is the block "privatelink { files …; hosts …; zonefile … }" of the root zone.
func (f *Flags) fromFiles() ([]privatelink.Block, error) {
	in := cloud.Public
	if f.Cloud != "" {
		var err error
		if in, err = cloud.Parse(f.Cloud); err != nil {
			return nil, fmt.Errorf("-cloud: %w", err)
		}
	}
	b := privatelink.Block{Position: "command line", Origins: []dnsname.Name{"."}, Listen: []string{"127.0.0.1:53"}}
	b.Zones = zone.Set{Cloud: in, Zones: in.Defaults(), TTL: zone.DefaultTTL}
	if len(f.Files) > 0 {
		b.Sources = append(b.Sources, source.NewFiles(f.Files, nil, 0))
	}
	if len(f.Hosts) > 0 {
		b.Sources = append(b.Sources, source.NewHosts(f.Hosts, 0))
	}
	if len(f.ZoneFiles) > 0 {
		b.Sources = append(b.Sources, source.NewZoneFiles(f.ZoneFiles, 0))
	}
	return []privatelink.Block{b}, nil
}

// Load reads the Corefile, or the input in its place, and fetches every source once.
// [Block.Failed] returns those that failed.
func (f *Flags) Load(ctx context.Context) ([]Block, error) {
	blocks, err := f.Blocks()
	if err != nil {
		return nil, err
	}
	return Fetch(ctx, blocks)
}
