package privatelink

import (
	"fmt"
	"regexp"
	"strings"

	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
)

var log = clog.NewWithPlugin("privatelink")

// notifyFailures has the failures of the secondaries, each with the zones in which
// it occurred. A failure is logged when it begins and when it ends.
type notifyFailures map[notifyFailure]map[dnsname.Name]bool

// A notifyFailure is a secondary that does not answer, or that refuses the NOTIFY
// of one zone.
type notifyFailure struct {
	secondary string
	refused   dnsname.Name // empty if the secondary does not answer
}

// report records the result of a NOTIFY for the zone.
func (f notifyFailures) report(name dnsname.Name, err error) {
	now := map[notifyFailure]string{}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			failure, reason := parseFailure(name, strings.TrimSpace(line))
			now[failure] = reason
		}
	}
	for old, zones := range f {
		if _, persists := now[old]; zones[name] && !persists {
			delete(f, old)
			old.logEnd()
		}
	}
	for failure, reason := range now {
		if f[failure] == nil {
			f[failure] = map[dnsname.Name]bool{}
			failure.logBegin(reason)
		}
		f[failure][name] = true
	}
}

func (f notifyFailure) logBegin(reason string) {
	text := fmt.Sprintf("secondary %s does not answer NOTIFY: %s (it receives changes when it queries by itself)", f.secondary, reason)
	if f.refused != "" {
		text = fmt.Sprintf("secondary %s refuses NOTIFY for %s: %s (configure the zone there, and allow NOTIFY from this server)", f.secondary, f.refused, reason)
	}
	log.Warning(text)
	f.note(journal.Failed, text)
}

func (f notifyFailure) logEnd() {
	text := fmt.Sprintf("secondary %s answers NOTIFY again", f.secondary)
	if f.refused != "" {
		text = fmt.Sprintf("secondary %s accepts NOTIFY for %s again", f.secondary, f.refused)
	}
	log.Info(text)
	f.note(journal.Recovered, text)
}

func (f notifyFailure) note(kind journal.Kind, text string) {
	process.Events().Add(journal.Event{Kind: kind, Name: f.refused, Source: "secondary " + f.secondary, Text: text})
}

// notAccepted matches a line of plugin transfer's error. It has one line for each
// secondary.
var notAccepted = regexp.MustCompile(`^notify for zone ".*" was not accepted by "(.*?)": (rcode was )?"(.*)"$`)

func parseFailure(name dnsname.Name, line string) (f notifyFailure, reason string) {
	m := notAccepted.FindStringSubmatch(line)
	switch {
	case m == nil:
		return notifyFailure{secondary: "of " + name.String()}, line
	case m[2] != "":
		return notifyFailure{secondary: m[1], refused: name}, m[3]
	}
	return notifyFailure{secondary: m[1]}, m[3]
}
