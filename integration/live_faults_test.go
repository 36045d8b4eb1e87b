package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// Incomplete listings, redirects, oversized bodies and shifting pages change no
// answer, cause no request to a second server and need little memory.
func TestLiveDamagedListings(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(other.Close)
	more := fakearm.Endpoint{Name: "pe-other", Group: "rg-backup", VNet: "vnet-hub", Names: []fakearm.Name{{FQDN: queue, IP: "10.20.0.6"}}}
	third := fakearm.Endpoint{Name: "pe-third", Group: "rg-backup", VNet: "vnet-hub", Names: []fakearm.Name{{FQDN: account, IP: "10.20.0.7"}}}
	s, arm := serveLive(t, live(), true, vaultEndpoint(fc1, blob), more, third)
	s.becomes(fc1, fc1Served)
	foreign := []byte(`"` + other.URL + `/subscriptions"`)
	for _, fault := range []fakearm.Fault{
		{Kind: fakearm.Redirect},
		{Kind: fakearm.Redirect, Value: foreign},
		{Kind: fakearm.Link, Value: foreign},
		{Kind: fakearm.Link, Value: []byte(`7`)},
		{Kind: fakearm.Link, Value: []byte(`{}`)},
		{Kind: fakearm.Body, Value: []byte(`{}`)},
		{Kind: fakearm.Body, Value: []byte(`{"value": [], "@odata.nextLink": "x"}`)},
		{Kind: fakearm.Body, Value: []byte(`{"value": [], "value": []}`)},
		{Kind: fakearm.Body, Value: []byte(`{"value": [], "data": []}`)},
		{Kind: fakearm.Bomb},
		{Kind: fakearm.ErrBomb},
		{Kind: fakearm.Shift, Page: 2},
		{Kind: fakearm.Repeat, Page: 2},
	} {
		fault.Path = "Microsoft.Network/"
		arm.SetFaults(fault)
		before := answered(arm, fault.Kind)
		eventually(t, "two faults "+string(fault.Kind), func() bool { return answered(arm, fault.Kind) > before+1 })
		for _, tt := range []struct{ name, want string }{{fc1, fc1Served}, {blob, blobServed}, {queue, queueServed}, {account, accountServed}} {
			s.remains(tt.name, tt.want)
		}
		arm.SetFaults()
		before = answered(arm, "")
		eventually(t, "a sync after fault "+string(fault.Kind), func() bool { return answered(arm, "") > before+8 })
	}
	s.logs(`ARM answers 307 and redirects to "` + other.URL + `/subscriptions", which is not followed`)
	for _, r := range arm.Requests() {
		if strings.HasPrefix(r.Host, "localhost") {
			t.Errorf("a request for %s%s was sent", r.Host, r.Path)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests to a second server; want 0", n)
	}
	if peak := s.peakMemory(); peak > 400 {
		t.Errorf("peak memory = %d MB; want at most 400", peak)
	}
}

// peakMemory returns the peak resident memory of the process in MB, or 0 on a
// system without /proc.
func (s *server) peakMemory() (mb int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	_, line, ok := strings.Cut(string(text), "VmHWM:")
	if ok {
		fmt.Sscan(line, &mb) //nolint:errcheck // the result is then 0
	}
	return mb / 1000
}

// An endpoint that cannot be read affects only its own names, whose last good
// records are served.
func TestLiveOneBadEndpoint(t *testing.T) {
	t.Parallel()
	groupOnly := func(name, fqdn, ip string) fakearm.Endpoint {
		return fakearm.Endpoint{Name: name, Group: "rg-backup", VNet: "vnet-hub", ZoneGroup: true, NoNIC: true, Names: []fakearm.Name{{FQDN: fqdn, IP: ip}}}
	}
	s, arm := serveLive(t, live(), true, groupOnly("pe-bad", blob, "10.20.0.5"), groupOnly("pe-good", queue, "10.20.0.6"), vaultEndpoint(fc1))
	s.becomes(queue, queueServed)
	s.becomes(blob, blobServed)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Forbidden, Path: "pe-bad/privateDnsZoneGroups"})
	s.logs(`\[ERROR\] .*list /subscriptions/` + subscription + `/resourceGroups/rg-backup/providers/Microsoft\.Network/` +
		`privateEndpoints/pe-bad/privateDnsZoneGroups: page 1: ARM answers 403`)
	s.remains(blob, blobServed)
	arm.Update(func(e fakearm.Estate) { e[subscription][2] = vaultEndpoint(fc1, account) })
	s.becomes(account, strings.Replace(accountServed, "10.20.0.7", "10.20.0.5", 1))
	s.remains(blob, blobServed)
}

// A network interface without its private endpoint is not served, because only the
// endpoint shows whether the connection is approved.
func TestLiveInterfaceWithoutItsEndpoint(t *testing.T) {
	t.Parallel()
	s, arm := serveLive(t, live(), true, vaultEndpoint(fc1, blob))
	s.becomes(blob, blobServed)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Body, Path: "privateEndpoints", Value: []byte(`{"value": []}`)})
	s.becomes(blob, blobPublic)
	s.logs(`(?i)skipped /subscriptions/.*/pe-vault-we( \(.*\))?: the private endpoint is not in the listing`)
	arm.SetFaults()
	s.becomes(blob, blobServed)
}

// A token that Azure rejects before its expiry is replaced within the same sync, and
// no failure is logged.
func TestLiveRejectedToken(t *testing.T) {
	for _, identity := range []bool{false, true} {
		t.Run(fmt.Sprintf("managed identity %v", identity), func(t *testing.T) {
			t.Parallel()
			s, arm := serveLive(t, live(), identity, vaultEndpoint(fc1))
			s.becomes(fc1, fc1Served)
			arm.SetFaults(fakearm.Fault{Kind: fakearm.Expired, Path: "Microsoft.Network/", Count: 1})
			arm.Update(func(e fakearm.Estate) { e[subscription][0] = vaultEndpoint(fc1, blob) })
			s.becomes(blob, blobServed)
			if answered(arm, fakearm.Expired) == 0 {
				t.Error("no token was rejected")
			}
			if text := s.out.String(); strings.Contains(text, "ARM answers 401") {
				t.Error("the log has a failure")
			}
		})
	}
}

// A lost request fails after half a minute, and the next sync succeeds.
func TestLiveLostRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("this test waits for half a minute")
	}
	t.Parallel()
	s, arm := serveLive(t, live(), true, vaultEndpoint(fc1))
	s.becomes(fc1, fc1Served)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Swallow, Path: "networkInterfaces", Count: 1})
	eventually(t, "a lost request", func() bool { return answered(arm, fakearm.Swallow) > 0 })
	lost := time.Now()
	arm.Update(func(e fakearm.Estate) { e[subscription][0] = vaultEndpoint(fc1, blob) })
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	const late = "page 1: no response within 30s, retries included"
	for time.Since(lost) < processTimeout && !strings.Contains(s.out.String(), late) {
		<-tick.C // the attempt may take as long as eventually waits
	}
	s.logs(late)
	s.becomes(blob, blobServed)
	if took := time.Since(lost); took > 45*time.Second {
		t.Errorf("the change took %s; want half a minute", took)
	}
}
