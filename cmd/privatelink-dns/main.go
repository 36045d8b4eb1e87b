// Command privatelink-dns is CoreDNS with the plugins of this project, the stock plugins
// that they work with, and commands for their users.
package main

import (
	"cmp"
	"flag"
	"log"
	"os"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	"github.com/privatelink-dns/privatelink-dns/corefile"
	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
)

// version, commit and date are stamped by the linker. See [build] for a build without
// stamps.
var version, commit, date string

func main() {
	if err := dnsserver.SetDirectives(directives); err != nil {
		log.Fatal(err)
	}
	caddy.AppName, caddy.AppVersion, coremain.GitCommit = "privatelink-dns", release(), cmp.Or(build().Commit, "unknown commit")

	flag.Usage = usage
	quickstart := flag.Bool("quickstart", false, "Serve sample endpoints on port 1053 of the loopback address, to try it out")
	flag.Func("log", "Append the log to `FILE`, not to the console", logTo)
	flag.Lookup("version").Value = showVersion{}
	conf := replaceConf()
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(runCommand(os.Args[1:]))
	}
	caddy.SetDefaultCaddyfileLoader("default", &corefile.Loader{Path: conf, Quickstart: quickstart})
	// In a container with little memory, collect garbage earlier instead of being
	// killed. Without a limit this is an error, and nothing changes.
	_, _ = memlimit.Set()
	limitMemory()
	flush := queueLog()
	caddy.OnProcessExit = append(caddy.OnProcessExit, flush)
	warnOfWildcards()
	warnOfSelection()
	checkListeners()
	watchCertificates()
	caddy.RegisterEventHook("start", reportStart)
	lifecycle.Supervise(directives, flush)
	coremain.Run()
	lifecycle.Wait()
}

// replaceConf replaces CoreDNS's flag -conf, so that one loader reads every Corefile.
// CoreDNS's loader for -conf sees no path, and does nothing.
func replaceConf() *string {
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	path := flags.String("conf", "", "Corefile `FILE`, or stdin (default: ./Corefile, else the installed one, else the embedded one)")
	*flag.Lookup("conf") = *flags.Lookup("conf")
	return path
}

func release() string {
	return build().Version + " (CoreDNS " + coremain.CoreVersion + ")"
}
