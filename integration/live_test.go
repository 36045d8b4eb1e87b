package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

const (
	subscription = "00000000-0000-0000-0000-000000000000"
	second       = "99999999-9999-9999-9999-999999999999"
)

// live returns a Corefile that polls Azure every second.
func live(more ...string) string {
	return `
.:{$PORT} {
    bind 127.0.0.1
    errors
    reload 2s 1s
    ready 127.0.0.1:{$PORT_READY}
    privatelink {
        cloud {$ARM}
        azure ` + subscription + `
        refresh 1s
        ` + strings.Join(more, "\n        ") + `
    }
    forward . {$UPSTREAM}
}
`
}

// vaultEndpoint returns an approved private endpoint with these names.
func vaultEndpoint(names ...string) fakearm.Endpoint {
	e := fakearm.Endpoint{Name: "pe-vault-we", Group: "rg-backup", VNet: "vnet-hub", Status: "Approved", Provisioning: "Succeeded"}
	for i, fqdn := range names {
		e.Names = append(e.Names, fakearm.Name{FQDN: fqdn, IP: fmt.Sprintf("10.20.0.%d", i+4)})
	}
	return e
}

// serveLive starts a fake Azure and the binary. The binary authenticates with the
// secret of a service principal or, if identity is set, with a managed identity.
func serveLive(t *testing.T, corefile string, identity bool, endpoints ...fakearm.Endpoint) (*server, *fakearm.Server) {
	t.Helper()
	return serveAzure(t, corefile, identity, fakearm.Config{Estate: fakearm.Estate{subscription: endpoints, second: nil}, PageSize: 2, EmptyLast: true})
}

// serveAzure is serveLive for any fake Azure.
func serveAzure(t *testing.T, corefile string, identity bool, config fakearm.Config, variables ...string) (*server, *fakearm.Server) {
	t.Helper()
	arm, err := fakearm.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arm.Close)
	s := prepare(t, corefile)
	s.env["ARM"], s.env["UPSTREAM"] = arm.URL, azure(t).Addr
	s.write("ca.pem", string(arm.CA))
	env := arm.Env(filepath.Join(s.dir, "ca.pem"))
	if identity {
		env = arm.IdentityEnv(filepath.Join(s.dir, "ca.pem"))
	}
	for _, variable := range append(env, variables...) {
		name, value, _ := strings.Cut(variable, "=")
		s.env[name] = value
	}
	s.start()
	t.Cleanup(func() {
		if text := s.out.String(); strings.Contains(text, fakearm.TokenPrefix) || strings.Contains(text, fakearm.ClientSecret) {
			t.Error("the log contains a secret")
		}
	})
	return s, arm
}

const (
	fc1Served     = "NOERROR aa ra: A 10.20.0.4"
	blobPublic    = "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., CNAME blob.am01prdstr01a.store.core.windows.net., A 203.0.113.7"
	blobServed    = "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.5"
	queue         = "wepod01ecs114x.queue.core.windows.net"
	queueServed   = "NOERROR ra: CNAME wepod01ecs114x.privatelink.queue.core.windows.net., A 10.20.0.6"
	account       = "wepod01prot121x.z17.blob.storage.azure.net"
	accountServed = "NOERROR ra: CNAME wepod01prot121x.privatelink.blob.core.windows.net., A 10.20.0.7"
)

