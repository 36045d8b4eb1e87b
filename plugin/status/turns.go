package status

import (
	"bytes"
	"net/http"
	"time"
)

const (
	// parallel bounds the requests that are answered at a time. Further requests wait for
	// their turn.
	parallel = 2
	// rest is how many times as long as an answer took its turn stays taken. DNS queries
	// need the CPU: the page takes at most a quarter of a core, however many requests arrive.
	rest = 7
)

// turns bounds the CPU time of the page. An answer is made in memory and written after the
// turn, so that a client that reads slowly takes no turn from others.
type turns chan struct{}

func newTurns() turns { return make(chan struct{}, parallel) }

// serve has the handler answer in a turn.
func (t turns) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	select {
	case t <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	b := &buffered{header: w.Header(), code: http.StatusOK}
	func() {
		began := time.Now()
		defer func() { time.AfterFunc(rest*time.Since(began), func() { <-t }) }()
		next.ServeHTTP(b, r)
	}()
	w.WriteHeader(b.code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.body.Bytes()) // the client has gone
	}
}

// buffered is a response in memory.
type buffered struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (b *buffered) Header() http.Header { return b.header }

// Write implements http.ResponseWriter.
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }

// WriteHeader implements http.ResponseWriter.
func (b *buffered) WriteHeader(code int) { b.code = code }
