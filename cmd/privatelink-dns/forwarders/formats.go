package forwarders

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// A format is the configuration of one kind of DNS server. Its text is the file
// of its name in the folder formats.
type format struct {
	name  string
	check func(all servers) error // an error if this kind of server cannot forward to all; may be nil
}

var formats = []format{
	{"powershell", onlyPort53},
	{"bind", nil},
	{"unbound", nil},
	{"dnsmasq", nil},
	{"coredns", atMost15},
	{"systemd-resolved", nil},
	{"knot-resolver", nil},
	{"pdns-recursor", nil},
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

func onlyPort53(all servers) error {
	for _, s := range all {
		if s.Port() != defaultPort {
			return fmt.Errorf("%s: a Windows DNS server forwards to port 53 only", s.Colon())
		}
	}
	return nil
}

func atMost15(all servers) error {
	if len(all) > 15 {
		return errors.New("CoreDNS forwards to 15 servers at most")
	}
	return nil
}

// A target is the data of the templates.
type target struct {
	Zones      []string // to forward
	Servers    servers
	Checks     []string // zones that are served: their SOA record names NameServer
	NameServer string
}

func newTarget(blocks []privatelink.Block, to servers) target {
	t := target{Servers: to, NameServer: nameServer()}
	for _, name := range topmost(of(blocks, parents)) {
		t.Zones = append(t.Zones, name.String())
	}
	for i := range blocks {
		for _, name := range blocks[i].Zones.Zones {
			if !slices.Contains(t.Checks, name.String()) {
				t.Checks = append(t.Checks, name.String())
			}
		}
	}
	return t
}

// nameServer is the primary that the SOA records of privatelink-dns name, and no
// others.
func nameServer() string {
	soa, _ := privatelink.Apex(&zone.Zone{Name: "."})[0].(*dns.SOA)
	return strings.TrimSuffix(soa.Ns, ".")
}

// Loopback reports whether a server is on the machine of the one that forwards.
func (t target) Loopback() bool {
	return slices.ContainsFunc(t.Servers, func(s server) bool { return s.Addr().IsLoopback() })
}

// about begins every text. check shows how to test the configuration.
const (
	about = `The names of Azure private endpoints go to privatelink-dns, all others where they
went before. These are the public names: with privatelink.* alone many DNS servers
give the public address, the end of the chain that they get for a public name.
A zone of your own below one of these names comes first: delete it, once
privatelink-dns has its records.`
	check = `To check: the answer to "dig +short %s SOA" begins with %s.`
)

//go:embed formats
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"about": func(mark string) string { return mark + strings.ReplaceAll(about, "\n", "\n"+mark) },
	"check": func(mark string, t target) string { return mark + fmt.Sprintf(check, t.Checks[0], t.NameServer) },
	"join":  strings.Join,
}).ParseFS(files, "formats/*"))

func (f format) print(w io.Writer, t target) error { return templates.ExecuteTemplate(w, f.name, t) }
