package privateendpoint

import (
	"strings"
	"testing"
)

// A listing that is not whole is an error, in a file as in a page of ARM.
func TestHalfAListing(t *testing.T) {
	const one = `{"id": "pe", "type": "Microsoft.Network/privateEndpoints", "customDnsConfigs": []}`
	const unknown = " is not a string, so the next page is unknown"
	const continues = ", which is not supported: export all pages"
	for _, tc := range []struct{ name, in, want string }{
		{"nextLink a number", "{\"value\": [],\n\"nextLink\": 7}", `line 2: "nextLink"` + unknown},
		{"nextLink an object", `{"value": [], "nextLink": {"href": "n"}}`, `line 1: "nextLink"` + unknown},
		{"nextLink true", `{"value": [], "nextLink": true}`, `line 1: "nextLink"` + unknown},
		{"nextLink false", `{"value": [], "nextLink": false}`, `line 1: "nextLink"` + unknown},
		{"nextLink an array", `{"value": [], "nextLink": ["n"]}`, `line 1: "nextLink"` + unknown},
		{"nextLink before the list", `{"nextLink": 7, "value": []}`, `line 1: "nextLink"` + unknown},
		{"nextLink in another case", `{"value": [], "NEXTLINK": 7}`, `line 1: "NEXTLINK"` + unknown},
		{"nextLink twice", `{"value": [], "nextLink": "n", "nextLink": null}`, `line 1: "nextLink" is specified more than once`},
		{"nextLink twice in two cases", `{"value": [], "nextLink": null, "NextLink": "n"}`, `line 1: "NextLink" is specified more than once`},
		{"two links", `{"value": [], "nextLink": "n", "skip_token": "t"}`, `line 1: "skip_token" is a second link to a next page`},
		{"skip token a number", `{"data": [], "$skipToken": 7}`, `line 1: "$skipToken"` + unknown},
		{"OData", `{"value": [], "@odata.nextLink": "n"}`, `line 1: the listing continues under "@odata.nextLink"` + continues},
		{"old OData", `{"value": [], "odata.nextLink": "n"}`, `line 1: the listing continues under "odata.nextLink"` + continues},
		{"snake case", `{"value": [], "next_link": "n"}`, `line 1: the listing continues under "next_link"` + continues},
		{"next", `{"value": [], "next": {"href": "n"}}`, `line 1: the listing continues under "next"` + continues},
		{"continuation token", `{"value": [], "continuationToken": "t"}`, `line 1: the listing continues under "continuationToken"` + continues},
		{"list twice", `{"value": [` + one + `], "value": []}`, `line 1: "value" is specified more than once`},
		{"list twice in two cases", "{\"value\": [],\n\"Value\": [" + one + "]}", `line 2: "value" is specified more than once`},
		{"list and null", `{"value": [], "value": null}`, `line 1: "value" is specified more than once`},
		{"data twice", `{"data": [], "data": []}`, `line 1: "data" is specified more than once`},
		{"both lists", `{"value": [], "data": []}`, `line 1: "data" beside "value": one list is expected`},
		{"list and another value", `{"value": {}, "data": []}`, `line 1: "value" beside "data": one list is expected`},
		{"truncated result", `{"data": [], "resultTruncated": "true"}`, `line 1: "resultTruncated" is true, the listing is not whole: export all pages`},
		{"truncated result, flag", `{"data": [], "result_truncated": true}`, `line 1: "result_truncated" is true, the listing is not whole: export all pages`},
		{"fewer records than the total", `{"data": [` + one + `], "total_records": 250, "skip_token": null}`, `line 1: "total_records" is 250, but the list has 1 resources: export all pages`},
		{"error beside the list", `{"value": [], "error": {"code": "InternalServerError"}}`, `line 1: an error beside the list: "InternalServerError"`},
		{"pages within an array", "[{\"value\": [" + one + "]},\n{\"value\": []}]", "line 1: a page within a list: write each page to its own file, or join their lists"},
		{"page within a page", `{"value": [{"value": [` + one + `]}]}`, "line 1: a page within a list: write each page to its own file, or join their lists"},
		{"second page cut", `{"value": [` + one + `], "nextLink": "n"}{"value": [`, "line 1: unexpected end of JSON input"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page, err := Decode([]byte(tc.in))
			if text(err) != tc.want || page.Endpoints != nil || page.Next != "" {
				t.Errorf("Decode(%.200q) = %+v, %q; want nothing, %q", tc.in, page, text(err), tc.want)
			}
			if page, err := DecodePage([]byte(tc.in)); err == nil || page.Endpoints != nil || page.Next != "" {
				t.Errorf("DecodePage(%.200q) = %+v, %v; want an error", tc.in, page, err)
			}
		})
	}
}

