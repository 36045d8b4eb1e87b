// Package status implements a CoreDNS plugin that answers over HTTP why a name is
// served or not. It is read-only, and it cannot stop DNS: a port in use is a warning.
package status

import (
	"encoding/json"
	"net/http"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// Path is the path of the API that answers a [verdict.Why]. It has the parameter name.
const Path = "/api/why"

// An api answers for one instance.
type api struct {
	blocks []verdict.Block
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Path {
		fail(w, http.StatusNotFound, "unknown path, "+Path+"?name=NAME exists")
		return
	}
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
