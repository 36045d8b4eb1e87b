package privateendpoint

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// streamed returns what Stream reads, as a page. A value of more than most bytes is too large.
func streamed(r io.Reader, most int) (p Page, ok bool) {
	s := stream{
		scanner:  newScanner(r, most),
		endpoint: func(e *Endpoint) { p.Endpoints = append(p.Endpoints, *e) },
		record:   func(set *RecordSet) { p.addRecord(*set) },
	}
	p.Documents, ok = s.documents()
	return p, ok
}

// Stream returns what Decode returns for each array that it accepts. Everything else is
// left to Decode.
func TestStream(t *testing.T) {
	const a, b = `{"id": "a", "customDnsConfigs": [{"fqdn": "x\"]}\\", "ipAddresses": ["10.0.0.4"]}]}`, `{"id": "b", "customDnsConfigs": []}`
	for _, tc := range []struct {
		name, text string
		ok         bool
	}{
		{"an empty array", " [\n] \n", true},
		{"one resource", "[" + a + "]", true},
		{"lines are counted", "\n[\r\n" + a + ",\n\n" + b + "\n,{\"type\": \"other\", \"id\": \"c\"\n}]\n", true},
		{"an element larger than the buffer", `[{"tags": "` + strings.Repeat("x", 200<<10) + `", "id": "a", "customDnsConfigs": []}` + ",\n" + b + "]", true},
		{"an element larger than the limit", `[{"tags": "` + strings.Repeat("x", maxResource) + `", "id": "a", "customDnsConfigs": []}]`, false},
		{"one object", a, true},
		{"a page", `{"count": 2, "data": [` + a + ", " + b + `], "skip_token": null, "total_records": 2}`, true},
		{"a page without its last record", `{"total_records": 3, "data": [` + a + ", " + b + "]}", false},
		{"a page with a link to the next one", `{"value": [` + a + `], "nextLink": "n"}`, false},
		{"a page that ends early", `{"value": [` + a + "]", false},
		{"a page with two lists", `{"value": [` + a + `], "data": [` + b + "]}", false},
		{"a page of another type", `{"value": [{"type": "other", "id": "c"}]}`, false},
		{"an empty page", `{"value": []}`, true},
		{"a list that is broken within", `{"count": 1x, "value": [` + a + "]}", false},
		{"lines of objects", a + "\n" + b + "\n", true},
		{"lines with another type", a + "\n" + `{"type": "other", "id": "c"}` + "\n" + b, true},
		{"lines of another type", `{"type": "other", "id": "c"}` + "\n" + `{"type": "other", "id": "d"}`, false},
		{"the last line cut", a + "\n" + b[:20], false},
		{"two arrays", "[" + a + "]\n[" + b + "]", true},
		{"two pages", `{"value": [` + a + "]}\n" + `{"value": [` + b + "]}", true},
		{"a state of Terraform", state(pe("a"), `{"resources": [`+pe("b")+`]}`), true},
		{"a state with two modules", state("", `{"resources": [`+pe("b")+`]}, {"address": "m", "child_modules": [{"resources": [`+pe("c")+`]}]}`), true},
		{"a state without an endpoint", state("", ""), false},
		{"a plan", strings.Replace(state(pe("a"), ""), `"x"`, `"planned_values"`, 1), false},
		{"a resource without an ID", state(pe(""), ""), false},
		{"a warning", "WARNING: x\n[" + a + "]", false},
		{"a warning behind it", "[" + a + "]\nWARNING: x", false},
		{"another type only", `[{"type": "other", "id": "c"}]`, false},
		{"another type last", "[" + a + `, {"type": "other", "id": "c"}]`, true},
		{"another type first", `[{"type": "other", "id": "c"}, ` + a + "]", true},
		{"a page within it", "[" + a + `, {"value": [` + b + "]}]", false},
		{"null within it", "[" + a + ", null]", false},
		{"an array within it", "[" + a + ", [" + b + "]]", false},
		{"no comma", "[" + a + " " + b + "]", false},
		{"a comma first", "[, " + a + "]", false},
		{"a comma last", "[" + a + ", ]", false},
		{"two commas", "[" + a + ",, " + b + "]", false},
		{"no end", "[" + a + ",", false},
		{"no end of the element", "[" + a + ", {\"id\": [", false},
		{"other brackets", "[" + strings.Replace(a, "}]}", "}}}", 1) + "]", false},
		{"not UTF-8", "[" + strings.Replace(a, "x", "\xff", 1) + "]", false},
		{"nothing", "", false},
		{"not JSON", "[" + a + "] x", false},
		{"NUL at the end", "[" + a + "]\x00", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want, err := Decode([]byte(tc.text))
			for name, r := range map[string]io.Reader{"at once": strings.NewReader(tc.text), "byte by byte": iotest.OneByteReader(strings.NewReader(tc.text))} {
				got, ok := streamed(r, maxResource)
				if ok != tc.ok || ok && (err != nil || !reflect.DeepEqual(got, want)) {
					t.Errorf("%s, Stream = %+v, %v; want %v, and Decode returns %+v, %v", name, got, ok, tc.ok, want, err)
				}
			}
			for most := 64; most < len(tc.text) && most < 1024; most++ { // objects are too large from various places on
				if got, ok := streamed(strings.NewReader(tc.text), most); ok && (err != nil || !reflect.DeepEqual(got, want)) {
					t.Errorf("with values of %d bytes, Stream = %+v; Decode returns %+v, %v", most, got, want, err)
				}
			}
		})
	}
}

