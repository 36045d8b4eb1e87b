package azure

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// An empty listing that is followed by failures is one that lacks a name, not three.
func TestEmptyListingBeforeFailures(t *testing.T) {
	for _, tc := range []struct {
		path              string
		zoneGroup         bool // the name is that of the network interface
		empty             int  // listings before the failures
		restart, withdraw bool
	}{
		{"privateEndpoints", false, 1, false, false},
		{"privateEndpoints", false, 2, false, false},
		{"privateEndpoints", false, 3, false, true},
		{"privateEndpoints", false, 1, true, false},
		{"networkInterfaces", true, 1, false, false},
		{"networkInterfaces", true, 2, true, false},
		{"networkInterfaces", true, 3, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := endpoint("pe-a", "a.blob.core.windows.net")
			e.ZoneGroup = tc.zoneGroup
			arm, err := fakearm.Start(fakearm.Config{Estate: fakearm.Estate{subscription: {e, endpoint("pe-b", "b.blob.core.windows.net")}}})
			if err != nil {
				t.Fatal(err)
			}
			arm.Close()
			state := filepath.Join(t.TempDir(), "state")
			s := serving(t, inProcess(t, arm, Scope{Subscription: subscription}), state)
			time.Sleep(10 * time.Minute)
			arm.SetFaults(
				fakearm.Fault{Kind: fakearm.Body, Path: tc.path, Count: tc.empty, Value: []byte(`{"value": []}`)},
				fakearm.Fault{Kind: fakearm.Body, Path: "pe-a/privateDnsZoneGroups", Value: []byte(`{"value": []}`)},
				fakearm.Fault{Kind: fakearm.Forbidden, Path: tc.path},
			)
			if tc.restart {
				s.Close()
				s = serving(t, inProcess(t, arm, Scope{Subscription: subscription}), state)
			}
			defer s.Close()
			time.Sleep(20 * time.Minute)
			if gone := s.Snapshot().Lookup("a.privatelink.blob.core.windows.net.").Record == nil; gone != tc.withdraw {
				t.Errorf("%+v: the name is gone: %v", tc, gone)
			}
		})
	}
}
