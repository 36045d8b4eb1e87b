package privateendpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// FuzzDecode starts from the fixtures, which are long: with
// -fuzzminimizetime=20x it spends its time on new documents.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	more, _ := filepath.Glob("testdata/*/*.json")
	if err != nil || len(files) == 0 || len(more) == 0 {
		f.Fatal(files, more, err)
	}
	files = append(files, more...)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"value": [{"id": "pe", "customDnsConfigs": [{"fqdn": "a", "ipAddresses": "10.0.0.4 fd00::4"}]}], "nextLink": "n"}`))
	f.Add([]byte(`[{"Id": "pe/privateDnsZoneGroups/g", "PrivateDnsZoneConfigs": [{"RecordSets": [{"Fqdn": "a"}]}]}, null]`))
	f.Add([]byte(`{"privateEndpoint": {"id": "pe"}, "ipConfigurations": [{"properties": {"privateLinkConnectionProperties": {"fqdns": "a b"}}}]}`))
	f.Add([]byte("[\r\n{\"type\": \"microsoft.network/privateendpoints\", \"properties\": \"@{}\"}\r\n]"))
	f.Add([]byte("WARNING: x\n[{\"id\": \"pe\", \"customDnsConfigs\": []}]\n\ufeff{\"id\": \"pe\", \"customDnsConfigs\": []}\n[]\nWARNING: y"))
	f.Add([]byte(`[{"id": "/s/privateDnsZones/z/A/@", "records": [{"value": {"ipv4Address": "10.0.0.4"}}]}]`))
	f.Add([]byte(`{"format_version": "1", "values": {"root_module": {"resources": [], "child_modules": [{"reſources": [], "resources": []}]}}}`))
	f.Add([]byte(`{"a": {"sensitive": false, "value": 1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		page, err := Decode(data)
		again, errAgain := Decode(data)
		if !reflect.DeepEqual(page, again) || text(err) != text(errAgain) {
			t.Errorf("Decode(%q) = %+v, %v; a second time %+v, %v", data, page, err, again, errAgain)
		}
		if err != nil && (page.Endpoints != nil || page.Records != nil || page.Next != "") {
			t.Errorf("Decode(%q) = %+v, %v; want nothing beside the error", data, page, err)
		}
		for _, most := range []int{maxResource, len(data)/2 + 1, 64} {
			if streamed, ok := streamed(bytes.NewReader(data), most); ok && (err != nil || !reflect.DeepEqual(streamed, page)) {
				t.Errorf("Stream(%q) with values of %d bytes = %+v; Decode returns %+v, %v", data, most, streamed, page, err)
			}
		}
		if strict, err := DecodePage(data); err == nil && !reflect.DeepEqual(strict, page) {
			t.Errorf("DecodePage(%q) = %+v; Decode returns %+v", data, strict, page)
		}
		last, count := 1, 1+bytes.Count(data, []byte("\n"))
		for _, e := range page.Endpoints {
			if e.ID == "" || e.Line < last || e.Line > count {
				t.Errorf("Decode(%q) = %+v; want an ID, and a line from %d to %d", data, e, last, count)
			}
			last = e.Line
		}
		for _, r := range page.Records {
			if r.Zone == "" || r.FQDN == "" || r.Type == "" || r.Line < 1 || r.Line > count {
				t.Errorf("Decode(%q) = %+v; want a zone, a name, a type, and a line up to %d", data, r, count)
			}
		}
		if _, err := Decode(append(slices.Clip(data), "\n[{"...)); err == nil {
			t.Errorf("Decode(%q and half an array) = no error", data)
		}
	})
}
