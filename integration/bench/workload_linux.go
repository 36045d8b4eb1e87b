package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const foreign = 10000 // names that are not local

// A load is a workload from a number of ports.
type load struct {
	workload string
	ports    int
}

const (
	usualPorts = 8
	allLoads   = "W1 W1/32 W1/128 W2 W3 W3/32 W3/128 W4 W5 paced"
)

// String returns the load in the form of the flag.
func (l load) String() string {
	if l.ports == usualPorts {
		return l.workload
	}
	return fmt.Sprintf("%s/%d", l.workload, l.ports)
}

func parseLoads(text string) (all []load, err error) {
	for _, field := range strings.Fields(text) {
		l := load{field, usualPorts}
		if name, ports, ok := strings.Cut(field, "/"); ok {
			l.workload = name
			if l.ports, err = strconv.Atoi(ports); err != nil || l.ports < 1 || l.ports > underWay {
				return nil, fmt.Errorf("workload %q: the ports are a number from 1 to %d", field, underWay)
			}
		}
		all = append(all, l)
	}
	return all, nil
}

// run sends the queries for a while.
func (l load) run(server netip.AddrPort, w *world, duration time.Duration) (result, error) {
	if l.workload == "paced" {
		return pace(server, w.workload("W1"), paced, duration)
	}
	return saturate(server, w.workload(l.workload), l.ports, duration)
}

const paced = 10000 // queries per second

// made has the queries of the workloads. All servers get the same ones.
var made = map[string][]query{}

// workload returns the queries of a workload. Those of W4 are new each time, because its
// misses are in the caches after the first time.
func (w *world) workload(name string) []query {
	if all, known := made[name]; known && name != "W4" {
		return all
	}
	made[name] = w.make(name)
	return made[name]
}

// make returns queries that have EDNS with 1232 octets, like those of most stub resolvers
// and forwarders.
func (w *world) make(name string) []query {
	random := rand.New(rand.NewPCG(1, uint64(len(name)))) //nolint:gosec // G404: the same queries each time
	zipf := rand.NewZipf(random, 1.1, 1, foreign-1)
	all := make([]query, 1<<16)
	for i := range all {
		account := w.account(random.IntN(w.names))
		local := ask(account+"."+zone, dns.TypeA, dns.RcodeSuccess, 1)
		switch percent := random.IntN(100); name {
		case "W1":
			all[i] = local
		case "W2":
			switch {
			case percent < 80:
				all[i] = local
			case percent < 90:
				all[i] = ask(account+"."+zone, dns.TypeAAAA, dns.RcodeSuccess, 0)
			default:
				all[i] = ask("no"+account+"."+zone, dns.TypeA, dns.RcodeNameError, 0)
			}
		case "W3":
			all[i] = ask(foreignName(random.IntN(foreign)), dns.TypeA, dns.RcodeSuccess, 1)
		case "W4":
			switch {
			case percent < 30:
				all[i] = local
			case percent < 95:
				all[i] = ask(foreignName(int(zipf.Uint64())), dns.TypeA, dns.RcodeSuccess, 1) //nolint:gosec // G115: small
			default:
				all[i] = ask(fmt.Sprintf("miss%d-%d.example.", time.Now().UnixNano(), i), dns.TypeA, dns.RcodeSuccess, 1)
			}
		case "W5":
			all[i] = ask(account+".blob.core.windows.net.", dns.TypeA, dns.RcodeSuccess, 1)
		}
	}
	return all
}

// warm returns one query for each foreign name.
func warm() (all []query) {
	for i := range foreign {
		all = append(all, ask(foreignName(i), dns.TypeA, dns.RcodeSuccess, 1))
	}
	return slices.Clip(all)
}

func foreignName(i int) string { return fmt.Sprintf("www%d.example%d.net.", i, i%977) }

func ask(name string, qtype uint16, rcode, answers byte) query {
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.SetEdns0(1232, false)
	packet, err := m.Pack()
	if err != nil {
		panic(err) // the names are made above
	}
	return query{packet, rcode, answers}
}
