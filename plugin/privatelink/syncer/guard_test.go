package syncer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
)

// accounts returns the entries n0 to n(count-1).
func accounts(count int) []string {
	var all []string
	for i := range count {
		all = append(all, fmt.Sprintf("n%d 10.0.0.%d", i, i+1))
	}
	return all
}

// parseStep parses "@MINUTE NAMES", the list that is fetched at that minute. NAMES are
// numbers and ranges such as 0-9,12. A ~ before them makes the list incomplete. The
// endpoints of the names after a ! are unread.
func parseStep(t *testing.T, step string) (time.Duration, *source.List) {
	t.Helper()
	minute, names, _ := strings.Cut(step[1:], " ")
	at, err := strconv.ParseFloat(minute, 64)
	if err != nil {
		t.Fatal(err)
	}
	names, unread, _ := strings.Cut(names, "!")
	names, incomplete := strings.CutPrefix(names, "~")
	var entries []string
	for _, i := range parseNames(t, names) {
		entries = append(entries, fmt.Sprintf("n%d 10.0.0.1", i))
	}
	list := listOf(entries...)
	list.Complete = !incomplete
	for _, i := range parseNames(t, unread) {
		list.Unread = append(list.Unread, fmt.Sprintf("/pe/n%d", i))
	}
	return time.Duration(at * float64(time.Minute)), list
}

func parseNames(t *testing.T, text string) (all []int) {
	t.Helper()
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil {
			t.Fatalf("names %q", text)
		}
		for i := from; i <= to; i++ {
			all = append(all, i)
		}
	}
	return all
}

