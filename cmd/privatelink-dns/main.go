// Command privatelink-dns is CoreDNS with plugin privatelink and the stock
// plugins that go with it.
package main

import (
	"cmp"
	"errors"
	"flag"
	"io/fs"
	"log"
	"os"
	"runtime/debug"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

// version and commit are stamped by the linker; `go install` leaves them to the
// module's own version.
var version, commit string

func main() {
	if err := dnsserver.SetDirectives(directives); err != nil {
		log.Fatal(err)
	}
	caddy.AppName, caddy.AppVersion, coremain.GitCommit = "privatelink-dns", release(), cmp.Or(commit, "unknown commit")

	quickstart := flag.Bool("quickstart", false, "Serve sample endpoints on port 1053 of the loopback address, to try it out")
	caddy.RegisterCaddyfileLoader("quickstart", caddy.LoaderFunc(func(string) (caddy.Input, error) {
		if !*quickstart {
			return nil, nil
		}
		return corefile.Quickstart()
	}))
	caddy.SetDefaultCaddyfileLoader("default", caddy.LoaderFunc(defaultCorefile))
	coremain.Run()
}

func release() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); v == "" && ok {
		v = info.Main.Version
	}
	return v + " (CoreDNS " + coremain.CoreVersion + ")"
}

// defaultCorefile is the Corefile of the working directory, as in CoreDNS, else
// the embedded one for real use.
func defaultCorefile(string) (caddy.Input, error) {
	text, err := os.ReadFile(caddy.DefaultConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return corefile.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	return corefile.Input(caddy.DefaultConfigFile, text), nil
}
