// Package logqueue writes log lines to an output that may be slow or blocked,
// and never makes the process wait for it.
package logqueue

import (
	"bytes"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const (
	// maxChunk is the largest write to the output, in bytes: a pipe of Linux.
	maxChunk = 64 << 10
	// FlushTimeout is how long the end of the process waits for the output.
	FlushTimeout = 500 * time.Millisecond
)

var droppedTotal = promauto.NewCounter(prometheus.CounterOpts{
	Namespace: plugin.Namespace, Subsystem: "privatelink", Name: "log_dropped_lines_total",
	Help: "Log lines that were dropped because the output did not accept them.",
})

// A Queue is an io.Writer that passes lines on to an output in a goroutine. Lines
// that do not fit into the queue are dropped and counted.
//
// The alternative is a deadline for each write, but an inherited pipe or console
// has none, and a deadline would still make each query wait.
type Queue struct {
	output io.Writer
	limit  int             // bytes
	report func(lines int) // called when the output works again after lines were dropped
	wake   chan struct{}

	mu      sync.Mutex
	waiting []byte        // whole lines
	writing int           // bytes that the output has not accepted yet
	dropped int           // lines since the last report
	idle    chan struct{} // closed when the queue is empty; nil if it is empty
	patient bool
}

// New returns a queue of at most limit bytes. Until Start is called, Write waits
// for the output, for FlushTimeout at most, so that an error that ends the process at
// its start is not printed before the lines that explain it. The function report
// may log.
func New(output io.Writer, limit int, report func(lines int)) *Queue {
	q := &Queue{output: output, limit: limit, report: report, wake: make(chan struct{}, 1), patient: true}
	go q.run()
	return q
}

// Start ends the time in which Write waits for the output.
func (q *Queue) Start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.patient = false
}

// Write implements io.Writer for whole lines. It returns no error. It waits for
// the output only if the line is fatal, because the process ends after it.
func (q *Queue) Write(line []byte) (int, error) {
	fatal := bytes.Contains(line, []byte("[FATAL] ")) || bytes.Contains(line, []byte(`"level":"FATAL"`))
	wait := q.add(line, fatal) || fatal
	if wait && !q.Flush(FlushTimeout) {
		q.Start()
	}
	return len(line), nil
}

// add reports whether the writer is to wait.
func (q *Queue) add(line []byte, fatal bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !fatal && len(q.waiting)+q.writing+len(line) > q.limit {
		q.dropLocked(line)
		return false
	}
	q.waiting = append(q.waiting, line...)
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	select {
	case q.wake <- struct{}{}:
	default: // it is awake
	}
	return q.patient
}

// dropLocked counts lines that are lost. An output that loses lines is not waited
// for any more.
func (q *Queue) dropLocked(lines []byte) {
	n := bytes.Count(lines, []byte("\n"))
	q.dropped += n
	q.patient = false
	droppedTotal.Add(float64(n))
}

// Flush waits until the output has accepted all lines, and reports whether it
// has done so within the limit.
func (q *Queue) Flush(limit time.Duration) bool {
	q.mu.Lock()
	idle := q.idle
	q.mu.Unlock()
	if idle == nil {
		return true
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-idle:
		return true
	case <-timer.C:
		return false
	}
}

func (q *Queue) run() {
	for range q.wake {
		for lines := q.take(); len(lines) > 0; lines = q.take() {
			for chunk := range chunks(lines) {
				n, err := q.output.Write(chunk)
				if lost := q.written(chunk, n, err); lost > 0 {
					q.report(lost)
				}
			}
		}
	}
}

// take returns all lines that wait.
func (q *Queue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines := q.waiting
	q.waiting, q.writing = nil, len(lines)
	if len(lines) == 0 && q.idle != nil {
		close(q.idle)
		q.idle = nil
	}
	return lines
}

// written accounts for a write and returns the number of lines to report: none
// while the output fails.
func (q *Queue) written(chunk []byte, n int, err error) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing -= len(chunk)
	if err != nil {
		q.dropLocked(chunk[n:])
		return 0
	}
	lost := q.dropped
	q.dropped = 0
	return lost
}

// chunks yields pieces of maxChunk bytes at most that end with a line, unless a
// line is longer.
func chunks(lines []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(lines) > 0 {
			n := min(len(lines), maxChunk)
			if end := bytes.LastIndexByte(lines[:n], '\n'); end >= 0 {
				n = end + 1
			}
			if !yield(lines[:n]) {
				return
			}
			lines = lines[n:]
		}
	}
}
