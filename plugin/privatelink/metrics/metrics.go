// Package metrics holds the metrics of plugin privatelink. They are registered
// with the default registry, which stock plugin prometheus serves.
package metrics

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/coredns/coredns/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const subsystem = "privatelink"

var (
	answers = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "answers_total",
		Help: "Answers from the zones' records, by zone, kind (direct, alias, splice) and result.",
	}, []string{"zone", "kind", "result"})
	public = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "public_answers_total",
		Help: "Answers of the next plugin with addresses that were passed on, and whose chain leads through the zone by a name that no source has.",
	}, []string{"zone"})

	lackingAnswers = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "lacking_answers_total",
		Help: "Answers for names that the zones lack, by grade (known, backup, other) and what the client got (public, nxdomain, withheld).",
	}, []string{"grade", "answer"})

	// Records is the number of names that a source contributes.
	Records = gauge("records", "Names with addresses that a source has.", "source")
	// LastSuccess is the time of the last complete read of a source without error.
	LastSuccess = gauge("last_success_timestamp_seconds", "Time of the last sync of a source without error, in seconds since the epoch.", "source")
	// Failures counts syncs that failed.
	Failures = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "sync_failures_total",
		Help: "Syncs of a source that failed, wholly or in part.",
	}, []string{"source"})
	// AzureReads counts the requests to Azure.
	AzureReads = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "azure_reads_total",
		Help: "Requests of a source to Azure, retries included, by kind (resource_graph, subscriptions, listing, zone_groups, records, resource).",
	}, []string{"source", "kind"})
	// Skipped is the number of endpoints and names that are not served.
	Skipped = gauge("skipped_endpoints", "Endpoints, or single names of endpoints, that a source has and that are not served, by reason.", "source", "reason")
	// Conflicts is the number of names with different addresses in endpoints or sources.
	Conflicts = gauge("conflicts", "Names that are in two endpoints of a source, or that an earlier source has with other addresses.", "source")
	// HeldBack is the number of names that are served although a source lost them.
	HeldBack = gauge("held_back_records", "Names of a sudden loss that are served until three syncs agree.", "source")
	// Unread is 1 for a source because of which fallthrough zones pass names.
	Unread = gauge("source_unread", "1 if a source has not been read since the start and fallthrough zones pass names that it may have.", "source")
	// Refresh is the interval of a source. A static source has none.
	Refresh = gauge("refresh_seconds", "Time between two syncs of a source, in seconds.", "source")
	// OnDemand counts the names that queries asked for and that no source had.
	OnDemand = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "on_demand_total",
		Help: "Names that the zones lacked when a query asked for them, by what a sync at once did: found, missing, timeout, or limited (none was started).",
	}, []string{"result"})
	// OnDemandSyncs counts the syncs that such queries have started.
	OnDemandSyncs = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "on_demand_syncs_total",
		Help: "Syncs of a source that were started because a query asked for a name that the zones lacked.",
	}, []string{"source"})
	// Serial is the SOA serial of a zone.
	Serial = gauge("zone_serial", "Serial number in the SOA record of a zone.", "zone")
	// Dropped counts upstream's records of names that the zones decide.
	Dropped = promauto.NewCounter(prometheus.CounterOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "dropped_records_total",
		Help: "Records of the zones' names in responses of the next plugin to other queries. No client received them.",
	})
	// UnsavedStates is the number of state files that could not be written.
	UnsavedStates = promauto.NewGauge(prometheus.GaugeOpts{
		Namespace: plugin.Namespace, Subsystem: subsystem, Name: "unsaved_states",
		Help: "State files that could not be written when the records last changed.",
	})
)

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return promauto.NewGaugeVec(prometheus.GaugeOpts{Namespace: plugin.Namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}

// Lacking returns the counter of answers for names that the zones lack, by the values of
// ledger.Grade and ledger.Kind. The first call creates all series, at zero.
func Lacking(grade, answer uint8) prometheus.Counter { return lacking()[grade][answer] }

var lacking = sync.OnceValue(func() (all [3][3]prometheus.Counter) {
	for g, grade := range []string{"known", "backup", "other"} {
		for a, answer := range []string{"public", "nxdomain", "withheld"} {
			all[g][a] = lackingAnswers.WithLabelValues(grade, answer)
		}
	}
	return all
})

// A Kind is the way in which a query reached a name that the zones decide.
type Kind uint8

// The kinds of answers.
const (
	Direct Kind = iota // the query has a name in a zone
	Alias              // the query has a public name of a record
	Splice             // the query has a foreign name, whose CNAME chain reaches the zones
)

// A Result is the result of a query.
type Result uint8

// The results of answers.
const (
	Success Result = iota
	NoData
	NXDomain
	NotReady // SERVFAIL, because the sources are not loaded yet
	Refused  // a request that is not a query of class IN
)

// Answers counts the answers of one zone. Counting takes no lock.
type Answers struct {
	given  [Splice + 1][Refused + 1]prometheus.Counter
	public prometheus.Counter
}

// Count adds one answer.
func (a *Answers) Count(k Kind, r Result) { a.given[k][r].Inc() }

// Counter returns the counter of the answers of a kind and result.
func (a *Answers) Counter(k Kind, r Result) prometheus.Counter { return a.given[k][r] }

// Public returns the counter of CountPublic.
func (a *Answers) Public() prometheus.Counter { return a.public }

// CountPublic adds an answer of the next plugin that was passed on.
func (a *Answers) CountPublic() { a.public.Inc() }

// answersOf has the counters of each zone. The map is replaced, never modified, so
// that a query reads it without a lock and without an allocation. A lookup in a
// sync.Map would allocate the key.
var (
	answersOf   atomic.Pointer[map[string]*Answers]
	answersOfMu sync.Mutex // held to replace the map
)

// AnswersOf returns the counters of a zone. The first call creates their series.
func AnswersOf(zone string) *Answers {
	if all := answersOf.Load(); all != nil && (*all)[zone] != nil {
		return (*all)[zone]
	}
	return addAnswers(zone)
}

func addAnswers(zone string) *Answers {
	answersOfMu.Lock()
	defer answersOfMu.Unlock()
	all := map[string]*Answers{}
	if before := answersOf.Load(); before != nil {
		maps.Copy(all, *before)
	}
	if all[zone] == nil {
		all[zone] = newAnswers(zone)
		answersOf.Store(&all)
	}
	return all[zone]
}

func newAnswers(zone string) *Answers {
	a := &Answers{public: public.WithLabelValues(zone)}
	for k, kind := range []string{"direct", "alias", "splice"} {
		for r, result := range []string{"success", "nodata", "nxdomain", "notready", "refused"} {
			a.given[k][r] = answers.WithLabelValues(zone, kind, result)
		}
	}
	return a
}

// Forget drops all series of a source.
func Forget(source string) {
	for _, vec := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{Records, LastSuccess, Failures, AzureReads, Skipped, Conflicts, HeldBack, Unread, Refresh, OnDemandSyncs} {
		vec.DeletePartialMatch(prometheus.Labels{"source": source})
	}
}
