package records

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/client"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/input"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A side is an origin of records: an input, or a running server, which is asked for
// the zones and names of the inputs.
type side struct {
	input  *input.Flags // nil for a server
	server string       // or empty

	blocks []privatelink.Block
	local  set // of the input
}

// parseSide reads KIND:VALUE. The cloud is that of -cloud.
func parseSide(text, cloud string) (*side, error) {
	kind, value, _ := strings.Cut(text, ":")
	s := &side{input: &input.Flags{}}
	var err error
	switch {
	case value == "":
		return nil, command.Wrong(fmt.Sprintf("-diff: %q is not of the form KIND:VALUE, such as state:/var/lib/privatelink-dns/state.json", text))
	case kind == "conf":
		s.input.Conf = value
	case kind == "files":
		s.input.Cloud, err = cloud, s.input.Files.Set(value)
	case kind == "hosts":
		s.input.Cloud, err = cloud, s.input.Hosts.Set(value)
	case kind == "zonefile":
		s.input.Cloud, err = cloud, s.input.ZoneFiles.Set(value)
	case kind == "state":
		s.input.State = value
	case kind == "server":
		s.input = nil
		s.server, err = client.Address(value)
	default:
		return nil, command.Wrong(fmt.Sprintf("-diff: %q is not one of conf, files, hosts, zonefile, state, server", kind))
	}
	if err != nil {
		return nil, command.Wrong(fmt.Sprintf("-diff: %v", err))
	}
	return s, nil
}

// open reads the input without its sources.
func (s *side) open() (err error) {
	if s.input != nil {
		s.blocks, err = s.input.Blocks()
	}
	return err
}

// warn prints the warnings about the Corefile.
func (s *side) warn(out command.Output) {
	if s.input == nil {
		return
	}
	for _, line := range s.input.Warnings() {
		out.Warn(line)
	}
}

// patterns reports whether the input is files: they do not name the zones or, without
// -cloud, the cloud.
func (s *side) patterns() bool {
	return s.input != nil && s.input.Patterned()
}

// useZonesOf has an input of files use the zones of the other side.
func (s *side) useZonesOf(other *side) {
	if !s.patterns() || other.patterns() || len(other.blocks) == 0 {
		return
	}
	mine := &s.blocks[0].Zones
	if s.input.Cloud == "" {
		*mine = zone.Set{Cloud: other.blocks[0].Zones.Cloud}
	}
	for _, b := range other.blocks {
		for _, name := range b.Zones.Zones {
			s.addZone(name)
		}
	}
}

func (s *side) addZone(name dnsname.Name) {
	if zones := &s.blocks[0].Zones; !slices.Contains(zones.Zones, name) {
		zones.Zones = append(zones.Zones, name)
	}
}

// fetch fetches the sources.
func (s *side) fetch(ctx context.Context) error {
	blocks, err := input.Fetch(ctx, s.blocks)
	if err == nil {
		s.local = collect(blocks)
	}
	return err
}

// zones lists those of the input, for messages.
func (s *side) zones() string {
	var names []dnsname.Name
	for _, z := range s.local.zones {
		names = append(names, z.name)
	}
	return dnsname.Join(names, ", ")
}

// knownTo returns the zones and names of the inputs of all sides.
func knownTo(sides []*side, only dnsname.Name) known {
	k := known{names: map[dnsname.Name][]record{}}
	if only != "" {
		k.zones = []dnsname.Name{only}
	}
	for _, s := range sides {
		for _, z := range s.local.zones {
			if only == "" && !slices.Contains(k.zones, z.name) {
				k.zones = append(k.zones, z.name)
			}
			for _, r := range z.records {
				k.names[r.Name] = append(k.names[r.Name], r)
			}
		}
		if len(s.blocks) > 0 && only == "" && k.geos == (cloud.Cloud{}) {
			k.geos = s.blocks[0].Zones.Cloud
		}
	}
	return k
}
