package lifecycle

import (
	"testing"

	"github.com/coredns/caddy"
)

// Reload replaces the running instance with the Corefile that the loader has now, and
// keeps it after an error.
func TestReloadFunction(t *testing.T) {
	if err := Reload(); err == nil || Running() != nil {
		t.Errorf("without an instance: Reload = %v, Running = %v; want an error, nil", err, Running())
	}
	corefile := "probe b"
	caddy.SetDefaultCaddyfileLoader("test", caddy.LoaderFunc(func(string) (caddy.Input, error) { return input("0", corefile), nil }))
	first := serve(t, "probe a")
	calls.take()
	if err := Reload(); err != nil || Running() == first {
		t.Errorf("Reload = %v; want another instance", err)
	}
	second := Running()
	if Last() != second {
		t.Errorf("Last = %v; want the instance that runs", Last())
	}
	answers(t, second)
	calls.expect(t, "reload", "begin b, close a, commit b")
	corefile = "probe c\nbroken startup"
	if err := Reload(); err == nil || Running() != second {
		t.Errorf("broken Corefile: Reload = %v; want an error and the same instance", err)
	}
	calls.expect(t, "failed reload", "begin c, abort c")
	end(t, second)
}
