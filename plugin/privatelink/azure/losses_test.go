package azure

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Answers about the zone groups of an endpoint with two names that lack some of them.
var (
	noGroup  = `{"value": []}`
	noRecord = strings.ReplaceAll(noAddress, `{"fqdn": "a.privatelink.blob.core.windows.net", "ipAddresses": []}`, "")
	// noAddress has a record set that is still empty.
	noAddress = strings.ReplaceAll(onlyA, `"10.20.0.4"`, "")
	onlyA     = strings.ReplaceAll(zoneGroup("a"), id("a"), strings.Replace(id("pe-a"), "/rg/", "/rg-backup/", 1))
)

// twoNames returns an estate with an endpoint whose names, a and b, are in its zone group only.
func twoNames(t *testing.T) *fakearm.Server {
	t.Helper()
	e := endpoint("pe-a", "a.blob.core.windows.net", "b.queue.core.windows.net")
	e.ZoneGroup, e.NoNIC = true, true
	arm, err := fakearm.Start(fakearm.Config{Estate: fakearm.Estate{subscription: {e, endpoint("pe-never")}}})
	if err != nil {
		t.Fatal(err)
	}
	arm.Close()
	return arm
}

func groupReads(arm *fakearm.Server) (n int) {
	for _, r := range arm.Requests() {
		if strings.Contains(r.Path, "pe-a/privateDnsZoneGroups") {
			n++
		}
	}
	return n
}

// An endpoint that lacks a name is read until three answers, two intervals apart, lack it.
// A loss costs two more reads. Each sync is written as its reads and the names of its list.
func TestLossIsReadThreeTimes(t *testing.T) {
	all, one := Scope{}, Scope{Subscription: subscription}
	for _, tc := range []struct {
		name  string
		scope Scope
		body  string // of so many answers; 0: of all
		count int
		every time.Duration
		want  string
	}{
		{"one answer without a group", one, noGroup, 1, time.Minute, "1:a b, 1:, 1:a b, 1:a b, 1:a b"},
		{"one answer without records", one, noRecord, 1, time.Minute, "1:a b, 1:, 1:a b, 1:a b, 1:a b"},
		{"two answers", one, noGroup, 2, time.Minute, "1:a b, 1:, 1:, 1:a b, 1:a b"},
		{"a loss", one, noGroup, 0, time.Minute, "1:a b, 1:, 1:, 1:, 0:, 0:, 0:"},
		{"no address", one, noAddress, 0, time.Minute, "1:a b, 1:, 1:, 1:, 1:, 1:"},
		{"between syncs on demand", one, noGroup, 0, 20 * time.Second, "1:a b, 1:, 1:, 1:, 1:, 1:, 1:, 1:, 0:, 0:"},
		{"all, one answer without a group", all, noGroup, 1, time.Minute, "1:a b, 1:, 1:a b, 1:a b"},
		{"all, a loss", all, noGroup, 0, time.Minute, "1:a b, 1:, 1:, 1:, 0:, 0:"},
		{"all, a loss of one name of two", all, onlyA, 0, 5 * time.Second, "1:a b, 0:a b, 0:a b, 1:a, 1:a, 1:a, 1:a, 1:a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arm := twoNames(t)
				src, got := inProcess(t, arm, tc.scope), []string(nil)
				for range strings.Split(tc.want, ", ") {
					before := groupReads(arm)
					list, err := src.Fetch(t.Context())
					if err != nil || !list.Complete || list.Unread != nil {
						t.Fatalf("Fetch = %s, %v", show(list), err)
					}
					got = append(got, fmt.Sprintf("%d:%s", groupReads(arm)-before, names(list)))
					if len(got) == 1 {
						arm.SetFaults(fakearm.Fault{Kind: fakearm.Body, Path: "pe-a/privateDnsZoneGroups", Count: tc.count, Value: []byte(tc.body)})
					}
					time.Sleep(tc.every)
				}
				if strings.Join(got, ", ") != tc.want {
					t.Errorf("syncs = %s;\nwant    %s", strings.Join(got, ", "), tc.want)
				}
			})
		})
	}
}

// Fewer than three answers that lack a name never remove it, and three do.
func TestServedUntilThreeAnswersAgree(t *testing.T) {
	for _, tc := range []struct {
		name  string
		scope Scope
		body  string
		count int
		gone  bool
	}{
		{"one answer without a group", Scope{Subscription: subscription}, noGroup, 1, false},
		{"two answers without a group", Scope{Subscription: subscription}, noGroup, 2, false},
		{"one answer without records", Scope{Subscription: subscription}, noRecord, 1, false},
		{"a loss", Scope{Subscription: subscription}, noGroup, 0, true},
		{"all, one answer without a group", Scope{}, noGroup, 1, false},
		{"all, one answer without one name of two", Scope{}, onlyA, 1, false},
		{"all, a loss", Scope{}, noGroup, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arm := twoNames(t)
				set := &zone.Set{Cloud: cloud.Public, Zones: []dnsname.Name{"privatelink.blob.core.windows.net.", "privatelink.queue.core.windows.net."}}
				s := syncer.NewProcess().New(syncer.Config{Block: "test", Zones: set, Sources: []source.Source{inProcess(t, arm, tc.scope)}})
				s.Begin()
				defer s.Close()
				s.Commit()
				time.Sleep(30 * time.Second)
				arm.SetFaults(fakearm.Fault{Kind: fakearm.Body, Path: "pe-a/privateDnsZoneGroups", Count: tc.count, Value: []byte(tc.body)})
				for minute := range 20 {
					time.Sleep(time.Minute)
					gone := s.Snapshot().Lookup("b.privatelink.queue.core.windows.net.").Record == nil
					if gone != (tc.gone && minute > 3) && (minute < 2 || minute > 3) {
						t.Fatalf("minute %d: the name is gone: %v; want %v", minute, gone, tc.gone)
					}
				}
			})
		})
	}
}
