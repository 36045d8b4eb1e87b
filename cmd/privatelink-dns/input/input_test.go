package input

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

func TestMain(m *testing.M) {
	if err := dnsserver.SetDirectives([]string{"privatelink"}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const (
	export = `[{"id": "/subscriptions/0/pe-vault", "customDnsConfigs": [{"fqdn": "a.blob.core.windows.net", "ipAddresses": ["10.20.0.4"]}],
		"privateLinkServiceConnections": [{"privateLinkServiceConnectionState": {"status": "Approved"}}]}]`
	usgov = `[{"id": "/subscriptions/0/pe-vault", "customDnsConfigs": [{"fqdn": "a.blob.core.usgovcloudapi.net", "ipAddresses": ["10.20.0.5"]}],
		"privateLinkServiceConnections": [{"privateLinkServiceConnectionState": {"status": "Approved"}}]}]`
	zoneFile  = "$ORIGIN privatelink.blob.core.windows.net.\n@ SOA a. b. 1 2 3 4 5\nz A 10.20.0.8\n"
	hosts     = "10.20.0.6 b.queue.core.windows.net\n"
	stateFile = `{"version": 1, "serials": {"privatelink.blob.core.windows.net": 7, "privatelink.queue.core.windows.net": 7},
		"sources": {"files /a": [{"fqdn": "c.blob.core.windows.net", "ipAddresses": ["10.20.0.7"], "endpoint": "/pe"}]}}`
	stateUSGov = `{"version": 1, "serials": {"privatelink.blob.core.usgovcloudapi.net": 7},
		"sources": {"files /a": [{"fqdn": "c.blob.core.usgovcloudapi.net", "ipAddresses": ["10.20.0.7"], "endpoint": "/pe"}]}}`
)

func TestLoad(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for name, text := range map[string]string{
		"c.zone": zoneFile, "a.json": export, "gov.json": usgov, "b.hosts": hosts, "state": stateFile, "stategov": stateUSGov, "broken.json": "{",
		"Corefile": ". {\nprivatelink {\nfiles a.json\n}\n}\n", "two": ".:1 {\nprivatelink {\nfiles a.json\n}\n}\n.:2 {\nprivatelink {\nhosts b.hosts\n}\n}\n",
		"none": ". {\n}\n", "eastus": ". {\nprivatelink {\ngeo eastus\nfiles a\n}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, args, want string }{
		{"the Corefile here", "", "a.privatelink.blob.core.windows.net [10.20.0.4]"},
		{"another Corefile", "-conf two", "a.privatelink.blob.core.windows.net [10.20.0.4] | b.privatelink.queue.core.windows.net [10.20.0.6]"},
		{"files", "-files *.jso[n] -files none*", "a.privatelink.blob.core.windows.net [10.20.0.4]: files *.jso[n] none*: "},
		{"files that the shell made of a pattern", "-files a.json gov.json -hosts b.hosts", "a.privatelink.blob.core.windows.net [10.20.0.4], b.privatelink.queue.core.windows.net [10.20.0.6]"},
		{"files of US Government", "-cloud usgov -files gov.json", "a.privatelink.blob.core.usgovcloudapi.net [10.20.0.5]"},
		{"files before hosts", "-hosts b.hosts -files a.json", "a.privatelink.blob.core.windows.net [10.20.0.4], b.privatelink.queue.core.windows.net [10.20.0.6]"},
		{"zone files", "-zonefile *.zone -hosts b.hosts", "b.privatelink.queue.core.windows.net [10.20.0.6], z.privatelink.blob.core.windows.net [10.20.0.8]"},
		{"state", "-state state", "c.privatelink.blob.core.windows.net [10.20.0.7]"},
		{"state of US Government", "-state stategov", "c.privatelink.blob.core.usgovcloudapi.net [10.20.0.7]"},
		{"broken file", "-files broken.json", ": files broken.json: broken.json: line 1: unexpected end of JSON input"},
		{"no such Corefile", "-conf x", "open x: no such file or directory"},
		{"no such state", "-state x", "stat x: no such file or directory"},
		{"no privatelink block", "-conf none", "none: no privatelink block in it"},
		{"bad Corefile", "-conf eastus", `plugin/privatelink: eastus:3 - Error during parsing: geo: "eastus" is a region, its geo code is "eus"`},
		{"bad pattern", "-files [", `invalid value "[" for flag -files: syntax error in pattern`},
		{"bad cloud", "-files a.json -cloud mars", `-cloud: "mars" is no cloud: use public, usgov, china or the URL of a Resource Manager`},
		{"cloud of a Corefile", "-cloud usgov", "-cloud is for -files, -hosts and -zonefile, a Corefile says its own"},
		{"two kinds", "-conf Corefile -files a.json", "-conf, -state and the files of -files, -hosts and -zonefile exclude each other"},
		{"two other kinds", "-state state -hosts b.hosts", "-conf, -state and the files of -files, -hosts and -zonefile exclude each other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := load(t, tt.args); !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s: %s; want %s", tt.args, got, tt.want)
			}
		})
	}
}

// Reading records is no sync: it creates no series.
func TestLoadCreatesNoSeries(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("Corefile", []byte(". {\nprivatelink {\nrecord v.zz8.backup.windowsazure.com 10.0.0.1\n}\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := load(t, ""); got != "v.privatelink.zz8.backup.windowsazure.com [10.0.0.1]" {
		t.Fatalf("loaded %s", got)
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if strings.HasPrefix(f.GetName(), "coredns_privatelink_") && len(m.GetLabel()) > 0 {
				t.Errorf("the series %s %s exists", f.GetName(), m)
			}
		}
	}
}

// load returns the records of each block and what failed.
func load(t *testing.T, args string) string {
	var f Flags
	var shown string
	one := command.Command{Name: "load", Setup: func(flags *flag.FlagSet) command.Run {
		f.Register(flags)
		return func(ctx context.Context, _ command.Output) (int, error) {
			blocks, err := f.Load(ctx)
			shown = show(blocks)
			return command.Done, err
		}
	}}
	var stderr bytes.Buffer
	command.Main(t.Context(), "p", []command.Command{one}, append([]string{"load"}, strings.Fields(args)...), command.Output{Stdout: t.Output(), Stderr: &stderr})
	if text, failed := strings.CutPrefix(stderr.String(), "p load: "); failed {
		return strings.TrimSpace(text)
	}
	return shown
}

func show(blocks []Block) string {
	var shown []string
	for _, b := range blocks {
		var records []string
		for _, owner := range slices.Sorted(maps.Keys(b.Entries)) {
			records = append(records, fmt.Sprint(owner, " ", b.Snapshot.Lookup(string(owner)).Record.Addrs))
		}
		text := strings.Join(records, ", ")
		if err := b.Failed(); err != nil {
			text += ": " + err.Error()
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, " | ")
}
