package lifecycle

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

// Each hook is called at most once, and Close only after Commit.
func TestTransitions(t *testing.T) {
	for _, tc := range []struct{ name, steps, want string }{
		{"shutdown before begin", "close begin commit close", "error"},
		{"abort before begin", "abort begin commit close", "error"},
		{"shutdown before commit", "begin close commit close", "Begin Abort"},
		{"abort after commit", "begin commit abort close", "Begin Commit Close"},
		{"each step twice", "begin begin commit commit close close abort", "Begin error Commit Close"},
		{"abort twice", "begin abort abort close", "Begin Abort"},
		{"failed Begin", "fail commit abort close", "Begin error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r recorder
			fail := false
			a := &attachment{hooks: recording(&r, &fail)}
			step := map[string]func(){
				"begin":  func() { note(&r, a.begin()) },
				"fail":   func() { fail = true; note(&r, a.begin()) },
				"commit": a.commit, "abort": a.abort, "close": a.close,
			}
			for _, name := range strings.Fields(tc.steps) {
				step[name]()
			}
			if got := strings.Join(r.all, " "); got != tc.want {
				t.Errorf("%s = %q; want %q", tc.steps, got, tc.want)
			}
		})
	}
}

// An end while Begin runs does not wait for Begin. Abort is called after it.
func TestEndDuringBegin(t *testing.T) {
	for name, end := range map[string]func(*attachment){"abort": (*attachment).abort, "close": (*attachment).close} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				h := recording(&r, new(bool))
				proceed := make(chan struct{})
				h.Begin = func() error {
					<-proceed
					r.add("Begin")
					return nil
				}
				a := &attachment{hooks: h}
				result := make(chan error, 1)
				go func() { result <- a.begin() }()
				synctest.Wait()
				end(a)
				a.commit()
				if got := strings.Join(r.all, " "); got != "" {
					t.Errorf("during Begin: %q; want no call", got)
				}
				close(proceed)
				if err := <-result; !errors.Is(err, errEnded) {
					t.Errorf("begin = %v; want %v", err, errEnded)
				}
				end(a)
				if got := strings.Join(r.all, " "); got != "Begin Abort" {
					t.Errorf("after Begin: %q; want Begin Abort", got)
				}
			})
		})
	}
}

func TestNilHooks(t *testing.T) {
	a := &attachment{}
	if err := a.begin(); err != nil {
		t.Fatal(err)
	}
	a.commit()
	a.close()
	b := &attachment{}
	if err := b.begin(); err != nil {
		t.Fatal(err)
	}
	b.abort()
}

func recording(r *recorder, fail *bool) Hooks {
	return Hooks{
		Begin: func() error {
			r.add("Begin")
			if *fail {
				return errors.New("failed")
			}
			return nil
		},
		Commit: func() { r.add("Commit") },
		Abort:  func() { r.add("Abort") },
		Close:  func() { r.add("Close") },
	}
}

func note(r *recorder, err error) {
	if err != nil {
		r.add("error")
	}
}
