package zone

import (
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/spelling"
)

// A Hint is what to add to a Corefile so that a name is in a zone. One of both is
// empty, or both if the name is not one of a private endpoint.
type Hint struct {
	Zone  string // for ZONES
	Cloud string // for the property cloud
}

// String returns the hint as the end of an error.
func (h Hint) String() string {
	switch {
	case h.Cloud != "":
		return ": set cloud " + h.Cloud
	case h.Zone != "":
		return ": add " + h.Zone + " to the zones of privatelink"
	}
	return ""
}

// clouds maps suffixes of all services to the cloud that has them. All other names
// of Azure are of the public cloud.
var clouds = map[dnsname.Name]string{
	"usgovcloudapi.net.": cloud.USGov.Name, "windowsazure.us.": cloud.USGov.Name, "azure.us.": cloud.USGov.Name, "azurewebsites.us.": cloud.USGov.Name,
	"chinacloudapi.cn.": cloud.China.Name, "windowsazure.cn.": cloud.China.Name, "azure.cn.": cloud.China.Name, "chinacloudsites.cn.": cloud.China.Name,
}

// HintFor returns what to add for a name outside of the zones of the set.
func (s *Set) HintFor(name dnsname.Name) Hint {
	of := cloudOf(name)
	if s.Cloud.ARM == "" && of != s.Cloud.Name && (of != cloud.Public.Name || isDefault(name)) {
		return Hint{Cloud: of}
	}
	zone := zoneOf(name)
	if strings.Count(zone, ".") < 2 || s.Has(dnsname.Name(zone+".")) { // azure.com has other names than those of its zone
		return Hint{}
	}
	return Hint{Zone: zone}
}

// Advice returns the end of an error for a name outside of the zones of the set: the zone
// that is meant, or the hint.
func (s *Set) Advice(name dnsname.Name) string {
	hint := s.HintFor(name)
	if meant := s.Meant(hint.Zone); meant != "" {
		return ", do you mean " + meant + "?"
	}
	return hint.String()
}

// Meant returns the zone of Microsoft's table that the zone of a hint misspells, or "".
func (s *Set) Meant(zone string) string {
	if zone == "" || zoneIn(dnsname.Name("x."+zone+".")) != "" {
		return ""
	}
	var near []string // as long as a zone with two typing errors
	for _, name := range s.Cloud.Zones() {
		if text := name.String(); len(text) >= len(zone)-2 && len(text) <= len(zone)+2 {
			near = append(near, text)
		}
	}
	return spelling.Nearest(zone, near)
}

func cloudOf(name dnsname.Name) string {
	for suffix, of := range clouds {
		if _, ok := name.CutSuffix(suffix); ok {
			return of
		}
	}
	return cloud.Public.Name
}

// isDefault reports whether the public cloud has the name in a default zone.
func isDefault(name dnsname.Name) bool {
	public := Set{Cloud: cloud.Public, Zones: cloud.Public.Defaults()}
	_, err := public.OwnerOf(name)
	return err == nil
}

// zoneOf returns the zone that Azure has the name in, without the trailing dot. For a
// name that Microsoft's table lacks, it is the zone of what follows the first label.
func zoneOf(name dnsname.Name) string {
	if zone := zoneIn(name); zone != "" {
		return zone.String()
	}
	text := name.String()
	if at := strings.LastIndex("."+text, "."+cloud.Prefix); at >= 0 {
		return text[at:]
	}
	_, parent, _ := strings.Cut(text, ".")
	return cloud.Prefix + parent
}
