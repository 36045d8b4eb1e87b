package syncer

import (
	"fmt"
	"strings"
	"testing"
)

// accounts returns the entries n0 to n(count-1).
func accounts(count int) []string {
	var all []string
	for i := range count {
		all = append(all, fmt.Sprintf("n%d.blob.core.windows.net. 10.0.0.%d", i, i+1))
	}
	return all
}

func TestGuard(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lists []int  // names in each fetch
		want  string // names served after each
	}{
		{"grows", []int{5, 20, 40}, "5 20 40"},
		{"few names may all go", []int{9, 0}, "9 0"},
		{"half may go", []int{10, 5}, "10 5"},
		{"more than half is held back twice", []int{10, 4, 4, 4}, "10 10 10 4"},
		{"all is held back twice", []int{100, 0, 0, 0}, "100 100 100 0"},
		{"it was a mistake", []int{100, 0, 100, 0, 0, 0}, "100 100 100 100 100 0"},
		{"it gets better", []int{100, 0, 60, 60}, "100 100 60 60"},
		{"it gets worse, the third fetch counts", []int{100, 40, 20, 10}, "100 100 100 10"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var g guard
			var got []string
			for _, n := range tc.lists {
				list, held := g.admit(listOf(accounts(n)...))
				if held != len(list.Entries)-n {
					t.Errorf("%d names are said to be held back; want %d", held, len(list.Entries)-n)
				}
				got = append(got, fmt.Sprint(len(list.Entries)))
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("served %s; want %s", strings.Join(got, " "), tc.want)
			}
		})
	}
}

// The same list again is the same pointer again: nothing is built anew.
func TestGuardKeepsPointers(t *testing.T) {
	var g guard
	full, short := listOf(accounts(10)...), listOf(accounts(1)...)
	for range 2 {
		if got, _ := g.admit(full); got != full {
			t.Error("a list that loses nothing is not admitted as it is")
		}
	}
	first, _ := g.admit(short)
	if second, _ := g.admit(short); second != first {
		t.Error("the merged list is made anew")
	}
	if third, _ := g.admit(short); third != short {
		t.Error("the third fetch does not agree")
	}
}

// What is new or changed applies while the loss is held back.
func TestGuardLetsChangesThrough(t *testing.T) {
	f := newFake(t.Name(), accounts(10)...)
	s := newSyncer(t, f)
	s.Sync(t.Context())
	f.gives("n0.blob.core.windows.net. 10.0.9.9", "new.blob.core.windows.net. 10.0.0.100")
	s.Sync(t.Context())
	if got, want := addrs(s, "n0")+" "+addrs(s, "n1")+" "+addrs(s, "new"), "10.0.9.9 10.0.0.2 10.0.0.100"; got != want {
		t.Errorf("served %s; want %s", got, want)
	}
	s.Sync(t.Context())
	s.Sync(t.Context())
	if got := addrs(s, "n1"); got != "foreign" {
		t.Errorf("served %s after three fetches that agree; want it gone", got)
	}
}

// A failed fetch is no fetch that agrees.
func TestGuardCountsCompleteFetches(t *testing.T) {
	f := newFake(t.Name(), accounts(10)...)
	s := newSyncer(t, f)
	s.Sync(t.Context())
	f.gives()
	s.Sync(t.Context())
	f.fails(nil)
	for range 5 {
		s.Sync(t.Context())
	}
	f.gives()
	s.Sync(t.Context())
	if got := addrs(s, "n1"); got != "10.0.0.2" {
		t.Errorf("served %s after two complete fetches; want it held back", got)
	}
}
