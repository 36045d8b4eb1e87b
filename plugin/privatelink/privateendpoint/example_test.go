package privateendpoint_test

import (
	"fmt"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

// An export of `az network private-endpoint list -o json`.
func ExampleDecode() {
	page, err := privateendpoint.Decode([]byte(`[{
		"id": "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe-vault",
		"type": "Microsoft.Network/privateEndpoints",
		"customDnsConfigs": [{"fqdn": "account.blob.core.windows.net", "ipAddresses": ["10.20.0.4"]}],
		"privateLinkServiceConnections": [{"privateLinkServiceConnectionState": {"status": "Approved"}}]
	}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, endpoint := range page.Endpoints {
		fmt.Println(endpoint.Status, endpoint.DNS)
	}

	_, err = privateendpoint.Decode([]byte("[{\n\"id\": 7\n}]"))
	fmt.Println(err)
	// Output:
	// Approved [{account.blob.core.windows.net [10.20.0.4]}]
	// line 1: ID: a JSON number is not what belongs there
}
