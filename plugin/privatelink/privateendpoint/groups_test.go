package privateendpoint

import "testing"

// The groups only explain: an unexpected value is no reason to reject an export.
func TestGroups(t *testing.T) {
	for _, tt := range []struct{ name, ids, dns, want string }{
		{"an endpoint that is not approved", `["blob"]`, `[]`, "blob"},
		{"several groups", `["Sql","Sql-eastus"]`, `[]`, "Sql Sql-eastus"},
		{"shortened by PowerShell", `"blob queue"`, `[]`, "blob queue"},
		{"null", `null`, `[]`, ""},
		{"an object", `{"a": 1}`, `[]`, ""},
		{"its DNS configuration has the names", `["blob"]`, `[{"fqdn": "a.example.com", "ipAddresses": ["10.0.0.1"]}]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, err := Decode([]byte(`[{"id": "/pe", "type": "Microsoft.Network/privateEndpoints", "customDnsConfigs": ` + tt.dns +
				`, "manualPrivateLinkServiceConnections": [{"properties": {"groupIds": ` + tt.ids + `}}]}]`))
			if err != nil || len(page.Endpoints) != 1 || page.Endpoints[0].Groups != tt.want {
				t.Errorf("Decode(%s) = %+v, %v; want the groups %q", tt.ids, page.Endpoints, err, tt.want)
			}
		})
	}
}
