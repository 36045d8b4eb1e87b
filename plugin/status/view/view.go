// Package view makes the content of the status page from the state of the server. The page
// and the API show the same value, so that neither has rules of its own: package verdict
// decides.
package view

import (
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/journal"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// An Input is the state of the server at one time.
type Input struct {
	Now      time.Time
	Host     string // name of the machine
	Version  string
	Blocks   []Block
	Ledger   [3][]ledger.Entry // the last entries of each grade
	Lacking  [3]int            // the numbers of all
	Missed   uint64
	Events   []journal.Event
	Total    uint64 // events since the start
	Clients  []Client
	Traffic  Traffic
	Peers    []Peer
	FastPath []FastPath
	Corefile Corefile
}

// A Block is the state of one privatelink block.
type Block struct {
	Position string
	Survey   *verdict.Survey
	Sources  []syncer.SourceState
}

// A Request selects a part of the content. The zero value selects all, as far as the
// bounds allow.
type Request struct {
	Vault  string // key or ID of the resource whose events are shown, with more of its names
	Events int    // how many events are shown; 0 is the default
}

// The bounds of a page.
const (
	maxResources = 200
	maxNames     = 20   // of an endpoint
	maxAllNames  = 1000 // of all endpoints
	maxSelected  = 1000 // of an endpoint of the selected resource
	maxItems     = 100
	maxEvents    = 20
	maxCorefile  = 64 << 10 // octets
	maxText      = 500      // characters of external input, such as an error of Azure

	// MaxLedger bounds the shown names of one grade.
	MaxLedger = 50
	// MaxClients bounds the shown networks.
	MaxClients = 50
)

// A Page is the content of the page.
type Page struct {
	Level    Level     `json:"level"`
	Sentence string    `json:"sentence"`
	Reads    []Read    `json:"reads"`
	Problems []Problem `json:"problems"` // the worst first
	Time     time.Time `json:"time"`
	Host     string    `json:"host"`
	Version  string    `json:"version"`

	Names       int        `json:"names"` // that are served
	Resources   []Resource `json:"resources"`
	AllOf       Totals     `json:"all"`
	Sources     []Source   `json:"sources"`
	NotServed   []Item     `json:"not_served"`
	Grades      []Grade    `json:"ledger"`
	Missed      uint64     `json:"ledger_missed"`
	Events      []Event    `json:"events"`
	Clients     []Client   `json:"clients"`
	Upstreams   []Upstream `json:"upstreams"`
	Cache       *Cache     `json:"cache,omitempty"`
	Peers       []Peer     `json:"peers"`
	FastPath    []FastPath `json:"fastpath"`
	Corefile    Corefile   `json:"corefile"`
	Vault       string     `json:"vault,omitempty"` // that the events are about
	VaultName   string     `json:"-"`
	TotalEvents uint64     `json:"total_events"` // since the start
	Kept        int        `json:"kept_events"`  // of the vault, or of all, at most 500

	pending, unserved tally // items that are not approved, and others
}

// Totals are the numbers of everything, of which a page may show a part.
type Totals struct {
	Resources int `json:"resources"`
	Vaults    int `json:"vaults"`
	NotServed int `json:"not_served"`
	Clients   int `json:"clients"`
}

// A Read is when the sources of a kind were read.
type Read struct {
	What  string    `json:"what"` // "Azure", or "Files"
	At    time.Time `json:"at,omitzero"`
	Next  time.Time `json:"next,omitzero"`
	Every string    `json:"every,omitempty"` // of local sources
}

// A Client is a network of clients. Public counts answers for names that the zones lack.
type Client struct {
	Network string `json:"network"`
	Private uint64 `json:"private"`
	Public  uint64 `json:"public"`
	Refused uint64 `json:"refused"`
}

// Traffic is what the metrics have.
type Traffic struct {
	Upstreams []Upstream
	Cache     *Cache
}

// An Upstream has the counters of one upstream since the start.
type Upstream struct {
	Address   string  `json:"upstream"`
	Up        bool    `json:"up"`
	Responses uint64  `json:"responses"`
	Timeouts  uint64  `json:"timeouts"`
	RoundTrip float64 `json:"round_trip_ms"` // the mean
}

// A Cache has the counters of plugin lru since the start.
type Cache struct {
	Entries uint64  `json:"entries"`
	Hits    uint64  `json:"hits"`
	Misses  uint64  `json:"misses"`
	Ratio   float64 `json:"hit_ratio"`
}

// A Peer is a secondary or a further instance.
type Peer struct {
	Address string    `json:"address"`
	Role    string    `json:"role"` // secondary, or peer
	InStep  bool      `json:"in_step"`
	Checked time.Time `json:"checked,omitzero"`
	Text    string    `json:"text"`
	Names   []string  `json:"names,omitempty"` // that differ, or zones
}

// A FastPath is whether the fast path is on for a server block.
type FastPath struct {
	Block string `json:"block"`
	On    bool   `json:"on"`
	Text  string `json:"text,omitempty"` // why not
}

// A Corefile is the Corefile as it was read.
type Corefile struct {
	Path string `json:"path"`
	Text string `json:"text"`
	Cut  bool   `json:"cut,omitempty"` // it is longer
}

// New returns the content.
func New(in *Input, r Request) *Page {
	p := &Page{
		Time: in.Now, Host: in.Host, Version: in.Version, Missed: in.Missed, Upstreams: orEmpty(in.Traffic.Upstreams), Cache: in.Traffic.Cache,
		Peers: orEmpty(in.Peers), FastPath: orEmpty(in.FastPath), Corefile: in.Corefile, Vault: r.Vault,
	}
	if text := p.Corefile.Text; len(text) > maxCorefile {
		p.Corefile.Text, p.Corefile.Cut = text[:maxCorefile], true
	}
	p.resources(in, r)
	p.items(in)
	p.sources(in)
	p.grades(in)
	p.events(in, r)
	p.AllOf.Clients = len(in.Clients)
	p.Clients = orEmpty(in.Clients[:min(len(in.Clients), MaxClients)])
	p.judge(in)
	return p
}

// orEmpty returns a list that is [] in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
