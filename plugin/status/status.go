// Package status implements a CoreDNS plugin that answers over HTTP why a name is
// served or not. It is read-only, and it cannot stop DNS: a port in use is a warning.
package status

import (
	"encoding/json"
	"net/http"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// The paths of the API.
const (
	WhyPath    = "/api/why"    // a [verdict.Why], with the parameter name
	LedgerPath = "/api/ledger" // a [Ledger]
	EventsPath = "/api/events" // an [Events]
)

// A Ledger has the names that the zones lack, by grade, the last answered first.
type Ledger struct {
	Names  []ledger.Entry `json:"names"`
	Missed uint64         `json:"missed"` // answers whose names were too many at once
}

// Events are the last events, the newest first, and the number of all since the start.
type Events struct {
	Events []journal.Event `json:"events"`
	Total  uint64          `json:"total"`
}

// An api answers for one instance.
type api struct {
	blocks []verdict.Block
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case WhyPath:
		a.why(w, r)
	case LedgerPath:
		names, missed := privatelink.Ledger()
		reply(w, http.StatusOK, Ledger{append([]ledger.Entry{}, names...), missed})
	case EventsPath:
		events, total := privatelink.Events()
		reply(w, http.StatusOK, Events{append([]journal.Event{}, events...), total})
	default:
		fail(w, http.StatusNotFound, "unknown path, "+WhyPath+"?name=NAME, "+LedgerPath+" and "+EventsPath+" exist")
	}
}

func (a *api) why(w http.ResponseWriter, r *http.Request) {
	found, err := verdict.Ask(a.blocks, r.URL.Query().Get("name"))
	if err != nil {
		fail(w, http.StatusBadRequest, "name: "+err.Error())
		return
	}
	reply(w, http.StatusOK, found)
}

// An Error is the answer to a request that fails.
type Error struct {
	Error string `json:"error"`
}

// fail replies with an error.
func fail(w http.ResponseWriter, code int, text string) { reply(w, code, Error{text}) }

// reply writes the value as JSON, in which <, > and & are escaped.
func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
