package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

func TestCertificatesOfACorefile(t *testing.T) {
	for _, tt := range []struct{ name, text, paths, every string }{
		{"no tls", ". {\n    reload\n}", "", "30s"},
		{"no reload", "tls://. {\n    tls /c /k\n}", "/c /k", "0s"},
		{"certificate and key", "tls://. {\n    reload 10s 2s\n    tls /c /k\n}", "/c /k", "10s"},
		{"certificate, key and CA", "tls://. {\n    reload\n    tls /c /k /ca {\n        client_auth require\n    }\n}", "/c /k /ca", "30s"},
		{"root", "tls://. {\n    reload\n    root /etc/dns\n    tls c /k\n}", "/etc/dns/c /k", "30s"},
		{"ACME", "tls://. {\n    reload\n    tls {\n        domain dns.example\n    }\n}", "", "30s"},
		{"snippet and two blocks", "(c) {\n    tls /c /k\n}\ntls://. {\n    import c\n}\nhttps://. {\n    import c\n}\n. {\n    reload 2s\n}", "/c /k /c /k", "2s"},
	} {
		c := newCertificates(corefile.Input("Corefile", []byte(tt.text)))
		if got := filepath.ToSlash(strings.Join(c.paths, " ")); got != tt.paths || c.every.String() != tt.every {
			t.Errorf("%s: %s every %s; want %s every %s", tt.name, got, c.every, tt.paths, tt.every)
		}
	}
}

// A changed file is used once it has been the same for two looks, and is tried once.
func TestCertificateWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cert.pem")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	start := func() *certificates {
		c := &certificates{paths: []string{path}, every: time.Minute}
		c.loaded = c.content()
		return c
	}
	c, w, reloads, broken := start(), certificateWatch{}, 0, false
	reload := func() error {
		if reloads++; broken {
			return errors.New("broken")
		}
		c = start()
		return nil
	}
	for _, step := range []struct {
		name, text string
		broken     bool
		reloads    int
	}{
		{"nothing changed", "old", false, 0},
		{"changed", "half", false, 0},
		{"changed again", "new", false, 0},
		{"the same", "new", false, 1},
		{"in use", "new", false, 1},
		{"broken", "bad", true, 1},
		{"broken, the same", "bad", true, 2},
		{"broken, tried before", "bad", true, 2},
		{"good", "newer", false, 2},
		{"good, the same", "newer", false, 3},
		{"the one before", "new", false, 3},
		{"the one before, the same", "new", false, 4},
	} {
		broken = step.broken
		write(step.text)
		if d := w.poll(c, reload); d != time.Minute || reloads != step.reloads {
			t.Errorf("%s: %d reloads, next poll in %s; want %d, 1m0s", step.name, reloads, d, step.reloads)
		}
	}
	c.every = 0
	write("newest")
	for range 3 {
		w.poll(c, reload)
	}
	if w.poll(nil, reload); reloads != 4 {
		t.Errorf("without plugin reload: %d reloads; want 4", reloads)
	}
}

// The watch reads the instance that serves while another goroutine starts one. The race
// detector reports a read of caddy's list.
func TestCertificatesBesideAStart(t *testing.T) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				runningCertificates()
				runtime.Gosched()
			}
		}
	}()
	inst, err := caddy.Start(corefile.Input("/etc/test/Corefile", []byte(".:0 {\nbind 127.0.0.1\nlru\n}")))
	close(stop)
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(append(inst.ShutdownCallbacks(), inst.Stop())...); err != nil {
		t.Error(err)
	}
}
