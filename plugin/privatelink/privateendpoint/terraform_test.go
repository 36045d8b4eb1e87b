package privateendpoint

import (
	"slices"
	"strings"
	"testing"
)

func TestDecodeTerraform(t *testing.T) {
	want := []string{
		"pe-vault part rsv-backup-we", // automatic connection
		"pe-vault 4728190365512870934-ab-pod01-rec2.privatelink.we.backup.windowsazure.com 10.20.0.4",
		"pe-vault backupwepod01ecs1.blob.core.windows.net 10.20.0.6",
		"pe-partner connected Approved", // of the data source
		"pe-blob part stbackupwe",
		"pe-blob stbackupwe.privatelink.blob.core.windows.net 10.20.0.9",
		"pe-new part stnew",
		"pe-waiting part stpartner2",
		"pe-waiting stpartner2.blob.core.windows.net 10.20.0.11",
		"pe-partner part stpartner",
		"pe-partner stpartner.blob.core.windows.net 10.20.0.12",
	}
	records := []string{
		"privatelink.blob.core.windows.net A hand.privatelink.blob.core.windows.net 10.20.0.20 10.20.0.21",
		"privatelink.blob.core.windows.net CNAME old.privatelink.blob.core.windows.net",
	}
	page, err := Decode(fixture(t, "terraform/show.json"))
	if got := lines(page); err != nil || !slices.Equal(got, want) || !slices.Equal(recordLines(page), records) {
		t.Errorf("Decode(show.json) = %q, %q, %v; want %q, %q", got, recordLines(page), err, want, records)
	}
	for _, e := range page.Endpoints {
		manual := strings.HasSuffix(e.ID, "pe-waiting") || strings.HasSuffix(e.ID, "pe-partner") && !e.Connected
		if e.Terraform == e.Connected || e.Manual != manual || !e.Connected && !strings.HasSuffix(e.VNet, "/vnet-hub") {
			t.Errorf("endpoint %+v; want it of Terraform, manual %v, with its network", e, manual)
		}
	}
}

// Documents that do not have what is served are rejected, with the command whose
// output has it.
func TestDecodeDeclarations(t *testing.T) {
	const (
		schema = `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/`
		pe     = `[{"type": "Microsoft.Network/privateEndpoints", "name": "pe", "properties": {}}]`
		head   = `{"format_version": "1.0", "terraform_version": "1.11.4"`
		none   = "line 1: a state of Terraform without azurerm_private_endpoint and azurerm_private_dns_a_record: " +
			"export the private endpoints with az network private-endpoint list -o json"
	)
	resource := func(kind, values string) string {
		return head + `, "values": {"root_module": {"resources": [{"address": "module.m.x", "type": "` + kind + `", "values": ` + values + `}]}}}`
	}
	for _, tc := range []struct{ name, in, want string }{
		{"records of a public zone", `[{"id": "/s/dnszones/z/A/x", "type": "Microsoft.Network/dnszones/A", "ARecords": [{"ipv4Address": "10.0.0.4"}]}]`, "line 1: " + errPublicZone.Error()},
		{"connections of a vault", "[\n{\"id\": \"x\", \"type\": \"Microsoft.RecoveryServices/vaults/privateEndpointConnections\"}]", "line 2: " + errConnections.Error()},
		{"ARM template", schema + `deploymentTemplate.json#", "contentVersion": "1.0.0.0", "resources": ` + pe + "}", "line 1: " + errTemplate.Error()},
		{"ARM template of a subscription", "\n" + schema + `subscriptionDeploymentTemplate.json#", "resources": ` + pe + "}", "line 2: " + errTemplate.Error()},
		{"parameters of a template", schema + `deploymentParameters.json#", "parameters": {}}`, "line 1: " + errTemplate.Error()},
		{"outputs of Terraform", `{"ip": {"sensitive": false, "type": "string", "value": "10.0.0.4"}}`, "line 1: " + errOutputs.Error()},
		{"outputs of Terraform with the names of lists", `{"value": {"sensitive": true, "value": []}, "data": {"sensitive": false, "value": 1}}`, "line 1: " + errOutputs.Error()},
		{"plan of Terraform", head + `, "planned_values": {"root_module": {}}, "resource_changes": []}`, "line 1: " + errPlan.Error()},
		{"state file of Terraform", `{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "x", "resources": []}`, "line 1: " + errState.Error()},
		{"empty state of Terraform", head + "}", none},
		{"state of Terraform with other resources", resource("azurerm_subnet", `{"id": "x"}`), none},
		{"state of Terraform without an ID", resource("azurerm_private_endpoint", `{"id": null}`), "line 1: module.m.x: the resource has no id"},
		{"state of Terraform with another schema", resource("azurerm_private_endpoint", `{"id": 7}`), "line 1: module.m.x: id: a JSON number is not what belongs there"},
		{"state of Terraform, a broken record", resource("azurerm_private_dns_a_record", `{"id": "x"}`), "line 1: module.m.x: the record set has no id of a private DNS zone"},
		{"state of Terraform with other values", head + `, "values": []}`, "line 1: values: a JSON array is not what belongs there"},
		{"text of terraform show", "# azurerm_private_endpoint.vault:\nresource {", "line 1: not JSON; export with -o json (this is the language of Terraform; use terraform show -json)"},
		{"text of terraform show, a module", "# module.hub.azurerm_private_endpoint.vault[0]:\n", "line 1: not JSON; export with -o json (this is the language of Terraform; use terraform show -json)"},
		{"configuration of Terraform", "resource \"azurerm_private_endpoint\" \"vault\" {", "line 1: not JSON; export with -o json (this is the language of Terraform; use terraform show -json)"},
		{"zone file", "; Exported zone file from Azure DNS\n$ORIGIN x.", "line 1: not JSON; export with -o json (this looks like a zone file, which belongs to the property zonefile)"},
		{"zone file without comments", "$ORIGIN x.", "line 1: not JSON; export with -o json (this looks like a zone file, which belongs to the property zonefile)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page, err := Decode([]byte(tc.in))
			if text(err) != tc.want || page.Endpoints != nil || page.Records != nil {
				t.Errorf("Decode(%s) = %+v, %q; want nothing, %q", tc.in, page, text(err), tc.want)
			}
		})
	}
}
