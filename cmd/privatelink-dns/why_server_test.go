package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

// The command why asks the running server of the Corefile, and reads the files if no
// server answers.
func TestGoldenWhyServer(t *testing.T) {
	golden, err := filepath.Abs("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	address := freeAddress(t)
	text := func(account string) caddy.Input {
		text := ". {\n    bind 127.0.0.1\n    status " + address + "\n    privatelink {\n        record " + account + ".blob.core.windows.net 10.20.0.4\n    }\n}\n"
		if err := os.WriteFile("Corefile", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return corefile.Input("Corefile", []byte(text))
	}
	instance, err := caddy.Start(text("old"))
	if err != nil {
		t.Fatal(err)
	}
	step := func(name, args string) {
		t.Run(name, func(t *testing.T) {
			got := strings.ReplaceAll(transcript(t, "why "+args), address, "127.0.0.1:8053")
			compare(t, filepath.Join(golden, "why-server-"+name+".txt"), got)
		})
	}
	awaitServer(t, instance)
	step("served", "old.blob.core.windows.net")
	step("json", "-json 10.20.0.4")
	if instance, err = instance.Restart(text("new")); err != nil {
		t.Fatal(err)
	}
	awaitServer(t, instance)
	step("removed", "old.blob.core.windows.net")
	step("by-files", "old.blob.core.windows.net -no-server")
	for _, err := range append(instance.ShutdownCallbacks(), instance.Stop()) {
		if err != nil {
			t.Error(err)
		}
	}
	step("ended", "new.blob.core.windows.net")
	step("ended-and-asked", "new.blob.core.windows.net -status "+address)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// awaitServer waits until the server reads: caddy does not stop it before that.
func awaitServer(t *testing.T, instance *caddy.Instance) {
	t.Helper()
	for _, s := range instance.Servers() {
		for network, addr := range map[string]net.Addr{"udp": s.LocalAddr(), "tcp": s.Addr()} {
			if _, _, err := (&dns.Client{Net: network}).Exchange(new(dns.Msg).SetQuestion(".", dns.TypeNS), addr.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
