package privatelink

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coredns/caddy"
)

const (
	subA = "aaaaaaaa-0000-0000-0000-000000000000"
	subB = "bbbbbbbb-0000-0000-0000-000000000000"
	idT  = "11111111-1111-1111-1111-111111111111"
	idC  = "22222222-2222-2222-2222-222222222222"
)

// The name of a source has everything that its records depend on, and is the same for
// lines that mean the same.
func TestAzureLines(t *testing.T) {
	for _, tc := range []struct{ name, line, want string }{
		{"subscription", strings.ToUpper(subA), "azure " + subA},
		{"resource groups", subA + " rg-1 Rg_2", "azure " + subA + " rg-1 Rg_2"},
		{"all", "*", "azure *"},
		{"all, resource groups", "* rg-1", "azure * rg-1"},
		{"all, except", "* except " + subB + " " + strings.ToUpper(subA), "azure * except " + subA + " " + subB},
		{"management group", "managementgroup MG-Corp", "azure managementgroup mg-corp"},
		{"management group by ID", "ManagementGroup /PROVIDERS/microsoft.management/managementgroups/MG-Corp rg-1 except " + subA, "azure managementgroup mg-corp rg-1 except " + subA},
		{"management group with the ID of its tenant", "managementgroup " + idT, "azure managementgroup " + idT},
		{"management group called tenant", "managementgroup tenant", "azure managementgroup tenant"},
		{"tenant", subA + " tenant " + idT, "azure " + subA + " tenant " + idT},
		{"client", subA + " rg-1 CLIENT " + strings.ToUpper(idC), "azure " + subA + " rg-1 client " + idC},
		{"all options in any order", "* except " + subA + " client " + idC + " tenant " + idT, "azure * tenant " + idT + " client " + idC + " except " + subA},
		{"private DNS zones", subA + " rg-1 privatedns tenant " + idT, "azure " + subA + " rg-1 tenant " + idT + " privatedns"},
		{"resource group called like an ID", subA + " resourceGroups/" + idT, "azure " + subA + " " + idT},
		{"resource groups called like options", subA + " resourceGroups/tenant ResourceGroups/Client resourcegroups/rg-1", "azure " + subA + " resourceGroups/tenant resourceGroups/Client rg-1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, err := parse(caddy.NewTestController("dns", "privatelink {\nazure "+tc.line+"\n}"), "")
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.sources[0].Config().Name; got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

// isID is the error for an ID that a resource group is read for.
func isID(id string) string {
	return `"` + id + `" is an ID in the place of a resource group: write tenant, client or except before it, or a line azure for each subscription; ` +
		`a resource group of this name is written resourceGroups/` + id
}

func TestAzureLineErrors(t *testing.T) {
	const (
		usage   = "azure SUBSCRIPTION|*|managementgroup NAME|ID [GROUP...] [tenant ID] [client ID] [except SUBSCRIPTION...] [privatedns]"
		zeroes  = "00000000-0000-0000-0000-000000000000"
		notID   = ` is not the ID of a subscription, such as ` + zeroes
		others  = `; all subscriptions are *, those of a management group managementgroup NAME`
		example = `such as mg-landingzones`
		display = ` is not the name or the ID of a management group, ` + example + `; its display name is not used`
		empty   = "/providers/Microsoft.Management/managementGroups/"
	)
	for _, tc := range []struct{ name, line, want string }{
		{"no value", "", "no value, the syntax is: " + usage},
		{"neither ID nor word", "my-subscription", `"my-subscription"` + notID + others},
		{"option first", "tenant " + idT, `"tenant"` + notID + others},
		{"no management group", "managementgroup", `managementgroup: the name or the ID of a management group is missing, ` + example},
		{"display name", `managementgroup "Landing Zones"`, `managementgroup: "Landing Zones"` + display},
		{"ID without a name", "managementgroup " + empty, `managementgroup: "` + empty + `"` + display},
		{"invalid resource group", subA + " a/b", `"a/b" is not the name of a resource group`},
		{"invalid resource group with its prefix", subA + " resourceGroups/a/b", `"resourceGroups/a/b" is not the name of a resource group`},
		{"two subscriptions in a line", subA + " " + subB, isID(subB)},
		{"misspelt option", "* tennant " + idT, isID(idT)},
		{"tenant without ID, or a resource group", subA + " tenant", `tenant: its ID is missing; the resource group tenant is written resourceGroups/tenant`},
		{"tenant by name", "* tenant contoso.onmicrosoft.com", `tenant: "contoso.onmicrosoft.com" is not an ID such as ` + zeroes + `; the resource group tenant is written resourceGroups/tenant`},
		{"tenant before client", "* tenant client " + idC, `tenant: its ID is missing; the resource group tenant is written resourceGroups/tenant`},
		{"two tenants", "* tenant " + idT + " tenant " + idT, `tenant: specified more than once`},
		{"two clients", "* client " + idT + " Client " + idT, `client: specified more than once`},
		{"resource group behind an option", subA + " tenant " + idT + " rg-1", `tenant: "rg-1" follows its ID: write resource groups before tenant, client, except and privatedns`},
		{"Client as a resource group", subA + " Client rg-1", `client: "rg-1" is not an ID such as ` + zeroes + `; the resource group Client is written resourceGroups/Client`},
		{"private DNS zones of all", "* privatedns", `privatedns: it is for one subscription: write a line for each`},
		{"private DNS zones twice", subA + " privatedns privatedns", `privatedns: specified more than once`},
		{"private DNS zones with a value", subA + " privatedns rg-1", `privatedns: "rg-1" follows it: write resource groups before tenant, client, except and privatedns`},
		{"except nothing", "* except", `except: its ID is missing; the resource group except is written resourceGroups/except`},
		{"except a name", "* except sub-dev", `except: "sub-dev"` + notID},
		{"except twice", "* except " + subA + " " + strings.ToUpper(subA), `except: "` + strings.ToUpper(subA) + `" is specified more than once`},
		{"except of one subscription", subA + " except " + subB, `except: it is for * and managementgroup, this line has one subscription`},
		{"the same line twice", "*\nazure *", `specified more than once with the same values`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parse(caddy.NewTestController("dns", "privatelink {\nazure "+tc.line+"\n}"), "")
			want := fmt.Sprintf("Testfile:%d - Error during parsing: azure: %s", 2+strings.Count(tc.line, "\n"), tc.want)
			if err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}
