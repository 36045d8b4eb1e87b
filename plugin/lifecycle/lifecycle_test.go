package lifecycle

import (
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	_ "github.com/coredns/coredns/plugin/bind"
	"github.com/miekg/dns"
)

func TestMain(m *testing.M) {
	dnsserver.Quiet, caddy.Quiet = true, true
	if err := dnsserver.SetDirectives([]string{"bind", "probe", "broken"}); err != nil {
		panic(err)
	}
	plugin.Register("probe", setupProbe)
	plugin.Register("broken", setupBroken)
	os.Exit(m.Run())
}

// setupProbe attaches hooks that record their calls, for each argument. Begin fails
// for an argument that starts with "bad".
func setupProbe(c *caddy.Controller) error {
	c.Next()
	for _, name := range c.RemainingArgs() {
		Attach(c, Hooks{
			Begin: func() error {
				calls.add("begin " + name)
				if name == "slow" {
					slow()
				}
				if strings.HasPrefix(name, "bad") {
					return errors.New("bad")
				}
				return nil
			},
			Commit: func() { calls.add("commit " + name) },
			Abort:  func() { calls.add("abort " + name) },
			Close:  func() { calls.add("close " + name) },
		})
	}
	return nil
}

// setupBroken sets up a plugin that fails at "startup" or "shutdown", or panics at
// "panic" or "end". With "phases" it records the calls at its end.
func setupBroken(c *caddy.Controller) error {
	c.Next()
	switch c.RemainingArgs()[0] {
	case "startup":
		c.OnStartup(func() error { return errors.New("broken") })
	case "shutdown":
		c.OnShutdown(func() error { return errors.New("broken") })
	case "panic":
		c.OnStartup(func() error { panic("broken") })
	case "end":
		c.OnShutdown(func() error { panic("broken") })
		c.OnFinalShutdown(func() error { panic("broken") })
	case "phases":
		c.OnShutdown(func() error { calls.add("shutdown"); return nil })
		c.OnFinalShutdown(func() error { calls.add("final"); return nil })
	}
	return nil
}

// slow is called by Begin of the argument "slow".
var slow func()

var calls recorder

type recorder struct {
	mu  sync.Mutex
	all []string
}

func (r *recorder) add(call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, call)
}

// take returns the calls since the last take, and clears them.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := strings.Join(r.all, ", ")
	r.all = nil
	return text
}

func (r *recorder) expect(t *testing.T, when, want string) {
	t.Helper()
	if got := r.take(); got != want {
		t.Errorf("%s: calls %q; want %q", when, got, want)
	}
}

func input(port, corefile string) caddy.Input {
	text := ".:" + port + " {\nbind 127.0.0.1\n" + corefile + "\n}"
	return caddy.CaddyfileInput{Filepath: "Corefile", Contents: []byte(text), ServerTypeName: "dns"}
}

// serve starts an instance and waits until it reads, because caddy does not stop
// servers before they read.
func serve(t *testing.T, corefile string) *caddy.Instance {
	t.Helper()
	calls.take()
	instance, err := caddy.Start(input("0", corefile))
	if err != nil {
		t.Fatal(err)
	}
	answers(t, instance)
	return instance
}

