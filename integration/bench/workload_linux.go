package main

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/miekg/dns"
)

const foreign = 10000 // names that are not local

// workload returns the queries of a workload. They have EDNS with 1232 octets, like those
// of most stub resolvers and forwarders.
func (w *world) workload(name string) []query {
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
				all[i] = ask(fmt.Sprintf("miss%d-%d.example.", random.Int64(), i), dns.TypeA, dns.RcodeSuccess, 1)
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
