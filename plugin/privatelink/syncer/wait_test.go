package syncer

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// waits is a source that reports why it waits.
type waits struct{ err error }

func (*waits) Config() source.Config { return source.Config{Name: "azure x", Remote: true} }

func (w *waits) Fetch(ctx context.Context) (*source.List, error) {
	source.Progress(ctx, "still waiting for a token")
	return &source.List{Complete: w.err == nil}, w.err
}

// The reason of a wait is logged at once, and once until the source recovers.
func TestWaitIsLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	logTo(t, &out)
	src := &waits{err: errors.New("no token")}
	p := newPoller(src)
	for _, err := range []error{src.err, src.err, nil, src.err} {
		src.err = err
		p.poll(t.Context())
	}
	text := out.String()
	if n := strings.Count(text, "azure x: still waiting for a token\n"); n != 2 {
		t.Errorf("logged %d times, want once before the recovery and once after:\n%s", n, text)
	}
	if strings.Index(text, "still waiting") > strings.Index(text, "no token (") {
		t.Errorf("the wait is logged after the error:\n%s", text)
	}
}
