package forwarders

import (
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"
)

// A format is the configuration of one kind of DNS server. Its text is the file
// of its name in the folder formats.
type format struct {
	name   string
	limits []limit // why this kind of server cannot forward so

	// wholeZones has -names forward the zones of the records, not their names, beside
	// the public names.
	wholeZones bool
}

// A limit returns an error if a kind of server does not accept the target.
type limit func(target) error

const ruleset = "an Azure DNS forwarding ruleset"

var formats = []format{
	{name: "powershell", limits: []limit{onlyPort53}},
	{name: "bind", wholeZones: true},
	{name: "unbound"},
	{name: "dnsmasq"},
	{name: "coredns", limits: []limit{maxServers("CoreDNS", 15)}},
	{name: "systemd-resolved", limits: []limit{maxZones("systemd-resolved", 256)}},
	{name: "knot-resolver"},
	{name: "knot-resolver-6", limits: []limit{plainLabels}},
	{name: "pdns-recursor"},
	{name: "pdns-recursor-yaml"},
	{name: "azure-ruleset", limits: []limit{onlyIPv4, maxServers("a rule of "+ruleset, 6), maxZones(ruleset, 1000), maxLabels(34)}},
	{name: "technitium"},
	{name: "adguard-home"},
	{name: "pi-hole"},
	{name: "opnsense"},
}

func findFormat(name string) (format, bool) {
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if i < 0 {
		return format{}, false
	}
	return formats[i], true
}

func formatNames() string {
	var all []string
	for _, f := range formats {
		all = append(all, f.name)
	}
	return strings.Join(all, ", ")
}

// about begins every text, and whole that of a file. The others show how to test the
// configuration. Most servers remove our SOA record from an answer if it is above the
// name that they forward, so that single names are tested by an address.
const (
	about = `The names of Azure private endpoints go to privatelink-dns, all others where they
went before. These are the public names: with privatelink.* alone many DNS servers
return the public address, the end of the chain that they get for a public name.
A zone of your own below one of these names comes first: delete it, once
privatelink-dns has its records.`
	aboutNames = `The names that privatelink-dns serves go to it, all others where they went before.
A name that it serves later has no forwarder: print this text again after each
change of the records ("privatelink-dns records -diff" reports changes).`
	whole = `This is a complete file. It replaces the file of an earlier run, and with it the
forwarders that are no longer needed.`
	checkParents = `To check: the answer to "dig +short %s %s" begins with %s.`
	checkNames   = `To check: the answer to "dig +short %s %s" has %s.`
)

//go:embed formats
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"about": func(mark string, t target) string {
		if t.Names {
			return comment(mark, aboutNames)
		}
		return comment(mark, about)
	},
	"whole": func(mark string) string { return comment(mark, whole) },
	"check": func(mark string, t target) string {
		one, format := t.Checks[0], checkParents
		if t.Names {
			format = checkNames
		}
		return comment(mark, fmt.Sprintf(format, one.Name, one.Type, one.Data))
	},
	"join": strings.Join,
}).ParseFS(files, "formats/*"))

func comment(mark, text string) string { return mark + strings.ReplaceAll(text, "\n", "\n"+mark) }

// print writes the text. Nothing is written for a target that breaks a limit.
func (f format) print(w io.Writer, t target) error {
	for _, check := range append([]limit{onlyNames}, f.limits...) {
		if err := check(t); err != nil {
			return err
		}
	}
	return templates.ExecuteTemplate(w, f.name, t)
}
