package lru

import (
	"bytes"
	"fmt"
	"io"
	golog "log"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// logOf returns the log of f.
func logOf(f func()) string {
	var text bytes.Buffer
	golog.SetOutput(&text)
	defer golog.SetOutput(os.Stdout)
	f()
	return text.String()
}

// In an outage of four minutes names with a stale answer wait once at most, and other
// names get SERVFAIL. The log has one line at the start and one at the end.
func TestOutageOfFourMinutes(t *testing.T) {
	const names = 50
	var slow, questions int
	text := logOf(func() {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{}
			reply := func(r *dns.Msg, _ net.Addr) *dns.Msg {
				return responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 10 A 192.0.2.1"), r)
			}
			u.set(0, reply)
			l := newLRU(u, 1000)
			defer l.flights.wait()
			for i := range names {
				ask(t, l, query(fmt.Sprintf("n%d.example.", i), "A"))
			}
			time.Sleep(11 * time.Second)
			u.timesOut(4 * time.Second)
			for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); questions++ {
				began := time.Now()
				if m := ask(t, l, query(fmt.Sprintf("n%d.example.", questions%names), "A")); len(m.Answer) != 1 || m.Answer[0].Header().Ttl != staleTTL {
					t.Fatalf("question %d: %s; want the stale answer", questions, show(m))
				}
				if time.Since(began) > 0 {
					slow++
				}
				time.Sleep(250 * time.Millisecond)
			}
			if m := ask(t, l, query("new.example.", "A")); m.Rcode != dns.RcodeServerFailure {
				t.Errorf("a new name: %s; want SERVFAIL", show(m))
			}
			u.set(0, reply)
			time.Sleep(failureTTL)
			for i := range 2 * names {
				ask(t, l, query(fmt.Sprintf("n%d.example.", i%names), "A"))
				time.Sleep(100 * time.Millisecond)
			}
			if m := ask(t, l, query("n1.example.", "A")); m.Answer[0].Header().Ttl > 10 {
				t.Errorf("%s once the upstream is back; want a new answer", show(m))
			}
		})
	})
	if slow > 2 {
		t.Errorf("%d of %d questions waited; want the first two at most", slow, questions)
	}
	start, end := "No answer from the upstream (", "The upstream answers again after 4m"
	if strings.Count(text, start) != 1 || strings.Count(text, end) != 1 || strings.Count(text, "\n") != 2 {
		t.Errorf("the log is\n%swant one line %q and one %q", text, start, end)
	}
}

// During an outage the background refreshes are bounded, both after the first questions
// have failed and while they still wait.
func TestBackgroundRefreshesAreBounded(t *testing.T) {
	for _, failed := range []bool{true, false} {
		backgroundRefreshes(t, failed)
	}
}

func backgroundRefreshes(t *testing.T, failed bool) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		u.set(0, func(r *dns.Msg, _ net.Addr) *dns.Msg {
			return responseTo(parseReply(t, "NOERROR: "+r.Question[0].Name+" 10 A 192.0.2.1"), r)
		})
		l := newLRU(u, 1000)
		defer l.flights.wait()
		for i := range 100 {
			ask(t, l, query(fmt.Sprintf("n%d.example.", i), "A"))
		}
		time.Sleep(11 * time.Second)
		u.timesOut(4 * time.Second)
		for i := range 2 { // these wait for clientResponseTimer
			ask(t, l, query(fmt.Sprintf("n%d.example.", i), "A"))
		}
		if time.Sleep(time.Millisecond); failed {
			l.flights.wait()
		}
		before := u.asked.Load()
		for i := range 98 {
			ask(t, l, query(fmt.Sprintf("n%d.example.", 2+i), "A"))
		}
		if synctest.Wait(); u.asked.Load()-before != maxBackground {
			t.Errorf("failed %v: %d questions upstream for 98 stale names; want %d", failed, u.asked.Load()-before, maxBackground)
		}
	})
}

// Unanswered questions that are an outage, and others that are not.
func TestOutageDetection(t *testing.T) {
	defer golog.SetOutput(os.Stdout)
	golog.SetOutput(io.Discard)
	for _, tc := range []struct {
		name  string
		asked []string // each is unanswered for 2 s; "+": an answer
		want  bool
	}{
		{"one name", []string{"a"}, false},
		{"one name, two types at a time", []string{"a", "a"}, false},
		{"two names", []string{"a", "b"}, true},
		{"one name, asked again", []string{"a", " ", "  ", "a"}, true},
		{"an answer in between", []string{"a", "+", "b"}, false},
		{"an answer at the end", []string{"a", "b", "+"}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var o outage
			for i, name := range tc.asked {
				now := time.Now()
				switch name {
				case "+":
					o.answered(now)
				case " ", "  ":
				default:
					o.sent(name, now)
				}
				if i+1 < len(tc.asked) && name == tc.asked[i+1] {
					continue
				}
				time.Sleep(2 * time.Second)
			}
			if got := o.active(time.Now()); got != tc.want {
				t.Errorf("%s: active() = %v; want %v", tc.name, got, tc.want)
			}
		})
	}
}