// showNames is the inverse of parseNames.
func showNames(list *source.List) string {
	var all []int
	for name := range namesOf(list.Entries) {
		i, _ := strconv.Atoi(strings.TrimPrefix(strings.TrimSuffix(string(name), ".blob.core.windows.net."), "n"))
		all = append(all, i)
	}
	slices.Sort(all)
	var parts []string
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1] == all[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, strconv.Itoa(all[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", all[i], all[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// The interval is one minute.
func TestGuard(t *testing.T) {
	for _, tc := range []struct {
		name  string
		steps string // separated by ;
		want  string // names served after each step
	}{
		{"grows", "@0 0-4;@1 0-19", "0-4;0-19"},
		{"three lists must lack a name", "@0 0-8;@1 ;@2 ;@3 ", "0-8;0-8;0-8;"},
		{"an interval apart", "@0 0-8;@1 ;@1.5 ;@2 ;@2.5 ;@2.8 ", "0-8;0-8;0-8;0-8;0-8;"},
		{"a name that is missing in single lists stays", "@0 0-8;@1 0-7;@2 0-7;@2.1 0-8;@3 0-7;@4 0-7;@5 0-8", "0-8;0-8;0-8;0-8;0-8;0-8;0-8"},
		{"a large loss", "@0 0-9;@1 0-3;@2 0-3;@3 0-3", "0-9;0-9;0-9;0-3"},
		{"all names", "@0 0-99;@1 ;@2 ;@3 ", "0-99;0-99;0-99;"},
		{"lists within an interval count once", "@0 0-9;@1 ;@1.1 ;@1.2 ;@2 ;@2.5 ;@3 ", "0-9;0-9;0-9;0-9;0-9;0-9;"},
		{"lists eight intervals apart count twice", "@0 0-9;@1 ;@9 ;@10 ", "0-9;0-9;0-9;"},
		{"all names return after one list", "@0 0-99;@1 ;@2 0-99;@3 ;@4 ;@5 ", "0-99;0-99;0-99;0-99;0-99;"},
		{"each name has its own time", "@0 0-9;@1 0-1;@2 0-3;@3 0-1;@4 0-1;@5 0-1", "0-9;0-9;0-9;0-3;0-3;0-1"},
		{"three lists that lack different names do not agree", "@0 0-11;@1 0-3;@2 4-7;@3 8-11", "0-11;0-11;0-11;0-11"},
		{"a name that returns is not held", "@0 0-9;@1 ;@2 0-4;@3 0-4", "0-9;0-9;0-9;0-4"},
		{"new names apply at once", "@0 0-9;@1 20;@2 20,21", "0-9;0-9,20;0-9,20-21"},

		{"an incomplete list removes no name", "@0 0-3;@1 ~;@2 ~0;@3 ~0-1,9", "0-3;0-3;0-3;0-3,9"},
		{"an incomplete list of a large source removes no name", "@0 0-49;@1 ~;@2 ~;@3 ~;@4 ~", "0-49;0-49;0-49;0-49;0-49"},
		{"an incomplete list does not release held names", "@0 0-9;@1 ;@2 ~;@3 ~;@4 ~5", "0-9;0-9;0-9;0-9;0-9"},
		{"an incomplete list does not agree", "@0 0-9;@1 ;@2 ~;@3 ;@4 ", "0-9;0-9;0-9;0-9;"},
		{"an incomplete list with the name restarts its time", "@0 0-9;@1 ;@2 ~5;@3 ;@4 ;@5 ", "0-9;0-9;0-9;0-9;5;"},
		{"incomplete lists before the first complete one", "@0 ~0-1;@1 ~2;@2 2;@3 2;@4 2", "0-1;0-2;0-2;0-2;2"},

		{"an unread endpoint keeps its names", "@0 0-3;@1 0-1!2;@2 0-1!2;@3 0-1!2;@4 0-1", "0-3;0-3;0-3;0-2;0-2"},
		{"many unread endpoints are not a loss", "@0 0-11;@1 0!1-11;@2 0!1-11;@3 0!1-11;@4 0!1-11", "0-11;0-11;0-11;0-11;0-11"},
		{"an unread endpoint in a sudden loss", "@0 0-11;@1 0!1;@2 0!1;@3 0!1", "0-11;0-11;0-11;0-1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := guard{interval: time.Minute}
			start := time.Now()
			var got []string
			for step := range strings.SplitSeq(tc.steps, ";") {
				at, list := parseStep(t, step)
				g.admit(list, start.Add(at))
				got = append(got, showNames(g.served))
			}
			if strings.Join(got, ";") != tc.want {
				t.Errorf("served %s; want %s", strings.Join(got, ";"), tc.want)
			}
		})
	}
}

// Only the names of a sudden loss are reported.
func TestGuardHeld(t *testing.T) {
	for _, tc := range []struct {
		name  string
		steps string
		want  int
	}{
		{"a small loss", "@0 0-9;@1 0-4", 0},
		{"a small source", "@0 0-8;@1 ", 0},
		{"a sudden loss", "@0 0-9;@1 0-1", 8},
		{"in two steps", "@0 0-9;@1 0-5;@2 0-1", 8},
		{"some names return", "@0 0-9;@1 0-1;@2 0-4", 5},
		{"the loss is confirmed", "@0 0-9;@1 0-1;@2 0-1;@3 0-1", 0},
		{"an incomplete list", "@0 0-9;@1 ~", 0},
	} {
		g, start := guard{interval: time.Minute}, time.Now()
		for step := range strings.SplitSeq(tc.steps, ";") {
			at, list := parseStep(t, step)
			g.admit(list, start.Add(at))
		}
		if got := g.held(); got != tc.want {
			t.Errorf("%s: held() = %d; want %d", tc.name, got, tc.want)
		}
	}
}

// A source may change the form of a name. The new form replaces the old one.
func TestGuardForms(t *testing.T) {
	for _, complete := range []bool{true, false} {
		g := guard{interval: time.Minute}
		g.admit(listOf("a.privatelink.blob.core.windows.net. 10.0.0.1", "b 10.0.0.2"), time.Now())
		next := listOf("a 10.0.0.3", "b.z7.blob.storage.azure.net. 10.0.0.4")
		next.Complete = complete
		g.admit(next, time.Now())
		if got, want := fmt.Sprint(g.served.Entries), fmt.Sprint(next.Entries); got != want {
			t.Errorf("complete %v: served %s; want %s", complete, got, want)
		}
	}
}

// An unread endpoint keeps its addresses for a name that another endpoint has.
func TestGuardUnreadEndpointOfSharedName(t *testing.T) {
	g := guard{interval: time.Minute}
	g.admit(listOf("a.example. 10.0.0.1 from=/PE/1", "a.example. 10.0.0.2 from=/pe/2"), time.Now())
	second := listOf("a.example. 10.0.0.3 from=/pe/2")
	second.Unread = []string{"/pe/1"}
	g.admit(second, time.Now())
	want := listOf("a.example. 10.0.0.3 from=/pe/2", "a.example. 10.0.0.1 from=/PE/1")
	if got, want := fmt.Sprint(g.served.Entries), fmt.Sprint(want.Entries); got != want {
		t.Errorf("served %s; want %s", got, want)
	}
}

// If a list does not change, its pointer stays the same, so that no snapshot is built.
func TestGuardKeepsPointers(t *testing.T) {
	part := listOf(accounts(2)...)
	part.Complete = false
	for _, tc := range []struct {
		name string
		list *source.List
	}{{"same", listOf(accounts(10)...)}, {"held", listOf(accounts(1)...)}, {"incomplete", part}} {
		g := guard{interval: time.Minute}
		now := time.Now()
		g.admit(listOf(accounts(10)...), now)
		g.admit(tc.list, now)
		first := g.served
		if g.admit(tc.list, now); g.served != first {
			t.Errorf("%s: the pointer of the served list changed", tc.name)
		}
	}
}

func TestGuardRestores(t *testing.T) {
	for _, tc := range []struct {
		name, before, after string // lists before and after the state file
		partial             bool
		want                string
		parts               int
		loaded              bool
	}{
		{"at the start", "", "", false, "0-2", 1, true},
		{"a source that was never whole", "", "", true, "0-2", 1, false},
		{"a part was faster", "@0 ~2,9", "", false, "0-2,9", 1, true},
		{"the whole was faster", "@0 9", "", false, "0-2,9", 1, true},
		{"a part follows", "", "@0 ~9", false, "0-2,9", 1, true},
		{"the whole follows", "", "@0 9", false, "0-2,9", 0, true},
		{"the whole was faster and follows", "@0 9", "@1 9", true, "0-2,9", 0, true},
	} {
		g := guard{interval: time.Minute}
		for _, step := range []string{tc.before, "restore", tc.after} {
			switch step {
			case "":
			case "restore":
				g.restore(state.Source{Entries: listOf(accounts(3)...).Entries, Parts: map[string]int{"/a": 3}, Partial: tc.partial})
			default:
				_, list := parseStep(t, step)
				g.admit(list, time.Now())
			}
		}
		if got := showNames(g.served); got != tc.want || len(g.served.Parts) != tc.parts || g.loaded != tc.loaded {
			t.Errorf("%s: served %s with %d parts, loaded %v; want %s with %d, %v", tc.name, got, len(g.served.Parts), g.loaded, tc.want, tc.parts, tc.loaded)
		}
	}
}

// Additions and changes apply while a loss is held back.
func TestGuardLetsChangesThrough(t *testing.T) {
	g := guard{interval: time.Minute}
	g.admit(listOf(accounts(10)...), time.Now())
	g.admit(listOf("n0 10.0.9.9", "new 10.0.0.100"), time.Now())
	got := map[dnsname.Name]string{}
	for _, e := range g.served.Entries {
		got[e.FQDN] += e.Addrs[0].String()
	}
	for name, want := range map[dnsname.Name]string{"n0": "10.0.9.9", "n1": "10.0.0.2", "new": "10.0.0.100"} {
		if name += ".blob.core.windows.net."; got[name] != want {
			t.Errorf("%s: served %q; want %s", name, got[name], want)
		}
	}
}
