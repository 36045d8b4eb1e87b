package cloud

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/spelling"
)

// geoTable has one line a geo code: code, region, primary or paired, cloud.
// Paired codes name a vault's secondary region and are never suggested for a
// region name. If a region has two codes, the one in use is first. Microsoft's
// lists are "Geo-code list" of Azure Backup and the Azure Verified Modules.
//
//go:embed geo.csv
var geoTable string

type geo struct {
	code, region string
	paired       bool
	cloud        string
}

var geos = readGeos(geoTable)

func readGeos(table string) []geo {
	var all []geo
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSpace(line), ",")
		all = append(all, geo{code: f[0], region: f[1], paired: f[2] == "paired", cloud: f[3]})
	}
	return all[1:] // the first line is the heading
}

// CheckGeo returns an error if code is not a geo code of the cloud. For a region
// name, a code of another cloud or an unknown code, the error has the right one.
func (c Cloud) CheckGeo(code string) error {
	if g, ok := find(func(g geo) bool { return g.code == code }); ok {
		if g.cloud != c.Name {
			return fmt.Errorf("%q is a geo code of the %s cloud (%s), the cloud here is %s", code, g.cloud, g.region, c.Name)
		}
		return nil
	}
	region := casefold.Lower(strings.ReplaceAll(code, " ", ""))
	if g, ok := find(func(g geo) bool { return g.region == region && !g.paired }); ok {
		if g.cloud != c.Name {
			return fmt.Errorf("%q is a region of the %s cloud, the cloud here is %s", code, g.cloud, c.Name)
		}
		return fmt.Errorf("%q is a region, its geo code is %q", code, g.code)
	}
	return fmt.Errorf("%q is no geo code of the %s cloud, the nearest are %s", code, c.Name, c.nearest(region))
}

// Geos returns the geo codes of the cloud that the table has.
func (c Cloud) Geos() (codes []string) {
	for _, g := range geos {
		if g.cloud == c.Name && !slices.Contains(codes, g.code) {
			codes = append(codes, g.code)
		}
	}
	return codes
}

func find(match func(geo) bool) (geo, bool) {
	i := slices.IndexFunc(geos, match)
	if i < 0 {
		return geo{}, false
	}
	return geos[i], true
}

// nearest returns the three codes of the cloud whose spelling, or whose region's
// spelling, is nearest to word.
func (c Cloud) nearest(word string) string {
	distance := func(g geo) int { return min(spelling.Distance(word, g.code), spelling.Distance(word, g.region)) }
	mine := slices.DeleteFunc(slices.Clone(geos), func(g geo) bool { return g.cloud != c.Name || g.paired })
	slices.SortStableFunc(mine, func(a, b geo) int { return distance(a) - distance(b) })
	var names []string
	for _, g := range mine[:3] {
		names = append(names, fmt.Sprintf("%q (%s)", g.code, g.region))
	}
	return strings.Join(names, ", ")
}

// IsRegion reports whether name is the name of a region of any cloud.
func IsRegion(name string) bool {
	_, ok := find(func(g geo) bool { return g.region == name })
	return ok
}
