package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/corefile"
	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// 150 reloads, a third of which fail, under queries for held names, misses and
// transfers, while the files change. It is for the race detector, and holds the
// server to its promise: a held name never gets a public address, and no zone's
// serial goes back.
func TestManyReloads(t *testing.T) {
	r := newReloads(t)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, ask := range []func(i int){r.held, r.miss, r.transfer, r.change} {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				ask(i)
			}
		})
	}
	for i := range 150 {
		r.reload(i)
	}
	cancel()
	all.Wait()
	if r.asked.Load() == 0 || r.transfers.Load() == 0 {
		t.Errorf("%d queries, %d transfers; want some of each", r.asked.Load(), r.transfers.Load())
	}
}

type reloads struct {
	t        *testing.T
	folder   string
	addr     string
	upstream string
	taken    string // a port in use
	instance *caddy.Instance

	asked, transfers atomic.Int64
}

func newReloads(t *testing.T) *reloads {
	upstream := fakedns.New(t, "held.blob.core.windows.net. 60 A 203.0.113.7\n*.example. 60 A 198.51.100.1\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	r := &reloads{t: t, folder: t.TempDir(), upstream: upstream.Addr, taken: taken.Addr().String()}
	r.write(0)
	if r.instance, err = caddy.Start(r.corefile(0, "0")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.instance.ShutdownCallbacks()
		r.instance.Stop() //nolint:errcheck // it always returns nil
	})
	r.addr = r.instance.Servers()[0].Addr().String()
	return r
}

// corefile varies with i, so that blocks, sources and the cache come and go.
func (r *reloads) corefile(i int, port string) caddy.Input {
	text := fmt.Sprintf(`.:%s {
		bind 127.0.0.1
		transfer {
			to *
		}
		privatelink {
			files %[2]s/*.json
			record extra%[3]d.blob.core.windows.net 10.20.0.9
			state %[2]s/state
			refresh 1s
		}
		lru %[4]d
		forward . %[5]s
	}
	`, port, r.folder, i%5, 1000+i%2, r.upstream)
	if i%3 == 2 {
		text += fmt.Sprintf("x.example:%s {\nbind 127.0.0.1\nprivatelink {\nfiles %s/*.json\n}\nforward . %s\n}\n", port, r.folder, r.upstream)
	}
	return corefile.Input("Corefile", []byte(text))
}

func (r *reloads) reload(i int) {
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	next := r.corefile(i, port)
	fails := i%3 == 1
	if fails {
		_, taken, _ := net.SplitHostPort(r.taken)
		next = corefile.Input("Corefile", append(next.Body(), fmt.Sprintf("\ny.example:%s {\nbind 127.0.0.1\nforward . %s\n}\n", taken, r.upstream)...))
	}
	instance, err := r.instance.Restart(next)
	if (err != nil) != fails {
		r.t.Errorf("reload %d: %v; want an error: %v", i, err, fails)
	}
	r.instance = instance
}

func (r *reloads) write(i int) {
	text := fmt.Sprintf(`[{"id": "/pe/1", "customDnsConfigs": [{"fqdn": "held.blob.core.windows.net", "ipAddresses": ["10.20.0.%d"]}],
		"privateLinkServiceConnections": [{"privateLinkServiceConnectionState": {"status": "Approved"}}]}]`, i%250+1)
	path := filepath.Join(r.folder, "endpoints.json")
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		r.t.Error(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		r.t.Error(err)
	}
}

func (r *reloads) change(i int) {
	r.write(i)
	r.exchange("udp", fmt.Sprintf("extra%d.privatelink.blob.core.windows.net.", i%5), dns.TypeA)
}

func (r *reloads) exchange(network, name string, qtype uint16) *dns.Msg {
	m, _, err := (&dns.Client{Net: network, Timeout: 5 * time.Second}).Exchange(new(dns.Msg).SetQuestion(name, qtype), r.addr)
	if err != nil {
		return nil // TestReloadLosesNoQuery counts these
	}
	r.asked.Add(1)
	return m
}

func (r *reloads) held(i int) {
	network := []string{"udp", "tcp"}[i%2]
	m := r.exchange(network, "held.blob.core.windows.net.", dns.TypeA)
	if m != nil && (m.Rcode != dns.RcodeSuccess || !strings.Contains(m.String(), "\t10.20.0.")) {
		r.t.Errorf("query %d over %s: %s", i, network, m)
	}
}

func (r *reloads) miss(i int) {
	r.exchange("udp", fmt.Sprintf("n%d.example.", i), dns.TypeA)
}

func (r *reloads) transfer(int) {
	q := new(dns.Msg).SetAxfr("privatelink.blob.core.windows.net.")
	envelopes, err := new(dns.Transfer).In(q, r.addr)
	if err != nil {
		return
	}
	for e := range envelopes {
		if e.Error == nil {
			r.transfers.Add(1)
		}
	}
}
