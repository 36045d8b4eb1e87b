package source

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strconv"
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
	d := hostsDecoder{ids: map[string]ID{}}
	d.list = List{path: path, Entries: make([]Entry, 0, min(bytes.Count(data, []byte("\n"))+1, maxRoom))}
	empty := false
	for line := range bytes.Lines(data) {
		d.line++
		empty = empty || casefold.Equal(strings.TrimSpace(string(line)), noEndpoints)
		if err := d.add(string(line)); err != nil {
			return List{}, false, fmt.Errorf("line %d: %w", d.line, err)
		}
	}
	if len(d.list.Entries)+len(d.list.Skipped) == 0 && !empty {
		return List{}, false, errNoLine
	}
	return d.list, false, nil
}

// A hostsDecoder reads the lines of a file. The entries share the memory of their
// texts and of their addresses, because a file may have many.
type hostsDecoder struct {
	list List
	line int
	ids  map[string]ID // each resource ID once: an endpoint has several lines
	room room
}

// add adds the entries of a line.
func (d *hostsDecoder) add(line string) error {
	content, comment, err := splitLine(line)
	if err != nil || len(content) == 0 {
		return err
	}
	endpoint := d.endpoint(comment)
	for _, fqdn := range content[1:] {
		entry, skips, ok := check(endpoint, ID{}, fqdn, content[:1])
		d.list.Skipped = append(d.list.Skipped, skips...)
		if ok {
			d.list.Entries = append(d.list.Entries, d.room.keep(entry))
		}
	}
	return nil
}

// endpoint returns the resource ID in the comment, or the position of the line.
func (d *hostsDecoder) endpoint(comment string) ID {
	text := strings.TrimSpace(comment)
	if !strings.HasPrefix(text, resourceID) {
		return idOf(d.list.path+":"+strconv.Itoa(d.line), d.room.texts.Keep)
	}
	id, known := d.ids[text]
	if !known {
		id = idOf(text, d.room.texts.Keep)
		d.ids[strings.Clone(text)] = id
	}
	return id
}

// splitLine returns the address and the names of a line, and its comment.
func splitLine(line string) (fields []string, comment string, err error) {
	if err := checkLineEnd(line); err != nil {
		return nil, "", err
	}
	content, comment, _ := strings.Cut(line, "#")
	fields = strings.Fields(content)
	switch {
	case len(fields) == 0:
		return nil, "", nil
	case len(fields) == 1:
		return nil, "", fmt.Errorf("%.80q: an address and a name are expected%s", fields[0], hint(fields))
	}
	if _, err := netip.ParseAddr(fields[0]); err != nil {
		return nil, "", fmt.Errorf("%.80q is not an IP address%s", fields[0], hint(fields))
	}
	for _, field := range fields[1:] {
		if _, err := netip.ParseAddr(strings.TrimSuffix(field, ".")); err == nil {
			return nil, "", fmt.Errorf("%.80q is an address in the place of a name: there are two addresses in one line, write one line for each", field)
		}
	}
	return fields, comment, nil
}

// hint returns what is likely wrong in a line, as the end of an error, or "".
func hint(fields []string) string {
	first, last := fields[0], fields[len(fields)-1]
	if _, err := netip.ParseAddr(last); err == nil && last != first {
		return ": write the address before the names"
	}
	switch first[0] {
	case '[', '{':
		return ": this looks like JSON, which belongs to the property files"
	case '$', ';', '@':
		return ": this looks like a zone file, which belongs to the property zonefile"
	}
	if strings.ContainsAny(first, ",;") {
		return ": separate them with a space"
	}
	return ""
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