func answers(t *testing.T, instance *caddy.Instance) {
	t.Helper()
	for _, s := range instance.Servers() {
		for network, addr := range map[string]net.Addr{"udp": s.LocalAddr(), "tcp": s.Addr()} {
			if _, _, err := (&dns.Client{Net: network}).Exchange(new(dns.Msg).SetQuestion(".", dns.TypeNS), addr.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// end ends an instance as caddy does at SIGTERM.
func end(t *testing.T, instance *caddy.Instance) {
	t.Helper()
	for _, err := range append(instance.ShutdownCallbacks(), instance.Stop()) {
		if err != nil && err.Error() != "broken" {
			t.Error(err)
		}
	}
	if slices.Contains(caddy.Instances(), instance) {
		t.Error("the instance is still listed")
	}
}

func TestStartAndEnd(t *testing.T) {
	instance := serve(t, "probe a b")
	calls.expect(t, "start", "begin a, begin b, commit a, commit b")
	end(t, instance)
	calls.expect(t, "end", "close a, close b")
	instance.ShutdownCallbacks()
	calls.expect(t, "second end", "")
}

// A reload closes the old instance before it commits the new one.
func TestReload(t *testing.T) {
	for _, tc := range []struct{ name, from, to, want, end string }{
		{"good", "probe a", "probe b", "begin b, close a, commit b", "close b"},
		{"directive is new", "", "probe b", "begin b, commit b", "close b"},
		{"directive is gone", "probe a", "", "close a", ""},
		{"old plugin fails to shut down", "probe a\nbroken shutdown", "probe b", "begin b, close a, commit b", "close b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old := serve(t, tc.from)
			calls.take()
			if _, err := old.Restart(input("0", tc.to)); err != nil && !strings.Contains(err.Error(), "broken") {
				t.Fatal(err)
			}
			calls.expect(t, "reload", tc.want)
			all := caddy.Instances()
			if len(all) != 1 || all[0] == old {
				t.Fatalf("instances %v; want the new one", all)
			}
			answers(t, all[0])
			end(t, all[0])
			calls.expect(t, "end", tc.end)
		})
	}
}

// A failed reload aborts the attachments that have begun, and the running instance
// continues to serve. This does not depend on the plugins of the running Corefile.
func TestReloadFails(t *testing.T) {
	inUse, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	_, port, _ := net.SplitHostPort(inUse.Addr().String())
	for _, tc := range []struct{ name, from, port, to, want, end string }{
		{"port in use", "probe a", port, "probe b c", "begin b, begin c, abort b, abort c", "close a"},
		{"port in use, running Corefile without the directive", "", port, "probe b", "begin b, abort b", ""},
		{"Begin fails", "probe a", "0", "probe b bad c", "begin b, begin bad, abort b", "close a"},
		{"Begin fails, running Corefile without the directive", "", "0", "probe b bad c", "begin b, begin bad, abort b", ""},
		{"a different plugin fails", "probe a", "0", "probe b\nbroken startup", "begin b, abort b", "close a"},
		{"a different plugin fails, running Corefile without the directive", "", "0", "probe b\nbroken startup", "begin b, abort b", ""},
		{"syntax", "probe a", "0", "probe b\nunknown", "", "close a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			instance := serve(t, tc.from)
			calls.take()
			for range 2 {
				if _, err := instance.Restart(input(tc.port, tc.to)); err == nil {
					t.Fatal("the reload succeeds")
				}
				calls.expect(t, "failed reload", tc.want)
				answers(t, instance)
			}
			end(t, instance)
			calls.expect(t, "end", tc.end)
			if left := pending.list(); len(left) != 0 {
				t.Errorf("%d instances are pending", len(left))
			}
		})
	}
}

// After failed reloads, the hooks are those of the current reload.
func TestReloadsAfterFailure(t *testing.T) {
	instance := serve(t, "")
	for _, to := range []string{"probe b\nbroken startup", "probe c\nbroken startup"} {
		if _, err := instance.Restart(input("0", to)); err == nil {
			t.Fatal("the reload succeeds")
		}
	}
	calls.expect(t, "two failures", "begin b, abort b, begin c, abort c")
	instance, err := instance.Restart(input("0", "probe d"))
	if err != nil {
		t.Fatal(err)
	}
	calls.expect(t, "success", "begin d, commit d")
	answers(t, instance)
	end(t, instance)
}

// If a start panics, caddy leaves its instance in the list.
func TestReloadPanics(t *testing.T) {
	instance := serve(t, "probe a")
	calls.take()
	_, _ = instance.Restart(input("0", "probe b\nbroken panic"))
	calls.expect(t, "reload", "begin b, abort b")
	for _, inst := range slices.Clone(caddy.Instances()) {
		end(t, inst)
	}
	calls.expect(t, "end", "close a")
}

// The next start aborts a first start that failed.
func TestFirstStartFails(t *testing.T) {
	calls.take()
	if _, err := caddy.Start(input("0", "probe a\nbroken startup")); err == nil {
		t.Fatal("the start succeeds")
	}
	calls.expect(t, "start", "begin a")
	instance, err := caddy.Start(input("0", "probe b"))
	if err != nil {
		t.Fatal(err)
	}
	answers(t, instance)
	end(t, instance)
	if got, want := calls.take(), "abort a, begin b, commit b, close b"; got != want {
		t.Errorf("calls %q; want %q", got, want)
	}
}
