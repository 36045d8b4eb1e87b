package syncer

import (
	"fmt"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/printable"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// maxLines bounds how many lines one change may write to the log.
const maxLines = 20

// A report has the findings and the changes of a published snapshot. All of them go
// into metrics, and those that are new into the log.
type report struct {
	syncer  *Syncer
	merged  merged
	changes []zone.Change
	first   bool // the process has announced nothing before
	next    *zone.Snapshot
}

func (r *report) write() {
	for i, p := range r.syncer.subscriptions() {
		r.merged.sources[i].report(r.syncer, p)
		unread := p.reportUnread(r.next.PassUnread)
		unread.write()
		r.syncer.process.Events().Add(unread.events(p.Name)...)
	}
	r.announce()
	r.note()
	for name, z := range r.next.Zones {
		metrics.Serial.WithLabelValues(name.String()).Set(float64(z.Serial))
	}
}

func (f *findings) report(s *Syncer, p *poller) {
	metrics.Records.WithLabelValues(p.Name).Set(float64(len(f.first)))
	metrics.Conflicts.WithLabelValues(p.Name).Set(float64(f.conflicts))
	metrics.Skipped.DeletePartialMatch(map[string]string{"source": p.Name})
	for reason, n := range f.skipped {
		metrics.Skipped.WithLabelValues(p.Name, string(reason)).Set(float64(n))
	}
	var out lines
	fresh, gone := p.news(s, f.sortedTexts())
	for i, text := range fresh {
		if i == maxLines {
			out.warningf("", "%s: %d more findings like these", p.Name, len(fresh)-maxLines)
			break
		}
		out.warningf("", "%s: %s", p.Name, text)
	}
	out.write()
	f.note(s.process.Events(), p.Name, fresh, gone)
}

// reportUnread sets the metric source_unread, and returns a line for the log the first
// time that it becomes 1.
func (p *poller) reportUnread(passUnread bool) (lines lines) {
	p.mu.Lock()
	defer p.mu.Unlock()
	passUnread = passUnread && !p.guard.loaded
	metrics.Unread.WithLabelValues(p.Name).Set(map[bool]float64{true: 1}[passUnread])
	if passUnread && !p.passUnread {
		lines.errorf(journal.Failed, "%s: not read, and the two minutes after the start have passed: its names in fallthrough zones may get public addresses "+
			"(see fail_closed)", p.Name)
	}
	p.passUnread = p.passUnread || passUnread
	return lines
}

// announce logs the changes, a line for each name, because administrators search
// the log for names.
func (r *report) announce() {
	if len(r.changes) > maxLines && r.first {
		logf(log.Info, "added %d names", len(r.changes))
		return
	}
	var out lines
	for i, c := range r.changes {
		if i == maxLines {
			out.infof("", "%d more names changed", len(r.changes)-maxLines)
			break
		}
		out.infof("", "%s", describe(c, r.endpoint(c)))
	}
	out.write()
}

// endpoint returns the endpoint that has the name, in the first source with it.
func (r *report) endpoint(c zone.Change) string {
	for _, found := range r.merged.sources {
		if e := found.first[c.Name]; e != nil {
			return e.Title()
		}
	}
	return ""
}

func describe(c zone.Change, endpoint string) string {
	switch {
	case len(c.Now) == 0:
		return fmt.Sprintf("removed %s: no source has it (was %s)", c.Name, source.Addresses(c.Before))
	case len(c.Before) == 0:
		return fmt.Sprintf("added %s: %s from %s", c.Name, source.Addresses(c.Now), endpoint)
	}
	return fmt.Sprintf("changed %s: %s (was %s) from %s", c.Name, source.Addresses(c.Now), source.Addresses(c.Before), endpoint)
}

// lines are log lines that are written later, when no lock is held.
type lines []line

type line struct {
	log  func(args ...any)
	text string
	kind journal.Kind // of its event, or empty
}

func (l *lines) add(more ...line) { *l = append(*l, more...) }
func (l *lines) infof(kind journal.Kind, format string, args ...any) {
	l.add(line{log.Info, fmt.Sprintf(format, args...), kind})
}
func (l *lines) errorf(kind journal.Kind, format string, args ...any) {
	l.add(line{log.Error, fmt.Sprintf(format, args...), kind})
}
func (l *lines) warningf(kind journal.Kind, format string, args ...any) {
	l.add(line{log.Warning, fmt.Sprintf(format, args...), kind})
}

// events returns the events of a source. Their texts are those of the lines without the
// name of the source.
func (l lines) events(source string) (all []journal.Event) {
	for _, one := range l {
		if one.kind != "" {
			all = append(all, journal.Event{Kind: one.kind, Source: source, Text: printable.Text(strings.TrimPrefix(one.text, source+": "))})
		}
	}
	return all
}

// logf writes one line.
func logf(write func(args ...any), format string, args ...any) {
	write(printable.Text(fmt.Sprintf(format, args...)))
}

func (l lines) write() {
	for _, one := range l {
		one.log(printable.Text(one.text))
	}
}
