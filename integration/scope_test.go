package integration

import (
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// accounts returns endpoints of one storage account each, with the address 10.20.7.n.
func accounts(names ...string) (all []fakearm.Endpoint) {
	for i, name := range names {
		all = append(all, fakearm.Endpoint{
			Name: "pe-" + name, Group: "rg-backup", VNet: "vnet-hub",
			Names: []fakearm.Name{{FQDN: name + ".blob.core.windows.net", IP: "10.20.7." + string(rune('1'+i))}},
		})
	}
	return all
}

func private(name, ip string) string {
	return "NOERROR ra: CNAME " + name + ".privatelink.blob.core.windows.net., A " + ip
}

const (
	corp     = "aaaaaaaa-0000-0000-0000-000000000000"
	customer = "cccccccc-0000-0000-0000-000000000000" // of another tenant, by Azure Lighthouse
	tenantB  = "55555555-5555-5555-5555-555555555555"
	clientB  = "66666666-6666-6666-6666-666666666666"
)

// everywhere is live() with another scope.
func everywhere(line string, more ...string) string {
	return strings.Replace(live(more...), "azure "+subscription, line, 1)
}

// One line serves every subscription that the identity can read. New ones appear by
// themselves. One whose role is lost keeps its names; a deleted one loses them.
func TestLiveAllSubscriptions(t *testing.T) {
	t.Parallel()
	s, arm := serveAzure(t, everywhere("azure * except "+second), true, fakearm.Config{
		Estate: fakearm.Estate{
			subscription: {vaultEndpoint(fc1)}, corp: accounts("corp1", "corp2"), customer: accounts("cust1"), second: accounts("excluded"),
		},
		GraphPageSize: 2,
		Directory:     fakearm.Directory{Subscriptions: map[string]fakearm.Subscription{customer: {Tenant: tenantB, ManagedBy: []string{fakearm.Tenant}}}},
	})
	s.becomes(fc1, fc1Served)
	s.remains("corp2.blob.core.windows.net", private("corp2", "10.20.7.2"))
	s.remains("cust1.blob.core.windows.net", private("cust1", "10.20.7.1"))
	s.remains("excluded.blob.core.windows.net", "NXDOMAIN ra: / SOA core.windows.net.")

	arm.Update(func(e fakearm.Estate) { e["dddddddd-0000-0000-0000-000000000000"] = accounts("new1") })
	s.becomes("new1.blob.core.windows.net", private("new1", "10.20.7.1"))

	arm.FreezeGraph(true) // from now on it lags, but the endpoint of a vault is also read from Resource Manager
	arm.Update(func(e fakearm.Estate) { e[subscription] = []fakearm.Endpoint{vaultEndpoint(fc1, blob)} })
	s.becomes(blob, blobServed)
	arm.FreezeGraph(false)

	arm.UpdateDirectory(func(d *fakearm.Directory) { d.Subscriptions[corp] = fakearm.Subscription{NoRole: true} })
	s.logs(`azure \* except ` + second + ` cloud https://127\.0\.0\.1:\d+: subscription ` + corp + ` is not listed any more, its names stay: ` +
		`ARM answers 403 AuthorizationFailed: grant Reader on subscription ` + corp + ` to the identity, or add it to except`)
	s.remains("corp1.blob.core.windows.net", private("corp1", "10.20.7.1"))
	arm.UpdateDirectory(func(d *fakearm.Directory) { delete(d.Subscriptions, corp) })
	s.logs(`recovered`)

	arm.Update(func(e fakearm.Estate) { delete(e, customer) })
	s.becomes("cust1.blob.core.windows.net", "NXDOMAIN ra: / SOA core.windows.net.")
	s.remains("corp1.blob.core.windows.net", private("corp1", "10.20.7.1"))
}

// Two tenants in one process, the second one with a client and a secret of its own.
func TestLiveTwoTenants(t *testing.T) {
	t.Parallel()
	s, _ := serveAzure(t, everywhere("azure managementgroup mg-corp", "azure * tenant "+tenantB+" client "+clientB), false, fakearm.Config{
		Estate:  fakearm.Estate{corp: accounts("corp1"), customer: accounts("cust1", "cust2")},
		Clients: []fakearm.Client{{Tenant: tenantB, ID: clientB, Secret: "fakearm-client-secret-b"}},
		Directory: fakearm.Directory{
			Subscriptions:    map[string]fakearm.Subscription{customer: {Tenant: tenantB}},
			ManagementGroups: map[string][]string{"mg-corp": {corp}},
		},
	}, "AZURE_CLIENT_SECRET_66666666_6666_6666_6666_666666666666=fakearm-client-secret-b")
	s.becomes("corp1.blob.core.windows.net", private("corp1", "10.20.7.1"))
	s.becomes("cust2.blob.core.windows.net", private("cust2", "10.20.7.2"))
}

// A subscription whose role is lost while the server is stopped keeps its names with
// the state file.
func TestLiveRoleLostOverARestart(t *testing.T) {
	t.Parallel()
	s, arm := serveAzure(t, everywhere("azure *", "state {$DIR}/state"), true, fakearm.Config{
		Estate: fakearm.Estate{subscription: {vaultEndpoint(fc1)}, corp: accounts("corp1")},
	})
	s.becomes("corp1.blob.core.windows.net", private("corp1", "10.20.7.1"))
	s.holds("state", corp)
	arm.UpdateDirectory(func(d *fakearm.Directory) { d.Subscriptions[corp] = fakearm.Subscription{NoRole: true} })
	s.killAndRestart()
	s.logs(`subscription ` + corp + ` is not listed any more, its names stay`)
	before := arm.Reads()["resource_graph"]
	eventually(t, "three more syncs", func() bool { return arm.Reads()["resource_graph"] > before+5 })
	s.remains("corp1.blob.core.windows.net", private("corp1", "10.20.7.1"))
	arm.Update(func(e fakearm.Estate) { e[subscription] = []fakearm.Endpoint{vaultEndpoint(fc1, blob)} })
	s.becomes(blob, blobServed)
}
