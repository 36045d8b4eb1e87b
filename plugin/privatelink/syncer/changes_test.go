package syncer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Each change is logged once, for all syncers that have the name.
func TestChangesAreLogged(t *testing.T) {
	many := func(n int) (entries []string) {
		for i := range n {
			entries = append(entries, fmt.Sprintf("m%02d 10.0.0.1", i))
		}
		return entries
	}
	addresses := "b.blob.core.windows.net."
	for i := range 9 {
		addresses += fmt.Sprintf(" 10.0.0.%d", i)
	}
	for _, tt := range []struct {
		name        string
		before, now []string
		want        string // the log
	}{
		{"no names", nil, nil, ""},
		{"the same", many(2), many(2), ""},
		{"new name", many(1), []string{many(1)[0], "b 10.0.0.2 from=/pe/b"}, "added b.privatelink.blob.core.windows.net: 10.0.0.2 from /pe/b"},
		{"new name in its form with a DNS zone", many(1), []string{many(1)[0], "b.z7.blob.storage.azure.net. 10.0.0.2 from=/pe/b"}, "added b.privatelink.blob.core.windows.net: 10.0.0.2 from /pe/b"},
		{"changed address", many(1), []string{"m00 10.0.0.9 from=/pe/b"}, "changed m00.privatelink.blob.core.windows.net: 10.0.0.9 (was 10.0.0.1) from /pe/b"},
		{"removed name", many(2), many(1), "removed m01.privatelink.blob.core.windows.net: no source has it (was 10.0.0.1)"},
		{"many addresses", many(1), []string{many(1)[0], addresses + " from=/pe/b"}, "added b.privatelink.blob.core.windows.net: 10.0.0.0, 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 4 more from /pe/b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			logTo(t, &out)
			bubble(t, func(t *testing.T, p *Process) {
				f := newFake("f", tt.before...)
				s := serve(t, p, f)
				twin := p.New(Config{Block: "twin", Zones: testSet, Sources: s.Sources})
				twin.Begin()
				defer twin.Close()
				twin.Commit()
				out.Reset()
				f.set(tt.now...)
				time.Sleep(agreement)
				reloaded := begin(t, p, "", f)
				s.Close()
				reloaded.Commit()
			})
			got := out.String()
			if i := strings.Index(got, "privatelink: "); i >= 0 {
				got = got[i+len("privatelink: "):]
			}
			if strings.TrimSuffix(got, "\n") != tt.want {
				t.Errorf("the log has %q; want %q", got, tt.want)
			}
		})
	}
}

func TestChangesAreBounded(t *testing.T) {
	var out bytes.Buffer
	logTo(t, &out)
	f := newFake("f", "a 10.0.0.1")
	s := serve(t, NewProcess(), f)
	entries := []string{"a 10.0.0.1"}
	for i := range 100 {
		entries = append(entries, fmt.Sprintf("m%02d 10.0.0.1", i))
	}
	out.Reset()
	f.set(entries...)
	poll(t, s)
	if n := strings.Count(out.String(), "\n"); n != maxLines+1 || !strings.Contains(out.String(), "80 more names changed") {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}

// If the first snapshot of a process has many names, it is logged as one line.
func TestFirstNamesAreCounted(t *testing.T) {
	var out bytes.Buffer
	logTo(t, &out)
	serve(t, NewProcess(), newFake("f", accounts(50)...))
	if got, want := out.String(), "added 50 names\n"; !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("log %q; want %q", got, want)
	}
}

// A reload that removes a source logs its names.
func TestRemovedByReload(t *testing.T) {
	var out bytes.Buffer
	p := NewProcess()
	old := serve(t, p, newFake("f", "a 10.0.0.1"), newFake("g", "b 10.0.0.2"))
	reloaded := begin(t, p, "", newFake("f"))
	logTo(t, &out)
	old.Close()
	if out.Len() > 0 {
		t.Errorf("log before the commit: %s", out.String())
	}
	reloaded.Commit()
	got, want := out.String(), "removed b.privatelink.blob.core.windows.net: no source has it (was 10.0.0.2)\n"
	if !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("log %q; want %q", got, want)
	}
}
