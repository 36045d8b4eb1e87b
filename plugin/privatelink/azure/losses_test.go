package azure

import (
	"fmt"
	"path/filepath"
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

// Fewer than three answers that lack a name never remove it, and three do. With a state
// file, that holds for the first answer after a restart.
func TestServedUntilThreeAnswersAgree(t *testing.T) {
	all, one := Scope{}, Scope{Subscription: subscription}
	for _, tc := range []struct {
		name    string
		scope   Scope
		restart bool
		body    string
		count   int
		gone    bool
	}{
		{"one answer without a group", one, false, noGroup, 1, false},
		{"two answers without a group", one, false, noGroup, 2, false},
		{"one answer without records", one, false, noRecord, 1, false},
		{"a loss", one, false, noGroup, 0, true},
		{"all, one answer without a group", all, false, noGroup, 1, false},
		{"all, one answer without one name of two", all, false, onlyA, 1, false},
		{"all, a loss", all, false, noGroup, 0, true},
		{"the first answer without a group", one, true, noGroup, 1, false},
		{"the first two answers without a group", one, true, noGroup, 2, false},
		{"a loss before the first answer", one, true, noGroup, 0, true},
		{"all, the first answer without a group", all, true, noGroup, 1, false},
		{"all, a loss before the first answer", all, true, noGroup, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				arm, state := twoNames(t), filepath.Join(t.TempDir(), "state")
				s := serving(t, inProcess(t, arm, tc.scope), state)
				arm.SetFaults(fakearm.Fault{Kind: fakearm.Body, Path: "pe-a/privateDnsZoneGroups", Count: tc.count, Value: []byte(tc.body)})
				if tc.restart {
					s.Close()
					s = serving(t, inProcess(t, arm, tc.scope), state)
				}
				defer s.Close()
				for minute := range 20 {
					time.Sleep(time.Minute)
					gone := s.Snapshot().Lookup("b.privatelink.queue.core.windows.net.").Record == nil
					if gone != (tc.gone && minute > 3) && (minute < 1 || minute > 3) {
						t.Fatalf("minute %d: the name is gone: %v; want %v", minute, gone, tc.gone)
					}
				}
			})
		})
	}
}

// serving returns a syncer of the source after its first sync.
func serving(t *testing.T, src *Source, state string) *syncer.Syncer {
	t.Helper()
	set := &zone.Set{Cloud: cloud.Public, Zones: []dnsname.Name{"privatelink.blob.core.windows.net.", "privatelink.queue.core.windows.net."}}
	s := syncer.NewProcess().New(syncer.Config{Block: "test", Zones: set, Sources: []source.Source{src}, StateFile: state})
	s.Begin()
	s.Commit()
	time.Sleep(30 * time.Second)
	return s
}
