package verdict

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// An Explainer has the records of one block. All methods may be called at any time.
type Explainer interface {
	Explain(name dnsname.Name) Verdict
	NamesOf(addr netip.Addr) []dnsname.Name
}

// A Ledger is an Explainer that also has the answers for names that the zones lack.
// Lacking returns those for the name in all of its forms.
type Ledger interface {
	Lacking(name dnsname.Name) []ledger.Entry
}

// A Block is a privatelink block of a Corefile.
type Block struct {
	Position string                // file and line
	Origins  []dnsname.Name        // of the server block, which gets no query for other names
	Listen   []string              // addresses of the server block
	Protect  map[ledger.Grade]bool // grades of names that get SERVFAIL in place of a public address
	Explainer
}

// Why is the answer to a question about a name or an address.
type Why struct {
	Question string    `json:"question"`       // as it was asked
	Found    []Finding `json:"found"`          // for each block, and for an address each of its names
	More     int       `json:"more,omitempty"` // names with the address that are left out
}

// A Finding is the verdict of one block about one name.
type Finding struct {
	Block string `json:"block"` // file and line of the privatelink block
	Verdict
	Lacking []ledger.Entry `json:"lacking,omitempty"` // who got another answer
}

// maxNames bounds the names of one address.
const maxNames = 100

// maxQuestion is longer than a name with its dot and some blanks, and than an address.
const maxQuestion = 300

// Ask returns the verdicts of the blocks. The question is a domain name in any form, an
// IP address, or the reverse name of one.
func Ask(blocks []Block, question string) (Why, error) {
	found := Why{Question: question, Found: []Finding{}}
	if len(question) > maxQuestion {
		return found, fmt.Errorf("%.40q… is too long: a domain name has at most %d characters", question, dnsname.MaxText-1)
	}
	text := strings.TrimSpace(question)
	if addr, err := netip.ParseAddr(text); err == nil {
		found.ofAddress(blocks, addr.Unmap().WithZone(""))
		return found, nil
	}
	if strings.ContainsAny(text, "/:") {
		return found, fmt.Errorf("%.80q: write the domain name or the IP address alone, without https://, a port or a path", text)
	}
	name, err := dnsname.ParseOwner(text)
	if err != nil {
		return found, err
	}
	if addr, ok := zone.AddressOf(string(name)); ok {
		found.ofAddress(blocks, addr)
		return found, nil
	}
	found.ofName(blocks, name)
	return found, nil
}

func (w *Why) ofName(blocks []Block, name dnsname.Name) {
	for i := range blocks {
		if responsible(blocks, i, name) {
			w.Found = append(w.Found, blocks[i].explain(name))
		}
	}
	if len(w.Found) == 0 && len(blocks) > 0 {
		one := blocks[0].explain(name)
		one.refuse(blocks)
		w.Found = append(w.Found, one)
	}
}

func (w *Why) ofAddress(blocks []Block, addr netip.Addr) {
	for _, b := range blocks {
		for _, name := range b.NamesOf(addr) {
			if len(w.Found) == maxNames {
				w.More++
				continue
			}
			w.Found = append(w.Found, b.explain(name))
		}
	}
}

func (b *Block) explain(name dnsname.Name) Finding {
	one := Finding{Block: b.Position, Verdict: b.Explain(name)}
	if one.Answer == Upstream && b.Protect[one.Grade()] {
		one.Answer = ServFail
	}
	if all, ok := b.Explainer.(Ledger); ok {
		one.Lacking = all.Lacking(name)
	}
	return one
}
