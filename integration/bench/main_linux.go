// Command bench compares the CPU time that DNS servers need for a query. It starts
// each on the loopback address with the same records, sends the same queries, and
// reads the CPU time of the whole process from /proc.
//
//	go run ./integration/bench -rounds 9 -seconds 0.6 -out docs/peers.md
//
// With INTEGRATION_INSTALL=1, and as root, it installs the peers. A missing peer is left
// out.
package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type options struct {
	names, rounds int
	seconds       float64
	out, only     string
	workloads     string
	server        string
	connections   bool
}

func main() {
	var o options
	flag.IntVar(&o.names, "names", 100000, "records")
	flag.IntVar(&o.rounds, "rounds", 9, "rounds, each with every server")
	flag.Float64Var(&o.seconds, "seconds", 0.6, "duration of one load")
	flag.StringVar(&o.out, "out", "", "write the table to this file, not to the console")
	flag.StringVar(&o.only, "only", "", "only the servers whose name contains one of these, separated by commas")
	flag.StringVar(&o.workloads, "workloads", allLoads, "the workloads, each with /PORTS if the queries come from other than 8 ports")
	flag.StringVar(&o.server, "server", "", "only load this address, of a running server")
	flag.BoolVar(&o.connections, "connections", false, "the table of connections instead, on the console")
	flag.Parse()
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o *options) error {
	if o.server != "" {
		return o.load()
	}
	if o.connections {
		table, err := connections(o)
		fmt.Print(table)
		return err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	upstream, err := startUpstream()
	if err != nil {
		return err
	}
	var servers []*server
	for i := range peers {
		p := &peers[i]
		if !selected(p.name, o.only) || p.workloads == "connections" {
			continue
		}
		s, err := newServer(p, &world{dir: filepath.Join(dir, fmt.Sprint(i)), names: o.names, upstream: upstream}, dir)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n", p.name, err)
			continue
		}
		defer s.stop()
		servers = append(servers, s)
	}
	loads, err := parseLoads(o.workloads)
	if err != nil {
		return err
	}
	table := newTable(servers, loads)
	if err := table.fill(o); err != nil {
		return err
	}
	if o.out == "" {
		fmt.Print(table.markdown(o))
		return nil
	}
	return os.WriteFile(o.out, []byte(page(table.markdown(o))), 0o644) //nolint:gosec // G306: a page to read
}

// load sends the workloads to a server that runs already, for a profile.
func (o *options) load() error {
	addr, err := netip.ParseAddrPort(o.server)
	if err != nil {
		return err
	}
	loads, err := parseLoads(o.workloads)
	if err != nil {
		return err
	}
	for _, l := range loads {
		r, err := l.run(addr, &world{names: o.names}, o.duration())
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d answered, %d wrong, %d lost, p99 %s\n", l, r.answered, r.wrong, r.lost, r.p99)
	}
	return nil
}

func (o *options) duration() time.Duration { return time.Duration(o.seconds * float64(time.Second)) }

func selected(name, only string) bool {
	if only == "" {
		return true
	}
	for part := range strings.SplitSeq(only, ",") {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
