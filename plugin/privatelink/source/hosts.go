package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Hosts reads files with a line "ADDRESS FQDN..." a name, of which the portal's
// "Download host file" is one: it writes the endpoint's ID as the comment.
type Hosts struct {
	set    *fileSet[List]
	config Config
	list   *List
}

// NewHosts returns the source of the hosts files that the patterns match, in
// the syntax of filepath.Match. An interval of 0 is LocalInterval.
func NewHosts(patterns []string, interval time.Duration) *Hosts {
	return &Hosts{set: newFileSet(patterns, decodeHosts), config: local("hosts "+strings.Join(patterns, " "), interval)}
}

// Config implements Source.
func (h *Hosts) Config() Config { return h.config }

// Fetch implements Source. Each error names file, line and reason.
func (h *Hosts) Fetch(context.Context) (*List, error) {
	changed, complete, err := h.set.refresh()
	if h.list == nil || changed || h.list.Complete != complete {
		h.list = &List{Complete: complete}
		for _, one := range h.set.values() {
			h.list.Entries = append(h.list.Entries, one.Entries...)
			h.list.Skipped = append(h.list.Skipped, one.Skipped...)
		}
	}
	return h.list, err
}

func decodeHosts(path string, data []byte) (List, error) {
	var list List
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if err := list.addLine(fmt.Sprintf("%s:%d", path, number), string(line)); err != nil {
			return List{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if len(list.Entries)+len(list.Skipped) == 0 {
		return List{}, errors.New("no line with an address and a name in it")
	}
	return list, nil
}

func (l *List) addLine(position, line string) error {
	content, comment, _ := strings.Cut(line, "#")
	fields := strings.Fields(content)
	switch {
	case len(fields) == 0:
		return nil
	case len(fields) == 1:
		return fmt.Errorf("%.80q: an address and a name are expected", fields[0])
	}
	if _, err := netip.ParseAddr(fields[0]); err != nil {
		return fmt.Errorf("%.80q is not an IP address", fields[0])
	}
	endpoint := position
	if id := strings.TrimSpace(comment); strings.HasPrefix(id, "/subscriptions/") {
		endpoint = id
	}
	for _, fqdn := range fields[1:] {
		entry, skips, ok := check(endpoint, "", fqdn, fields[:1])
		l.Skipped = append(l.Skipped, skips...)
		if ok {
			l.Entries = append(l.Entries, entry)
		}
	}
	return nil
}
