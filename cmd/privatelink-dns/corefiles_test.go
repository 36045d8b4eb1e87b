package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coredns/caddy"
	"github.com/coredns/caddy/caddyfile"
	"github.com/coredns/coredns/core/dnsserver"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

func TestMain(m *testing.M) {
	dnsserver.Quiet, caddy.Quiet, dnsserver.Port = true, true, "0"
	if err := dnsserver.SetDirectives(directives); err != nil {
		panic(err)
	}
	// A Corefile with azure starts to sync. Nothing of it may leave the machine.
	for name, value := range map[string]string{"IDENTITY_ENDPOINT": "http://127.0.0.1:1", "IDENTITY_HEADER": "none"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// Every Corefile that is shipped starts, forwards nothing that it must not, and has the
// address that `why` asks.
func TestShippedCorefiles(t *testing.T) {
	paths, err := filepath.Glob("../../corefile/*.corefile")
	deploy, other := filepath.Glob("../../deploy/*/Corefile")
	if err := errors.Join(err, other); err != nil || len(paths) < 5 || len(deploy) < 2 {
		t.Fatalf("%d and %d Corefiles, %v", len(paths), len(deploy), err)
	}
	for _, path := range append(append(paths, deploy...), "../../docs/reference.corefile") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimPrefix(path, "../../"), func(t *testing.T) {
			starts(t, string(text))
			guarded(t, string(text))
			if !status.Match(text) {
				t.Error("it has no status")
			}
		})
	}
}

// Every Corefile that is shipped serves the names that `forwarders` prints for it.
func TestShippedCorefilesForForwarders(t *testing.T) {
	paths, err := filepath.Glob("../../corefile/*.corefile")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d Corefiles, %v", len(paths), err)
	}
	t.Setenv("QUICKSTART", t.TempDir())
	for _, path := range paths {
		if got := transcript(t, "forwarders -format dnsmasq -server 10.10.0.4 -conf "+path); strings.Contains(got, "is refused") {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// guarded fails for a server block that forwards without privatelink: it would pass
// on NOTIFY, other classes and queries without RD, and return a public address for
// a company's alias of an account. It also fails for a list of upstreams without
// failover: forward alone asks the next one only after silence.
func guarded(t *testing.T, text string) {
	t.Helper()
	blocks, err := caddyfile.Parse("Corefile", strings.NewReader(text), nil)
	if err != nil || len(blocks) == 0 {
		t.Fatalf("%d server blocks, %v", len(blocks), err)
	}
	for _, block := range blocks {
		if (block.Tokens["forward"] != nil || block.Tokens["upstream"] != nil) && block.Tokens["privatelink"] == nil {
			t.Errorf("the block of %v forwards without privatelink", block.Keys)
		}
		for d := caddyfile.NewDispenserTokens("Corefile", block.Tokens["forward"]); d.Next(); {
			upstreams, failover := len(d.RemainingArgs())-1, false
			for d.NextBlock() {
				failover = failover || d.Val() == "failover"
				d.RemainingArgs()
			}
			if upstreams > 1 && !failover {
				t.Errorf("the block of %v has %d upstreams and no failover", block.Keys, upstreams)
			}
		}
	}
}

// Every Corefile in a Markdown file of the project starts, and is guarded as well.
func TestDocumentedCorefiles(t *testing.T) {
	block := regexp.MustCompile("(?s)~~~ corefile\n(.*?)~~~")
	found := map[string]bool{}
	for path, text := range files(t, ".md") {
		for _, b := range block.FindAllStringSubmatch(text, -1) {
			found[path] = true
			t.Run(path, func(t *testing.T) {
				starts(t, b[1])
				guarded(t, b[1])
			})
		}
	}
	for _, folder := range []string{"", "plugin/privatelink/", "plugin/lru/", "plugin/fastpath/", "plugin/cookies/", "plugin/upstream/", "plugin/status/"} {
		if !found[folder+"README.md"] {
			t.Errorf("%sREADME.md has no Corefile", folder)
		}
	}
}

// A link from one Markdown file to a file of the project leads somewhere.
func TestMarkdownLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s#]+)(#[^)\s]*)?\)`)
	for path, text := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join("../..", filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
			}
		}
	}
}

func TestEmbeddedCorefiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	starts(t, string(corefile.Default().Body()))
	first, err := corefile.Quickstart()
	if err != nil {
		t.Fatal(err)
	}
	starts(t, string(first.Body()))
	again, err := corefile.Quickstart()
	if err != nil || again.Path() != first.Path() || !bytes.Equal(again.Body(), first.Body()) {
		t.Errorf("the second call gives %s, %v; want the files of the first, %s", again.Path(), err, first.Path())
	}
}

var (
	port     = regexp.MustCompile(`(?m)^(\s*(?:prometheus|health|ready)) :\d+`)
	status   = regexp.MustCompile(`(?m)^(\s*status)(?: [^\s{]+)?( \{)?$`)
	listener = regexp.MustCompile(`(?m)^([^\s#(].*?)(?::\d+)? \{$`)
	binding  = regexp.MustCompile(`(?m)^\s+bind .*\n`)
	folder   = regexp.MustCompile(`(/etc|C:/ProgramData)/privatelink-dns`)
	lameduck = regexp.MustCompile(`(?m)^\s+lameduck .*\n`) // nobody wants to wait for it
	azure    = regexp.MustCompile(`(?m)^(\s*privatelink\b.*\{)((?:\n[^}]*)?\n\s*azure )`)
)

// starts starts the Corefile on free ports of the loopback address, and stops it.
func starts(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	text = port.ReplaceAllString(text, "$1 127.0.0.1:0")
	text = status.ReplaceAllString(text, "$1 127.0.0.1:0$2")
	text = binding.ReplaceAllString(text, "")
	text = listener.ReplaceAllString(text, "$1 {\n    bind 127.0.0.1")
	text = folder.ReplaceAllString(text, filepath.ToSlash(dir))
	text = strings.ReplaceAll(text, "/var/lib/privatelink-dns", filepath.ToSlash(dir)+"/state")
	text = lameduck.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "        cloud public\n", "")
	text = azure.ReplaceAllString(text, "$1\ncloud https://127.0.0.1:1$2")
	text = strings.ReplaceAll(text, "/etc/resolv.conf", "127.0.0.1:1")
	text = strings.ReplaceAll(text, "    loop\n", "") // it would ask the upstream
	instance, err := caddy.Start(corefile.Input("Corefile", []byte(text)))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := errors.Join(append(instance.ShutdownCallbacks(), instance.Stop())...); err != nil {
		t.Error(err)
	}
}