// The names of a vault follow its life: registration, first backup, a new account,
// missing permission and rejection.
func TestLiveLifeOfAVault(t *testing.T) {
	for _, identity := range []bool{false, true} {
		t.Run(fmt.Sprintf("managed identity %v", identity), func(t *testing.T) {
			t.Parallel()
			s, arm := serveLive(t, live(), identity, vaultEndpoint(fc1))
			set := func(change func(*fakearm.Endpoint)) {
				arm.Update(func(e fakearm.Estate) { change(&e[subscription][0]) })
			}
			s.becomes(fc1, fc1Served)
			s.remains(blob, blobPublic) // the vault does not have it yet

			// first registration, first backup, a storage account that Azure Backup adds
			for i, step := range []struct{ name, want string }{{blob, blobServed}, {queue, queueServed}, {account, accountServed}} {
				set(func(e *fakearm.Endpoint) { *e = vaultEndpoint([]string{fc1, blob, queue, account}[:i+2]...) })
				s.becomes(step.name, step.want)
				s.remains(fc1, fc1Served)
			}

			set(func(e *fakearm.Endpoint) { e.ZoneGroup = true }) // now the names are only in the interface and in the zone group
			seen := len(arm.Requests())
			eventually(t, "two more syncs", func() bool { return len(arm.Requests()) > seen+12 })
			s.remains(blob, blobServed)
			set(func(e *fakearm.Endpoint) { e.NoNIC = true }) // now they are only in the zone group
			seen = len(arm.Requests())
			eventually(t, "two more syncs", func() bool { return len(arm.Requests()) > seen+12 })
			s.remains(blob, blobServed)
			s.remains(fc1, fc1Served)

			arm.SetFaults(fakearm.Fault{Kind: fakearm.Forbidden})
			s.logs(`\[ERROR\] plugin/privatelink: azure ` + subscription + ` cloud https://127\.0\.0\.1:\d+: ` +
				`.*grant Reader on subscription ` + subscription + ` to the identity \(its last good records are served\)`)
			s.remains(blob, blobServed)
			arm.SetFaults()
			s.logs(`\[INFO\] plugin/privatelink: azure ` + subscription + ` cloud https://127\.0\.0\.1:\d+: recovered`)

			set(func(e *fakearm.Endpoint) { e.Status = "Rejected" })
			s.becomes(blob, blobPublic)
			s.remains(fc1, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com.")
			s.logs(`skipped /subscriptions/` + subscription + `/.*/pe-vault-we( \(.*\))?: its connection is Rejected`)
		})
	}
}

// No fault changes an answer.
func TestLiveFaults(t *testing.T) {
	t.Parallel()
	other := fakearm.Endpoint{Name: "pe-other", Group: "rg-backup", VNet: "vnet-hub", Names: []fakearm.Name{{FQDN: queue, IP: "10.20.0.6"}}}
	third := fakearm.Endpoint{Name: "pe-third", Group: "rg-backup", VNet: "vnet-hub", Names: []fakearm.Name{{FQDN: account, IP: "10.20.0.7"}}}
	s, arm := serveLive(t, live(), true, vaultEndpoint(fc1, blob), other, third)
	s.becomes(fc1, fc1Served)
	const resources = "Microsoft.Network/"
	for _, fault := range []fakearm.Fault{
		{Kind: fakearm.Throttled, Path: resources},
		{Kind: fakearm.Throttled, Path: resources, RetryAfter: 1},
		{Kind: fakearm.Broken, Path: resources, Page: 2},
		{Kind: fakearm.Unavailable, Path: resources},
		{Kind: fakearm.Reset, Path: resources},
		{Kind: fakearm.Truncated, Path: resources},
		{Kind: fakearm.HTML, Path: resources},
		{Kind: fakearm.HTML502, Path: resources, Page: 2},
		{Kind: fakearm.Garbage, Path: resources},
		{Kind: fakearm.OtherHost, Path: resources},
		{Kind: fakearm.Loop, Path: resources},
		{Kind: fakearm.Revoked, Path: resources},
		{Kind: fakearm.Forbidden, Path: resources},
		{Kind: fakearm.NotFound, Path: resources},
	} {
		arm.SetFaults(fault)
		before := answered(arm, fault.Kind)
		eventually(t, "fault "+string(fault.Kind), func() bool { return answered(arm, fault.Kind) > before })
		for _, tt := range []struct{ name, want string }{{fc1, fc1Served}, {blob, blobServed}, {queue, queueServed}, {account, accountServed}} {
			s.remains(tt.name, tt.want)
		}
		arm.SetFaults()
		before = answered(arm, "")
		eventually(t, "a sync after fault "+string(fault.Kind), func() bool { return answered(arm, "") > before+8 })
	}
}

// answered counts the pages that were answered with the fault. An empty fault means
// pages without a fault.
func answered(arm *fakearm.Server, fault fakearm.Kind) (n int) {
	for _, r := range arm.Requests() {
		if r.Page > 0 && r.Fault == fault {
			n++
		}
	}
	return n
}

// A subscription without permission does not stop the sync of a second one.
func TestLiveTwoSubscriptions(t *testing.T) {
	t.Parallel()
	s, arm := serveLive(t, live("azure "+second), true, vaultEndpoint(fc1))
	s.becomes(fc1, fc1Served)
	arm.SetFaults(fakearm.Fault{Kind: fakearm.Forbidden, Path: second})
	s.logs(`grant Reader on subscription ` + second)
	arm.Update(func(e fakearm.Estate) { e[subscription][0] = vaultEndpoint(fc1, blob) })
	s.becomes(blob, blobServed)
}

// A server that is killed and restarted without Azure answers from its state file at
// once.
func TestLiveState(t *testing.T) {
	t.Parallel()
	s, arm := serveLive(t, live("state {$DIR}/state.json"), true, vaultEndpoint(fc1, blob))
	s.becomes(blob, blobServed)
	eventually(t, "the state file", func() bool {
		text, _ := os.ReadFile(filepath.Join(s.dir, "state.json"))
		return strings.Contains(string(text), blob)
	})
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.done
	s.stopped = true
	arm.Close()
	s.start()
	s.remains(fc1, fc1Served)
	s.remains(blob, blobServed)
	s.remains("none.blob.core.windows.net", "NXDOMAIN ra: / SOA core.windows.net.")
}

// Until every source has been read once, no missing name is answered with NXDOMAIN
// or a public address.
func TestLiveNotReady(t *testing.T) {
	t.Parallel()
	s, _ := serveLive(t, live("azure 33333333-3333-3333-3333-333333333333"), true, vaultEndpoint(fc1))
	s.logs(`ARM answers 404 SubscriptionNotFound: check the subscription's ID and the names of its resource groups ` +
		`\(not ready: names that are not loaded yet get SERVFAIL\)`)
	s.becomes(fc1, fc1Served)
	s.remains(blob, "SERVFAIL ra: EDE 14 (Not Ready)")
	s.remains("www.corp.example TXT", "NOERROR ra: TXT \"one\" \"two; three\"")
}

// If a subscription is suddenly empty, its names are served until 3 syncs agree.
func TestLiveSuddenLoss(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("acct%d.blob.core.windows.net", i))
	}
	s, arm := serveLive(t, live(), true, vaultEndpoint(append(names, fc1)...))
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.16")
	arm.Update(func(e fakearm.Estate) { e[subscription] = nil })
	s.logs(`more than half of its names are missing, 13 of them are served until 3 syncs agree`)
	s.becomes(fc1, "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com.")
	s.logs(`no names are held back any more`)
}

// A reload keeps the last good records and sends no request to Azure.
func TestLiveReload(t *testing.T) {
	t.Parallel()
	s, arm := serveLive(t, strings.Replace(live(), "refresh 1s", "refresh 30m", 1), true, vaultEndpoint(fc1, blob))
	s.becomes(fc1, fc1Served)
	asked := len(arm.Requests())
	s.write("Corefile", strings.Replace(live("ttl 5m"), "refresh 1s", "refresh 30m", 1))
	s.logs(`Reloading complete`)
	s.remains(blob, blobServed)
	if n := len(arm.Requests()) - asked; n != 0 {
		t.Errorf("%d requests for a reload; want 0", n)
	}
}
