package source

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// Hosts reads files with lines "ADDRESS FQDN...". The Azure portal writes such a file
// with "Download host file", in which the comment of a line is the endpoint's ID.
type Hosts struct {
	set    *fileSet[List]
	config Config
}

// NewHosts returns the source of the hosts files that the patterns match, in
// the syntax of filepath.Match. An interval of 0 is LocalInterval.
func NewHosts(patterns []string, interval time.Duration) *Hosts {
	return &Hosts{set: newFileSet(patterns, hostsFormat), config: local("hosts "+strings.Join(patterns, " "), interval)}
}

// Config implements Source.
func (h *Hosts) Config() Config { return h.config }

// Fetch implements Source. Each error names file, line and reason.
func (h *Hosts) Fetch(context.Context) (*List, error) { return h.set.fetch() }

// Remember adds the files that an earlier process read. Parts are those of its
// last list. Call it before the first Fetch.
func (h *Hosts) Remember(parts map[string]int) { h.set.remember(parts) }

// resourceID begins the resource ID of an endpoint.
const resourceID = "/subscriptions/"

var hostsFormat = linesFormat{parse: decodeHosts, marker: noEndpoints}

// noEndpoints is the line of a hosts file that has no endpoints on purpose. A file
// that has only other comments is an error, because a full disk may leave only the
// comments at its top.
const noEndpoints = "# no endpoints"

var errNoLine = noneError{fmt.Errorf("no line with an address and a name in it: if there are no endpoints, write the line %q", noEndpoints)}

// maxRoom bounds the entries that there is room for before the lines are read. A
// file may have empty lines only.
const maxRoom = 1 << 17

func decodeHosts(path string, data []byte) (List, bool, error) {
	list := List{path: path, Entries: make([]Entry, 0, min(bytes.Count(data, []byte("\n"))+1, maxRoom))}
	ids := map[string]string{}
	number, empty := 0, false
	for line := range bytes.Lines(data) {
		number++
		empty = empty || casefold.Equal(strings.TrimSpace(string(line)), noEndpoints)
		if err := list.addLine(fmt.Sprintf("%s:%d", path, number), string(line), ids); err != nil {
			return List{}, false, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if len(list.Entries)+len(list.Skipped) == 0 && !empty {
		return List{}, false, errNoLine
	}
	return list, false, nil
}

// addLine adds the entries of a line. An endpoint has several lines. ids has each
// resource ID once, because a substring keeps its whole line in memory.
func (l *List) addLine(position, line string, ids map[string]string) error {
	if err := checkLineEnd(line); err != nil {
		return err
	}
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
	for _, field := range fields[1:] {
		if _, err := netip.ParseAddr(strings.TrimSuffix(field, ".")); err == nil {
			return fmt.Errorf("%.80q is an address in the place of a name: there are two addresses in one line, write one line for each", field)
		}
	}
	endpoint := position
	if id := strings.TrimSpace(comment); strings.HasPrefix(id, resourceID) {
		if _, known := ids[id]; !known {
			id = strings.Clone(id)
			ids[id] = id
		}
		endpoint = ids[id]
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

// otherLineEnds are characters that end a line for some programs. strings.Fields
// separates fields by most of them, so that the names of the next line would be names
// of the address before them. In a comment they would hide the next line.
const otherLineEnds = "\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029"

// checkLineEnd rejects a line that other programs read as several lines.
func checkLineEnd(line string) error {
	line = strings.TrimRight(line, "\r\n")
	at := strings.IndexAny(line, otherLineEnds)
	if at < 0 {
		return nil
	}
	found, _ := utf8.DecodeRuneInString(line[at:])
	return fmt.Errorf("%.80q: the character %U ends a line for some programs, here only LF and CRLF do: convert the file to one of them", line, found)
}