// A page of ARM must have a list under "value", of resources.
func TestDecodePage(t *testing.T) {
	const none = `not a page of a listing: it has no array under "value"`
	const good = `{"id": "pe", "type": "Microsoft.Network/privateEndpoints", "properties": {}}`
	for _, tc := range []struct{ name, in, want string }{
		{"empty page", `{"value": []}`, ""},
		{"last page", `{"value": [` + good + `], "nextLink": null}`, ""},
		{"a page with a link", `{"value": [` + good + `], "nextLink": "n"}`, ""},
		{"a resource of another type", `{"value": [` + good + `, {"id": "vm", "type": "Microsoft.Network/networkInterfaces"}]}`, ""},
		{"empty", ``, "the document is empty"},
		{"empty object", `{}`, none},
		{"null", `null`, "line 1: null where an object or an array is expected"},
		{"array", `[]`, none},
		{"array of resources", `[` + good + `]`, none},
		{"one resource", good, none},
		{"no value", `{"nextLink": "n"}`, none},
		{"value null", `{"value": null}`, none},
		{"value an object", `{"value": {"id": "pe"}}`, none},
		{"value a string", `{"value": "[]"}`, none},
		{"list of Resource Graph", `{"data": []}`, none},
		{"list in properties", `{"properties": {"value": []}}`, none},
		{"error of ARM", `{"error": {"code": "AuthorizationFailed", "message": "no"}}`, `an error in place of a listing: "AuthorizationFailed"`},
		{"error without a code", `{"error": "no"}`, none},
		{"HTML", `<!DOCTYPE html>`, "line 1: invalid character '<' looking for beginning of value"},
		{"null in the list", `{"value": [` + good + `, null]}`, "line 1: null where a resource is expected"},
		{"empty object in the list", "{\"value\": [" + good + ",\n{}]}", "line 2: the resource has no id"},
		{"resource without a type", `{"value": [` + good + `, {"id": "pe2"}]}`, "line 1: the resource has no type and no DNS configuration"},
		{"number in the list", `{"value": [` + good + `, 7]}`, "line 1: the resource: a JSON number is not what belongs there"},
		{"endpoint without an ID", `{"value": [{"name": "pe", "type": "Microsoft.Network/privateEndpoints"}]}`, "line 1: the resource has no id"},
		{"interface without an ID", `{"value": [{"type": "Microsoft.Network/networkInterfaces", "privateEndpoint": {"id": "pe"}}]}`, "line 1: the resource has no id"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page, err := DecodePage([]byte(tc.in))
			if text(err) != tc.want || err != nil && (page.Endpoints != nil || page.Next != "") {
				t.Errorf("DecodePage(%.200q) = %+v, %q; want %q", tc.in, page, text(err), tc.want)
			}
		})
	}
	// Each page of a real listing is one for both decoders.
	for _, name := range []string{"arm-list.json", "nics-arm.json", "zonegroups-arm.json"} {
		page, err := DecodePage(fixture(t, name))
		if err != nil || len(page.Endpoints) == 0 || !strings.HasPrefix(page.Endpoints[0].Resource, "/subscriptions/") {
			t.Errorf("DecodePage(%s) = %+v, %v; want endpoints with the IDs of their resources", name, page, err)
		}
	}
}
