// Package status implements a CoreDNS plugin with a page that shows which names are served,
// which are not, and why. It is read-only, and it cannot stop DNS: a port in use is a
// warning.
package status

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/page"
	"github.com/privatelink-dns/privatelink-dns/plugin/status/view"
)

// The paths of the API.
const (
	StatusPath = "/api/status" // a [view.Page]
	WhyPath    = "/api/why"    // a [verdict.Why], with the parameter name
	LedgerPath = "/api/ledger" // a [Ledger]
	EventsPath = "/api/events" // an [Events]
)

// A Ledger has the names that the zones lack, by grade, the last answered first.
type Ledger struct {
	Names  []ledger.Entry `json:"names"`
	All    int            `json:"all"`    // names, of which Names has at most maxEntries of a grade
	Missed uint64         `json:"missed"` // answers whose names were too many at once
}

// maxEntries bounds the names of one grade in an answer of the API.
const maxEntries = 1000

// Events are the last events, the newest first, and the number of all since the start.
type Events struct {
	Events []journal.Event `json:"events"`
	Total  uint64          `json:"total"`
}

// An api answers for one instance.
type api struct {
	blocks   []verdict.Block
	instance *caddy.Instance // nil in a test
	*collector
}

func newAPI(blocks []verdict.Block, instance *caddy.Instance, peers []string) *api {
	return &api{blocks: blocks, instance: instance, collector: newCollector(blocks, instance, peers)}
}

// begin is called when the instance serves.
func (a *api) begin() { a.collector.begin(a.instance) }

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; path {
	case "/":
		a.page(w, r)
	case StatusPath:
		a.status(w, r)
	case WhyPath:
		a.why(w, r)
	case LedgerPath:
		names := Ledger{Names: []ledger.Entry{}}
		recent, all := privatelink.RecentLedger(maxEntries)
		for i := range recent {
			names.Names = append(names.Names, recent[i]...)
			names.All += all[i]
		}
		names.Missed = privatelink.MissedLedger()
		reply(w, http.StatusOK, names)
	case EventsPath:
		events, total := privatelink.Events()
		reply(w, http.StatusOK, Events{append([]journal.Event{}, events...), total})
	default:
		if asset, ok := page.Assets[path]; ok {
			w.Header().Set("Content-Type", asset.Type)
			w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
			_, _ = w.Write(asset.Content)
			return
		}
		fail(w, http.StatusNotFound, "unknown path, /, "+StatusPath+", "+WhyPath+"?name=NAME, "+LedgerPath+" and "+EventsPath+" exist")
	}
}

// page replies with the page for people.
func (a *api) page(w http.ResponseWriter, r *http.Request) {
	if a.unchanged(w, r) {
		return
	}
	now := time.Now()
	c := page.Content{Page: a.view(r, now), Name: r.URL.Query().Get("name")}
	if c.Name != "" {
		why, err := verdict.Ask(a.blocks, c.Name)
		c.Search = view.NewSearch(why, err, a.address(), now)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", page.Policy)
	_ = page.Render(w, c) // the writer is memory
}

// status replies with the content of the page as JSON.
func (a *api) status(w http.ResponseWriter, r *http.Request) {
	if !a.unchanged(w, r) {
		reply(w, http.StatusOK, a.view(r, time.Now()))
	}
}

func (a *api) view(r *http.Request, now time.Time) *view.Page {
	in, query := a.input(now), r.URL.Query()
	events, _ := strconv.Atoi(query.Get("events"))
	return view.New(&in, view.Request{Vault: query.Get("vault"), Events: max(0, min(events, journal.Size))})
}

// unchanged sets the ETag and replies 304 if the client has the same state. The ages on the
// page are not part of it: the script counts them. The script keeps the ETag, so that no
// browser has to store the page on its disk.
func (a *api) unchanged(w http.ResponseWriter, r *http.Request) bool {
	tag := a.tag()
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") != tag {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
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
