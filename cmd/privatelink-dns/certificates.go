package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coredns/caddy"
	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
	"github.com/privatelink-dns/privatelink-dns/plugin/serverblock"
)

// certificates are the files that plugin tls reads when an instance starts. Plugin
// reload does not look at them: a renewed certificate would not be served until the
// Corefile changes, and the old one would run out.
type certificates struct {
	paths  []string
	every  time.Duration     // the interval of plugin reload; 0 without the plugin
	loaded [sha256.Size]byte // the content when the instance started
}

// certificatesKey is the key of the *certificates in the storage of a caddy instance.
type certificatesKey struct{}

// watchCertificates reloads the Corefile when a certificate or key of it changes, if
// the Corefile has plugin reload.
func watchCertificates() {
	caddy.RegisterParsingCallback("dns", "reload", func(caddy.Context) error { // before tls reads the files
		if inst := starting(); inst != nil {
			inst.StorageMu.Lock()
			defer inst.StorageMu.Unlock()
			inst.Storage[certificatesKey{}] = newCertificates(inst.Caddyfile())
		}
		return nil
	})
	go func() {
		var w certificateWatch
		for {
			<-time.After(w.poll(runningCertificates(), lifecycle.Reload))
		}
	}()
}

func runningCertificates() *certificates {
	inst := lifecycle.Last()
	if inst == nil {
		return nil
	}
	inst.StorageMu.RLock()
	defer inst.StorageMu.RUnlock()
	c, _ := inst.Storage[certificatesKey{}].(*certificates)
	return c
}

// A certificateWatch remembers the content that it saw last, and the one that it has
// reloaded for.
type certificateWatch struct{ seen, tried [sha256.Size]byte }

// poll reloads if the files have changed since the start of the instance and are the
// same as at the last poll: a certificate and its key are rarely written at once. A
// content that was rejected is not tried again. It returns the time to the next poll.
func (w *certificateWatch) poll(c *certificates, reload func() error) time.Duration {
	if c == nil || c.every == 0 {
		return 2 * time.Second // the shortest interval of plugin reload
	}
	now := c.content()
	if now != c.loaded && now == w.seen && now != w.tried {
		w.tried = now
		clog.Info("A certificate or key of plugin tls has changed")
		if err := reload(); err != nil {
			clog.Errorf("The changed certificate or key is rejected, the old one is served: %v", err)
		}
	}
	w.seen = now
	return c.every
}

// newCertificates finds the files in a Corefile that has been checked as far as
// plugin reload.
func newCertificates(corefile caddy.Input) *certificates {
	c := &certificates{}
	blocks, err := serverblock.Parse(corefile, nil)
	if err != nil {
		return c
	}
	for _, block := range blocks {
		for _, args := range block.Arguments("reload") {
			c.every = 30 * time.Second
			if len(args) > 0 {
				c.every, _ = time.ParseDuration(args[0]) // plugin reload has checked it
			}
		}
		root := ""
		for _, args := range block.Arguments("root") {
			root = strings.Join(args, "")
		}
		for _, args := range block.Arguments("tls") {
			for _, path := range args {
				if !filepath.IsAbs(path) {
					path = filepath.Join(root, path)
				}
				c.paths = append(c.paths, path)
			}
		}
	}
	c.loaded = c.content()
	return c
}

func (c *certificates) content() (sum [sha256.Size]byte) {
	hash := sha256.New()
	for _, path := range c.paths {
		text, err := os.ReadFile(path)
		if err != nil {
			text = []byte(err.Error())
		}
		part := sha256.Sum256(text)
		hash.Write(part[:])
	}
	hash.Sum(sum[:0])
	return sum
}
