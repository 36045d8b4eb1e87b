package source

import (
	"bytes"
	"errors"
	"fmt"
)

// linesFormat is the format of files of lines. They have no end mark, so a file that is
// being written looks complete unless it ends within a line. Therefore names are
// removed only after the file has not changed for quietAfter.
type linesFormat struct {
	// parse returns the list of a file. It reports whether the file has an end mark
	// nevertheless. A file without an entry is a noneError or an emptyZoneError.
	parse func(path string, data []byte) (list List, ended bool, err error)

	marker string // the line of a file that has no endpoints on purpose
}

var errCut = fmt.Errorf("the last line has no newline, more of it may follow: write one, or wait until the file has not changed for %v", quietAfter)

// A noneError reports a file without an entry.
type noneError struct{ error }

// An emptyZoneError reports a file that has the SOA record of a zone, and no address. The
// zone may be empty, or the file half written: a file that had names is not empty.
type emptyZoneError struct{ error }

func (f linesFormat) decode(path string, data []byte, past past[List]) (list List, open bool, err error) {
	lines := data
	if !past.quiet {
		lines = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	cut := len(lines) < len(data)
	list, ended, err := f.parse(path, lines)
	var none noneError
	var empty emptyZoneError
	switch {
	case errors.As(err, &empty) && past.names == 0 && len(past.value.Entries) == 0:
		return list, !past.quiet && !past.good, nil
	case err != nil && !(cut && errors.As(err, &none)):
		return List{}, false, err
	}
	if past.quiet || ended && !cut {
		return list, false, nil
	}
	open = list.keep(&past.value) || cut || past.remembered && !past.good
	if cut && !past.good {
		return list, open, errCut
	}
	return list, open, nil
}

// keep adds the entries of the names of an earlier list that l lacks, and reports
// whether there are any.
func (l *List) keep(before *List) bool {
	now, size := namesOf(l.Entries), len(l.Entries)
	for _, e := range before.Entries {
		if !now[e.FQDN] {
			l.Entries = append(l.Entries, e)
		}
	}
	return len(l.Entries) > size
}

func (linesFormat) unite(lists []List) *List { return uniteLists(lists) }

func uniteLists(lists []List) *List {
	if len(lists) == 1 { // the usual case, without a copy
		one := lists[0]
		return &one
	}
	all := new(List)
	for _, one := range lists {
		all.Entries = append(all.Entries, one.Entries...)
		all.Skipped = append(all.Skipped, one.Skipped...)
	}
	if len(lists) > 1 {
		all.Conflicts = listConflicts(lists)
	}
	return all
}

func (linesFormat) count(paths []string, lists []List, _ *List) map[string]int {
	c := newCounter(paths)
	for i, one := range lists {
		for _, e := range one.Entries {
			c.has(i, e.FQDN)
		}
	}
	return c.parts()
}

func (f linesFormat) none() string { return fmt.Sprintf("the line %q", f.marker) }
