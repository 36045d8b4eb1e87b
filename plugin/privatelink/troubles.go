package privatelink

import (
	"regexp"
	"strings"

	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

var log = clog.NewWithPlugin("privatelink")

// troubles has what is wrong with the secondaries, each with the zones in which
// it was seen. It is logged when it begins and when it is over.
type troubles map[trouble]map[dnsname.Name]bool

// A trouble is a secondary that does not answer, or that refuses the NOTIFY of
// one zone.
type trouble struct {
	secondary string
	refused   dnsname.Name // or empty
}

// report takes down how a NOTIFY for the zone ended.
func (t troubles) report(name dnsname.Name, err error) {
	now := map[trouble]string{}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			found, reason := read(name, strings.TrimSpace(line))
			now[found] = reason
		}
	}
	for old, zones := range t {
		if _, still := now[old]; zones[name] && !still {
			delete(t, old)
			old.over()
		}
	}
	for found, reason := range now {
		if t[found] == nil {
			t[found] = map[dnsname.Name]bool{}
			found.begins(reason)
		}
		t[found][name] = true
	}
}

func (t trouble) begins(reason string) {
	if t.refused != "" {
		log.Warningf("secondary %s refuses NOTIFY for %s: %s (configure the zone there, and allow NOTIFY from this server)", t.secondary, t.refused, reason)
		return
	}
	log.Warningf("secondary %s does not answer NOTIFY: %s (it takes changes when it asks by itself)", t.secondary, reason)
}

func (t trouble) over() {
	if t.refused != "" {
		log.Infof("secondary %s takes NOTIFY for %s again", t.secondary, t.refused)
		return
	}
	log.Infof("secondary %s answers NOTIFY again", t.secondary)
}

// notAccepted is a line of plugin transfer's error, one for each secondary.
var notAccepted = regexp.MustCompile(`^notify for zone ".*" was not accepted by "(.*?)": (rcode was )?"(.*)"$`)

func read(name dnsname.Name, line string) (t trouble, reason string) {
	m := notAccepted.FindStringSubmatch(line)
	switch {
	case m == nil:
		return trouble{secondary: "of " + name.String()}, line
	case m[2] != "":
		return trouble{secondary: m[1], refused: name}, m[3]
	}
	return trouble{secondary: m[1]}, m[3]
}
