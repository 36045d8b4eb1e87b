package cloud

import (
	_ "embed"
	"encoding/csv"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// zoneTable is Microsoft's table of private link zones as data. Its head has the
// source, the date and the notation.
//
//go:embed zones.csv
var zoneTable string

// A Row is one zone of the table.
type Row struct {
	Cloud   string
	Zone    string // a zone with a word in braces exists once for each value of this label
	Within  string // the zone that has the names of this one, or empty
	Rules   []Rule // of a zone without a word in braces
	Service string
}

// A Rule maps public names to the names of a zone.
type Rule struct {
	Kind   RuleKind
	Suffix dnsname.Name
	Kept   int // length of NAME. in the suffix, for OneName
}

// A RuleKind is the form of the public names.
type RuleKind uint8

// The kinds of rules.
const (
	PublicNames      RuleKind = iota // x.SUFFIX is x.ZONE
	DNSZoneEndpoints                 // x.zNN.SUFFIX is x.ZONE, if a source has the name
	StaticWebsites                   // x.zNN.SUFFIX is x.ZONE
	Forwarded                        // the names lead into the zone by a CNAME record
	OneName                          // NAME.REST, the suffix, is NAME.ZONE, and x.NAME.REST is x.NAME.ZONE
)

// A Form is the suffix of zones that exist once for each region, geo code or
// partition: privatelink.LABEL.SUFFIX.
type Form struct {
	Suffix dnsname.Name
	Number bool // the label is a number
	Strict bool // no name in the zones is public
	Word   string
}

var (
	rows  = readRows(zoneTable)
	rules = rulesOf(rows)
)

// Table returns the rows of the table.
func Table() []Row { return slices.Clone(rows) }

// Zones returns the zones of the cloud that have one name.
func (c Cloud) Zones() (all []dnsname.Name) {
	for _, r := range rows {
		if r.Cloud == c.Name && r.Within == "" && !strings.Contains(r.Zone, "{") {
			all = append(all, dnsname.Name(r.Zone+"."))
		}
	}
	return all
}

// Forms returns the forms of the cloud's other zones, that of Backup first.
func (c Cloud) Forms() []Form {
	if c.Backup == "" {
		return nil
	}
	all := []Form{{Suffix: c.Backup, Strict: true, Word: "GEO"}}
	for _, r := range rows {
		word, suffix, ok := strings.Cut(strings.TrimPrefix(r.Zone, Prefix+"{"), "}.")
		if form := dnsname.Name(suffix + "."); r.Cloud == c.Name && r.Within == "" && ok && form != c.Backup {
			all = append(all, Form{Suffix: form, Number: word == "NUMBER", Word: word})
		}
	}
	return all
}

// Zone returns the zone privatelink.LABEL.SUFFIX.
func (f Form) Zone(label string) dnsname.Name {
	return dnsname.Name(Prefix + label + "." + string(f.Suffix))
}

// Label returns the label of a zone that has the form, and false for any other zone.
func (f Form) Label(zone dnsname.Name) (label string, ok bool) {
	labels, ok := zone.CutSuffix(f.Suffix)
	if !ok {
		return "", false
	}
	label, ok = strings.CutPrefix(labels, Prefix)
	return label, ok && !strings.Contains(label, ".") && f.Has(label)
}

// Has reports whether a zone of the form may have the label.
func (f Form) Has(label string) bool {
	if f.Number {
		return label != "" && strings.Trim(label, "0123456789") == ""
	}
	return label != "" && label+"." != Prefix
}

// Within returns the zone that has the names of zone: scm.privatelink.azurewebsites.net
// is no zone of its own in Azure. It returns "" for any other zone.
func (c Cloud) Within(zone dnsname.Name) string {
	labels := strings.Split(zone.String(), ".")
	for _, r := range rows {
		if r.Cloud == c.Name && r.Within != "" && matches(strings.Split(r.Zone, "."), labels) {
			return strings.Join(labels[len(labels)-strings.Count(r.Within, ".")-1:], ".")
		}
	}
	return ""
}

// matches reports whether the labels are those of the pattern, in which a word in braces
// is any label.
func matches(pattern, labels []string) bool {
	return slices.EqualFunc(pattern, labels, func(p, label string) bool { return p == label || p[0] == '{' && label+"." != Prefix })
}

// Listed reports whether the table has the zone by its name.
func Listed(zone dnsname.Name) bool {
	_, ok := rules[zone]
	return ok
}

// Rules returns the rules of a zone. A zone that the table lacks has one: its public
// names have the zone's name without the label privatelink.
func Rules(zone dnsname.Name) []Rule {
	if all, ok := rules[zone]; ok {
		return all
	}
	return []Rule{{Suffix: withoutLabel(zone)}}
}

// PublicZones returns the public zones of a private link zone, in which its records
// have their public names, the most common one first.
func PublicZones(zone dnsname.Name) (all []dnsname.Name) {
	for _, r := range Rules(zone) {
		if r.Kind == PublicNames || r.Kind == OneName {
			all = append(all, r.Suffix[r.Kept:])
		}
	}
	return all
}

func withoutLabel(zone dnsname.Name) dnsname.Name {
	return dnsname.Name(strings.TrimPrefix(string(zone), Prefix))
}

func readRows(table string) (all []Row) {
	reader := csv.NewReader(strings.NewReader(table))
	reader.Comment = '#'
	lines, err := reader.ReadAll()
	if err != nil {
		panic(err) // the table is part of the program, and a test reads it
	}
	for _, f := range lines[1:] { // the first line is the heading
		r := Row{Cloud: f[0], Zone: f[1], Service: f[4]}
		if within, ok := strings.CutPrefix(f[2], "in "); ok {
			r.Within = within
		} else if !strings.Contains(r.Zone, "{") {
			r.Rules = readRules(dnsname.Name(r.Zone+"."), strings.Fields(f[2]), strings.Fields(f[3]))
		}
		all = append(all, r)
	}
	return all
}

func readRules(zone dnsname.Name, public, forwarded []string) (all []Rule) {
	if len(public) == 0 {
		all = append(all, Rule{Suffix: withoutLabel(zone)})
	}
	for _, text := range public {
		all = append(all, readRule(text+"."))
	}
	for _, text := range forwarded {
		all = append(all, Rule{Kind: Forwarded, Suffix: dnsname.Name(text + ".")})
	}
	return all
}

func readRule(text string) Rule {
	if suffix, ok := strings.CutPrefix(text, "zNN."); ok {
		return Rule{Kind: DNSZoneEndpoints, Suffix: dnsname.Name(suffix)}
	}
	if suffix, ok := strings.CutPrefix(text, "z*."); ok {
		return Rule{Kind: StaticWebsites, Suffix: dnsname.Name(suffix)}
	}
	if name, suffix, ok := strings.Cut(text, "@"); ok {
		return Rule{Kind: OneName, Suffix: dnsname.Name(name + "." + suffix), Kept: len(name) + 1}
	}
	return Rule{Suffix: dnsname.Name(text)}
}

func rulesOf(rows []Row) map[dnsname.Name][]Rule {
	all := map[dnsname.Name][]Rule{}
	for _, r := range rows {
		if len(r.Rules) > 0 {
			all[dnsname.Name(r.Zone+".")] = r.Rules
		}
	}
	return all
}