// pe is a private endpoint in the state of Terraform.
func pe(id string) string {
	return `{"type": "azurerm_private_endpoint", "values": {"id": "` + id + `", "custom_dns_configs": [{"fqdn": "x", "ip_addresses": ["10.0.0.4"]}]}}`
}

// state is a state of Terraform with the resources of the root module and its child modules.
func state(resources, modules string) string {
	return `{"format_version": "1.0", "x": 1, "values": {"outputs": {}, "root_module": {"resources": [` + resources + `], "child_modules": [` + modules + `]}}}`
}

// Objects that are larger than a resource are read value by value: pages, and the state of
// Terraform.
func TestStreamLargeObjects(t *testing.T) {
	const endpoint = `{"id": "a", "customDnsConfigs": []}`
	for name, tc := range map[string]struct {
		text string
		ok   bool
	}{
		"a page":                          {`{"data": [` + many(endpoint) + `], "total_records": 9}`, true},
		"its keys in capitals":            {`{"VALUE": [` + many(endpoint) + "]}", true},
		"two pages":                       {`{"value": [` + many(endpoint) + "]}\n" + `{"data": [` + many(endpoint) + "]}", true},
		"a record is missing":             {`{"data": [` + many(endpoint) + `], "total_records": 99}`, false},
		"a link to a next page":           {`{"data": [` + many(endpoint) + `], "skip_token": "x"}`, false},
		"the same list twice":             {`{"data": [` + many(endpoint) + `], "data": []}`, false},
		"two lists":                       {`{"data": [` + many(endpoint) + `], "value": []}`, false},
		"no list":                         {`{"items": [` + many(endpoint) + "]}", false},
		"a state of Terraform":            {state(many(pe("a")), `{"resources": [`+many(pe("b"))+"]}"), true},
		"a module within a module":        {state("", `{"child_modules": [{"resources": [`+many(pe("a"))+"]}]}"), true},
		"a plan":                          {strings.Replace(state(many(pe("a")), ""), `"x"`, `"planned_values"`, 1), false},
		"values twice":                    {strings.Replace(state(many(pe("a")), ""), `"x"`, `"Values"`, 1), false},
		"modules before resources":        {`{"format_version": "1", "values": {"root_module": {"child_modules": [], "resources": [` + many(pe("a")) + "]}}}", false},
		"resources in capitals":           {strings.Replace(state(many(pe("a")), ""), `"resources"`, `"Resources"`, 1), false},
		"the format behind the values":    {`{"values": {"root_module": {"resources": [` + many(pe("a")) + `]}}, "format_version": "1"}`, false},
		"values of something else":        {`{"values": {"root_module": {"resources": [` + many(pe("a")) + "]}}}", false},
		"something broken beside":         {strings.Replace(state(many(pe("a")), ""), `"outputs": {}`, `"outputs": {"a"}`, 1), false},
		"an end that is missing":          {strings.TrimSuffix(state(many(pe("a")), ""), "}"), false},
		"a key that is null":              {`{null: 1, "value": [` + many(endpoint) + "]}", false},
		"a key with an escape":            {strings.Replace(state(many(pe("a")), ""), "format", `form\u0061t`, 1), false},
		"very many keys":                  {`{` + strings.Repeat(`"x": 1, `, maxFields) + `"value": [` + many(endpoint) + "]}", false},
		"modules within modules":          {state("", nested(maxModules)), false},
		"fewer of them":                   {state("", nested(maxModules-1)), true},
		"a comma that is missing":         {strings.Replace(state(many(pe("a")), ""), `1, "values"`, `1 "values"`, 1), false},
		"a colon that is missing":         {strings.Replace(state(many(pe("a")), ""), `"values":`, `"values"`, 1), false},
		"a key that is a number":          {strings.Replace(state(many(pe("a")), ""), `"x"`, `7`, 1), false},
		"a resource that is not readable": {state(many(pe("a"))+`, {"type": 7}`, ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := streamed(strings.NewReader(tc.text), 256)
			if want, err := Decode([]byte(tc.text)); ok != tc.ok || ok && (err != nil || !reflect.DeepEqual(got, want)) {
				t.Errorf("Stream = %+v, %v; want %v, and Decode returns %+v, %v", got, ok, tc.ok, want, err)
			}
		})
	}
}

// nested returns modules within one another, of which the last has a private endpoint.
func nested(depth int) string {
	return strings.Repeat(`{"child_modules": [`, depth-1) + `{"resources": [` + many(pe("a")) + "]}" + strings.Repeat("]}", depth-1)
}

func many(element string) string { return element + strings.Repeat(",\n"+element, 8) }

// Most fixtures are read by Stream.
func TestStreamFixtures(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.json")
	more, _ := filepath.Glob("testdata/*/*.json")
	number := 0
	for _, file := range append(files, more...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Decode(data)
		got, ok := streamed(bytes.NewReader(data), maxResource)
		if ok && (err != nil || !reflect.DeepEqual(got, want)) {
			t.Errorf("%s: Stream = %+v; want %+v, %v", file, got, want, err)
		}
		if ok {
			number++
		}
	}
	if number < 9 {
		t.Errorf("Stream reads %d of the fixtures; want most of them", number)
	}
}

// A file that cannot be read to its end is left to the one who reads it as a whole.
func TestStreamReadError(t *testing.T) {
	const text = `[{"id": "a", "customDnsConfigs": []}]`
	if _, ok := streamed(io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("bad disk"))), maxResource); ok {
		t.Error("Stream = true; want false after an error")
	}
}
