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

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/corefile"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Flags says where records come from. The zero value is the Corefile that the
// server would read.
type Flags struct {
	Conf         string
	Files, Hosts Patterns
	State        string
	Cloud        string // of Files and Hosts; empty: public
}

// Patterns is a flag that may stand more than once.
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
	flags.StringVar(&f.Conf, "conf", "", "Corefile `FILE`, or stdin (default: as the server, ./Corefile, else the embedded one)")
	flags.Var(&f.Files, "files", "exports of private endpoints that match `PATTERN`, in place of a Corefile; repeatable")
	flags.Var(&f.Hosts, "hosts", "hosts files that match `PATTERN`, in place of a Corefile; repeatable")
	flags.StringVar(&f.State, "state", "", "state `FILE` of a server, in place of a Corefile")
	flags.StringVar(&f.Cloud, "cloud", "", "cloud of -files and -hosts: `NAME` is public, usgov or china (default public)")
}

// A Block is one privatelink block with what it would serve.
type Block struct {
	privatelink.Block
	syncer.Preview
}

// Blocks reads the Corefile, or what stands in its place, without asking any
// source. A Corefile without a privatelink block is an error.
func (f *Flags) Blocks() ([]privatelink.Block, error) {
	switch {
	case f.State != "" && (f.Conf != "" || len(f.Files)+len(f.Hosts) > 0), f.Conf != "" && len(f.Files)+len(f.Hosts) > 0:
		return nil, errors.New("one of -conf, -state, or -files and -hosts")
	case f.State != "":
		return fromState(f.State)
	case len(f.Files)+len(f.Hosts) > 0:
		return f.fromFiles()
	case f.Cloud != "":
		return nil, errors.New("-cloud is for -files and -hosts, a Corefile says its own")
	}
	conf, err := corefile.Find(f.Conf)
	if err != nil {
		return nil, err
	}
	blocks, err := privatelink.Blocks(conf)
	if err == nil && len(blocks) == 0 {
		err = fmt.Errorf("%s: no privatelink block in it", conf.Path())
	}
	return blocks, err
}

// fromFiles is the block "privatelink { files …; hosts … }" of the root zone.
func (f *Flags) fromFiles() ([]privatelink.Block, error) {
	in := cloud.Public
	if f.Cloud != "" {
		var err error
		if in, err = cloud.Parse(f.Cloud); err != nil {
			return nil, fmt.Errorf("-cloud: %w", err)
		}
	}
	b := privatelink.Block{Position: "command line", Origins: []dnsname.Name{"."}, Listen: []string{"127.0.0.1:53"}}
	b.Zones = zone.Set{Cloud: in, Zones: []dnsname.Name{cloud.Prefix + in.Blob, cloud.Prefix + in.Queue}, TTL: zone.DefaultTTL}
	if len(f.Files) > 0 {
		b.Sources = append(b.Sources, source.NewFiles(f.Files, nil, 0))
	}
	if len(f.Hosts) > 0 {
		b.Sources = append(b.Sources, source.NewHosts(f.Hosts, 0))
	}
	return []privatelink.Block{b}, nil
}

// Load reads the Corefile, or what stands in its place, and fetches every source
// once; [Block.Failed] tells which of them failed.
func (f *Flags) Load(ctx context.Context) ([]Block, error) {
	blocks, err := f.Blocks()
	if err != nil {
		return nil, err
	}
	return Look(ctx, blocks)
}

// Look fetches every source of the blocks once.
func Look(ctx context.Context, blocks []privatelink.Block) ([]Block, error) {
	var all []Block
	for _, b := range blocks {
		all = append(all, Block{b, syncer.Look(ctx, &b.Zones, b.Sources)})
	}
	return all, ctx.Err()
}

// Failed returns what went wrong with the sources, joined, each with its name.
func (b *Block) Failed() error {
	var errs []error
	for _, src := range b.Preview.Sources {
		for _, err := range command.Errors(src.Err) {
			errs = append(errs, fmt.Errorf("%s: %w", src.Name, err))
		}
	}
	return errors.Join(errs...)
}
