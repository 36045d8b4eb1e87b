package privatelink

import (
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// This file is what plugin status shows beside Explain, Ledger and Events.

// Survey returns what the block serves and what it does not. The first call for a snapshot
// reads every record.
func (p *Privatelink) Survey() *verdict.Survey { return p.zones.Survey() }

// Generation returns a number that changes with each snapshot of the block.
func (p *Privatelink) Generation() uint64 { return p.zones.Generation() }

// Zones returns the current records of the block.
func (p *Privatelink) Zones() *zone.Snapshot { return p.zones.Snapshot() }

// Sources returns the state of each source of the block, in their order.
func (p *Privatelink) Sources() []syncer.SourceState { return p.zones.SourceStates() }

// RecentLedger returns the last names of each grade that the zones lack, at most n of one,
// and the numbers of all.
func RecentLedger(n int) (recent [3][]ledger.Entry, all [3]int) { return lacking.Recent(n) }

// LedgerGeneration returns a number that changes with each new name of the ledger, and at
// most once a minute with each name that is queried again.
func LedgerGeneration() uint64 { return lacking.Generation() }

// MissedLedger returns the number of answers whose names were too many to be recorded.
func MissedLedger() uint64 { return lacking.Missed() }

// TotalEvents returns the number of all events.
func TotalEvents() uint64 { return process.Events().Total() }
