package status

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// parallel bounds the requests that are answered at a time. Further requests wait for
	// their turn.
	parallel = 2
	// rest is how long a turn stays occupied after its answer, as a multiple of the time that
	// the answer took. DNS queries need the CPU: the page takes at most a quarter of a core,
	// however many requests arrive.
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
		b.compress(r.Header.Get("Accept-Encoding"))
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

// worthwhile is the size in octets from which on an answer is compressed.
const worthwhile = 4 << 10

// compress compresses a large answer if the client accepts that. No answer has a secret, so
// that its length reveals none.
func (b *buffered) compress(accepted string) {
	b.header.Add("Vary", "Accept-Encoding")
	if b.body.Len() < worthwhile || !acceptsGzip(accepted) {
		return
	}
	var small bytes.Buffer
	w, err := gzip.NewWriterLevel(&small, gzip.BestSpeed)
	if err != nil {
		return
	}
	if _, err := w.Write(b.body.Bytes()); err != nil || w.Close() != nil {
		return
	}
	b.header.Set("Content-Encoding", "gzip")
	b.body = small
}

// acceptsGzip reports whether a client names gzip and does not exclude it (RFC 9110,
// 12.5.3).
func acceptsGzip(accepted string) bool {
	for part := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight, _ = strings.CutPrefix(strings.TrimSpace(weight), "q=")
			q, err := strconv.ParseFloat(weight, 64)
			return err != nil || q > 0
		}
	}
	return false
}

// Header implements http.ResponseWriter.
func (b *buffered) Header() http.Header { return b.header }

// Write implements http.ResponseWriter.
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }

// WriteHeader implements http.ResponseWriter.
func (b *buffered) WriteHeader(code int) { b.code = code }
