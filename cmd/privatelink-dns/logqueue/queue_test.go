package logqueue

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// An output accepts what is written while it is open, and blocks or fails
// otherwise.
type output struct {
	open   func()
	opened chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	err  error
}

func blocked() *output {
	opened := make(chan struct{})
	return &output{opened: opened, open: sync.OnceFunc(func() { close(opened) })}
}

func open() *output {
	o := blocked()
	o.open()
	return o
}

func (o *output) Write(b []byte) (int, error) {
	<-o.opened
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

// start returns a queue of a process that has started. It reports as a line.
func start(t *testing.T, o *output, limit int) *Queue {
	q := starting(t, o, limit)
	q.Start()
	return q
}

func starting(t *testing.T, o *output, limit int) *Queue {
	var q *Queue
	q = New(o, limit, func(lines int) { fmt.Fprintf(q, "dropped %d\n", lines) })
	t.Cleanup(func() {
		o.open()
		close(q.wake)
	})
	return q
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, want := open(), ""
		q := start(t, o, 1<<20)
		for i := range 10_000 {
			line := fmt.Sprintf("line %d\n", i)
			want += line
			fmt.Fprint(q, line)
		}
		if !q.Flush(0) {
			synctest.Wait()
		}
		if got := o.String(); got != want {
			t.Errorf("%d bytes; want %d in order", len(got), len(want))
		}
	})
}

// Nobody waits for an output that accepts nothing. When it works again, what was
// queued is there, and one line with the number of lines that are not.
func TestBlockedOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, before, began := blocked(), testutil.ToFloat64(droppedTotal), time.Now()
		q := start(t, o, 20)
		for i := range 7 {
			fmt.Fprintf(q, "line %d\n", i) // 7 bytes each
		}
		if q.Flush(FlushTimeout) || time.Since(began) != FlushTimeout {
			t.Errorf("Flush of a blocked output: after %s; want false after %s", time.Since(began), FlushTimeout)
		}
		if got := testutil.ToFloat64(droppedTotal) - before; got != 5 {
			t.Errorf("the metric counts %v lines; want 5", got)
		}
		o.open()
		synctest.Wait()
		fmt.Fprint(q, "later\n")
		synctest.Wait()
		if got, want := o.String(), "line 0\nline 1\ndropped 5\nlater\n"; got != want {
			t.Errorf("output %q; want %q", got, want)
		}
	})
}

// Lines that an output rejects are dropped, and reported when it accepts lines.
func TestFailingOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open()
		q := start(t, o, 100)
		o.fail(errors.New("no space left on device"))
		for range 3 {
			fmt.Fprint(q, "lost\n")
			synctest.Wait()
		}
		o.fail(nil)
		fmt.Fprint(q, "kept\n")
		synctest.Wait()
		if got, want := o.String(), "kept\ndropped 3\n"; got != want {
			t.Errorf("output %q; want %q", got, want)
		}
	})
}

// A fatal line ends the process, so it is never dropped and has been written, if
// it can be, when Write returns.
func TestFatalLine(t *testing.T) {
	for _, line := range []string{"[FATAL] plugin/loop: loop\n", `{"level":"FATAL","msg":"loop"}` + "\n"} {
		synctest.Test(t, func(t *testing.T) {
			o := open()
			fmt.Fprint(start(t, o, 5), line)
			if got := o.String(); got != line {
				t.Errorf("output %q; want %q", got, line)
			}
			began := time.Now()
			fmt.Fprint(start(t, blocked(), 5), line)
			if d := time.Since(began); d != FlushTimeout {
				t.Errorf("a blocked output is waited for %s; want %s", d, FlushTimeout)
			}
		})
	}
}

// Before the start is complete, Write waits for the output. It waits once for
// one that is blocked.
func TestBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open()
		q := starting(t, o, 100)
		fmt.Fprint(q, "line\n")
		if got := o.String(); got != "line\n" {
			t.Errorf("output %q; want the line", got)
		}
		q = starting(t, blocked(), 100)
		began := time.Now()
		for range 5 {
			fmt.Fprint(q, "line\n")
		}
		if d := time.Since(began); d != FlushTimeout {
			t.Errorf("five lines waited for %s; want %s", d, FlushTimeout)
		}
	})
}

func TestChunks(t *testing.T) {
	line := strings.Repeat("x", 999) + "\n"
	for _, tc := range []struct {
		name, text string
		want       []int
	}{
		{"one line", line, []int{1000}},
		{"ends with a line", strings.Repeat(line, 100), []int{65_000, 35_000}},
		{"line without an end", strings.Repeat("x", 70_000), []int{maxChunk, 70_000 - maxChunk}},
	} {
		var got []int
		for chunk := range chunks([]byte(tc.text)) {
			got = append(got, len(chunk))
		}
		if fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%s: chunks of %v; want %v", tc.name, got, tc.want)
		}
	}
}
