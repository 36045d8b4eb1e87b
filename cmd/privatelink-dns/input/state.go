package input

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// fromState is the block of the server that wrote the state file. The zones are
// those with a serial. The file does not have the order of the sources: where
// two give a name, the first one by name has it.
func fromState(path string) ([]privatelink.Block, error) {
	info, err := os.Stat(path)
	if err != nil { // to the server a missing file is an empty one
		return nil, err
	}
	known, err := state.Load(path)
	if err != nil {
		return nil, err
	}
	b := privatelink.Block{Position: path, Origins: []dnsname.Name{"."}, Listen: []string{"127.0.0.1:53"}}
	b.Zones = zone.Set{Cloud: cloud.Public, Zones: slices.Sorted(maps.Keys(known.Serials)), TTL: zone.DefaultTTL}
	for _, c := range []cloud.Cloud{cloud.USGov, cloud.China} {
		if slices.Contains(b.Zones.Zones, cloud.Prefix+c.Blob) {
			b.Zones.Cloud = c
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known.Sources)) {
		b.Sources = append(b.Sources, last{fmt.Sprintf("%s: %s", path, name), known.Sources[name].Entries, info.ModTime()})
	}
	return []privatelink.Block{b}, nil
}

// last is the last good list of a source.
type last struct {
	name    string
	entries []source.Entry
	saved   time.Time
}

func (l last) Config() source.Config { return source.Config{Name: l.name, Static: true} }

func (l last) Fetch(context.Context) (*source.List, error) {
	return &source.List{Entries: l.entries, Complete: true}, nil
}
