package syncer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// show is a state with its times in seconds after the start of the test.
func (s SourceState) show(start time.Time) string {
	seconds := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return fmt.Sprint(int(t.Sub(start).Seconds()))
	}
	next := "-"
	if !s.Next.IsZero() {
		next = "later"
		if s.Next.Before(time.Now()) {
			next = "overdue"
		}
	}
	return fmt.Sprintf("loaded %v, %d names, read %s, failing %s %q, next %s", s.Loaded, s.Names, seconds(s.Read), seconds(s.Failing), s.Failure, next)
}

// The state of a source has the last success, and the first failure after it.
func TestSourceStates(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		start := time.Now()
		f := newFake("f", "a 10.0.0.1", "b 10.0.0.2")
		s := serve(t, p, f)
		synctest.Wait() // for the time of the next poll
		expect := func(want string) {
			t.Helper()
			if got := s.SourceStates()[0].show(start); got != want {
				t.Errorf("after %s: %s; want %s", time.Since(start), got, want)
			}
		}
		expect(`loaded true, 2 names, read 0, failing - "", next later`)
		f.fail(nil)
		time.Sleep(100 * time.Second) // one poll, after 54 to 66 s
		first := s.SourceStates()[0]
		if at := first.Failing.Sub(start).Seconds(); first.Failure != "it rains" || at < 54 || at > 66 || !first.Read.Equal(start) || !first.Loaded {
			t.Errorf("after a failure: %s", first.show(start))
		}
		time.Sleep(2 * time.Minute)
		if again := s.SourceStates()[0]; !again.Failing.Equal(first.Failing) {
			t.Errorf("after more failures: failing since %s; want %s", again.Failing, first.Failing)
		}
		f.set("a 10.0.0.1")
		time.Sleep(2 * time.Minute)
		if last := s.SourceStates()[0]; last.Failure != "" || !last.Failing.IsZero() || !last.Read.After(first.Failing) {
			t.Errorf("after the recovery: %s", last.show(start))
		}
	})
}

// An endpoint that is not served keeps the time at which it was found, across polls and
// reloads, and a conflict has the name of its record.
func TestSurveyOfSyncer(t *testing.T) {
	bubble(t, func(t *testing.T, p *Process) {
		start := time.Now()
		f := newFake("f")
		skipped := func(id string, entries ...string) {
			list := listOf(entries...)
			list.Skipped = []source.Skip{{Endpoint: id, Target: "/x/vaults/v", Reason: source.NotApproved, Detail: "its connection is Pending"}}
			f.next.Store(&fetched{list, nil})
		}
		minutes := func(s *Syncer) (all []string) {
			for _, i := range s.Survey().NotServed {
				all = append(all, fmt.Sprintf("%s %s %d", i.Endpoint, i.Kind, int(i.Since.Sub(start).Minutes())))
			}
			return all
		}
		skipped("/pe/new", "a 10.0.0.1")
		s := serve(t, p, f)
		generation := s.Generation()
		expect := func(want string) {
			t.Helper()
			if got := fmt.Sprint(minutes(s)); got != want {
				t.Errorf("after %s: %s; want %s", time.Since(start), got, want)
			}
		}
		expect("[/pe/new not_approved 0]")
		time.Sleep(10 * time.Minute)
		skipped("/pe/new", "a 10.0.0.1", "a 10.0.0.2 from=/pe/twice")
		poll(t, s)
		expect("[/pe/new not_approved 0]")
		if c := s.Survey().Conflicts; len(c) != 1 || c[0].Name != "a.privatelink.blob.core.windows.net." {
			t.Errorf("conflicts: %+v", c)
		}
		if s.Generation() == generation {
			t.Error("the generation is the same after a change")
		}
		s = serve(t, p, f) // a reload
		expect("[/pe/new not_approved 0]")
		skipped("/pe/other", "a 10.0.0.1")
		poll(t, s)
		expect("[/pe/other not_approved 10]")
		if r := s.Survey().Resources[0]; r.Condition != verdict.ConditionNotApproved || r.ID != "/x/vaults/v" {
			t.Errorf("the worst resource is %s, %s", r.ID, r.Condition)
		}
	})
}
