// Package status implements a CoreDNS plugin that answers over HTTP why a name is
// served or not. It is read-only, and it cannot stop DNS: a port in use is a warning.
package status

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// An Explainer has the records of one block. All methods may be called at any time.
type Explainer interface {
	Explain(name dnsname.Name) verdict.Verdict
	NamesOf(addr netip.Addr) []dnsname.Name
}

// A Ledger is an Explainer that also has the public answers. PublicAnswers returns
// those for the name in all of its forms.
type Ledger interface {
	PublicAnswers(name dnsname.Name) []verdict.PublicAnswer
}

// A block is the handler of one privatelink block.
type block struct {
	Explainer
	position string
	ledger   Ledger // or nil
}

// Why is the answer of /api/why. It is stable: fields may be added.
type Why struct {
	Question string    `json:"question"`       // as it was asked
	Found    []Finding `json:"found"`          // for each block, and for an address each of its names
	More     int       `json:"more,omitempty"` // names with the address that are left out
}

// A Finding is the verdict of one block about one name.
type Finding struct {
	Block string `json:"block"` // file and line of the privatelink block
	verdict.Verdict
	Public []verdict.PublicAnswer `json:"public_answers,omitempty"`
}

// maxNames bounds the names of one address.
const maxNames = 100

// maxName is longer than a name and its dot, and than an address.
const maxName = 256

// An api answers for one instance.
type api struct {
	blocks []block
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/why" {
		fail(w, http.StatusNotFound, "unknown path, /api/why?name=NAME exists")
		return
	}
	question := r.URL.Query().Get("name")
	if len(question) > maxName {
		fail(w, http.StatusBadRequest, fmt.Sprintf("name: a name has at most %d characters", dnsname.MaxText-1))
		return
	}
	found, err := a.why(question)
	if err != nil {
		fail(w, http.StatusBadRequest, "name: "+err.Error())
		return
	}
	reply(w, http.StatusOK, found)
}

// why returns the verdicts about a name or an address.
func (a *api) why(question string) (Why, error) {
	found := Why{Question: question, Found: []Finding{}}
	if addr, err := netip.ParseAddr(strings.TrimSpace(question)); err == nil {
		a.ofAddress(&found, addr.Unmap().WithZone(""))
		return found, nil
	}
	name, err := dnsname.ParseOwner(strings.TrimSpace(question))
	if err != nil {
		return found, err
	}
	for i := range a.blocks {
		found.Found = append(found.Found, a.blocks[i].explain(name))
	}
	return found, nil
}

func (a *api) ofAddress(found *Why, addr netip.Addr) {
	for i := range a.blocks {
		for _, name := range a.blocks[i].NamesOf(addr) {
			if len(found.Found) == maxNames {
				found.More++
				continue
			}
			found.Found = append(found.Found, a.blocks[i].explain(name))
		}
	}
}

func (b *block) explain(name dnsname.Name) Finding {
	one := Finding{Block: b.position, Verdict: b.Explain(name)}
	if b.ledger != nil {
		one.Public = b.ledger.PublicAnswers(name)
	}
	return one
}

// fail replies with an error.
func fail(w http.ResponseWriter, code int, text string) {
	reply(w, code, map[string]string{"error": text})
}

// reply writes the value as JSON, in which <, > and & are escaped.
func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
