// Package bicep tests the Bicep files in deploy/azure. The compiler is not in a package
// registry of Go, Debian or Node.js, so three things stand in for it: a grammar, a check
// of names and parameters, and the types of the Azure SDK, which have every property.
package bicep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v6"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v8"
)

const folder = "../../deploy/azure"

// A template is a parsed Bicep file.
type template struct {
	Errors     []string
	Parameters []struct {
		Name     string
		Optional bool
	}
	Resources []struct {
		Symbol, Type string
		Body         map[string]any
	}
	Modules []struct {
		Symbol, Path string
		Parameters   []string
	}
}

// names returns the parameters, or those that have to be set.
func (t template) names(required bool) (all []string) {
	for _, p := range t.Parameters {
		if !required || !p.Optional {
			all = append(all, p.Name)
		}
	}
	return all
}

var temporary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "privatelink-dns-bicep-")
	if err != nil {
		panic(err)
	}
	temporary = folder
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

// grammar installs the parser once and returns its folder.
var grammar = sync.OnceValues(func() (string, error) {
	if err := os.CopyFS(temporary, os.DirFS("testdata")); err != nil {
		return "", err
	}
	cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps",
		"tree-sitter-bicep@1.1.0", "web-tree-sitter@0.27.1")
	cmd.Dir = temporary
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return temporary, nil
})

func parse(t *testing.T, text string) (parsed template) {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("no npm here: install the Debian package npm")
	}
	dir, err := grammar()
	if err != nil {
		t.Skipf("no grammar of Bicep here: %v", err)
	}
	cmd := exec.Command("node", "--liftoff-only", "bicep.mjs")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(text)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if err := json.Unmarshal(out, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each file parses, every name in it is declared, and modules get their parameters.
func TestBicep(t *testing.T) {
	paths, err := filepath.Glob(folder + "/*.bicep")
	if err != nil || len(paths) < 3 {
		t.Fatalf("%d files, %v; want 3 or more", len(paths), err)
	}
	for _, path := range paths {
		parsed := parse(t, read(t, filepath.Base(path)))
		if len(parsed.Errors) > 0 {
			t.Errorf("%s: %q", path, parsed.Errors)
		}
		for _, m := range parsed.Modules {
			if want := parse(t, read(t, m.Path)).names(false); !slices.Equal(m.Parameters, want) {
				t.Errorf("%s: module %s sets %q; want %q", path, m.Symbol, m.Parameters, want)
			}
		}
	}
}

// The parser reports the usual errors.
func TestParser(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a missing brace", "var x = {\n  a: 1\n", "line "},
		{"an unknown name", "param a string\noutput o string = b\n", "line 2: unknown name b"},
		{"an unknown function", "output o string = tolower('A')\n", "line 1: unknown function tolower"},
		{"an unused parameter", "param a string\n", "line 1: a is not used"},
	} {
		if got := strings.Join(parse(t, tt.text).Errors, ", "); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

// The sample of parameters sets those that have no default, and no others that exist.
func TestParameters(t *testing.T) {
	parsed := parse(t, read(t, "main.bicep"))
	var set []string
	for _, m := range regexp.MustCompile(`(?m)^param (\w+) =`).FindAllStringSubmatch(read(t, "main.bicepparam"), -1) {
		set = append(set, m[1])
		if !slices.Contains(parsed.names(false), m[1]) {
			t.Errorf("main.bicep has no parameter %s", m[1])
		}
	}
	for _, name := range parsed.names(true) {
		if !slices.Contains(set, name) {
			t.Errorf("main.bicepparam does not set %s", name)
		}
	}
}

// A text that main.bicep replaces is in the file that it loads. Otherwise the machines
// would have the sample's value, and nothing would fail.
func TestReplacements(t *testing.T) {
	loaded := read(t, "Corefile") + read(t, "cloud-init.yaml")
	found := regexp.MustCompile(`(?:corefile|with\w+|served|yaml'\)|restartTimes\[i\]\)), '([^'$]+)'`).FindAllStringSubmatch(read(t, "main.bicep"), -1)
	if len(found) != 6 {
		t.Errorf("%d replacements in main.bicep; want 6: %q", len(found), found)
	}
	for _, m := range found {
		if strings.Count(loaded, m[1]) != 1 {
			t.Errorf("%q is %d times in Corefile and cloud-init.yaml; want once", m[1], strings.Count(loaded, m[1]))
		}
	}
}

// types are those of the Azure SDK for the resources. A property that they do not have
// is lost when they decode and encode a resource.
var types = map[string]func() any{
	"Microsoft.Authorization/roleAssignments":          func() any { return &armauthorization.RoleAssignmentCreateParameters{} },
	"Microsoft.Compute/virtualMachines":                func() any { return &armcompute.VirtualMachine{} },
	"Microsoft.ManagedIdentity/userAssignedIdentities": func() any { return &armmsi.Identity{} },
	"Microsoft.Network/loadBalancers":                  func() any { return &armnetwork.LoadBalancer{} },
	"Microsoft.Network/networkInterfaces":              func() any { return &armnetwork.Interface{} },
	"Microsoft.Network/networkSecurityGroups":          func() any { return &armnetwork.SecurityGroup{} },
}

// Every property of every resource is one of Azure's, with the right kind of value.
func TestSchema(t *testing.T) {
	count := 0
	for _, name := range []string{"main.bicep", "reader-subscription.bicep", "reader-management-group.bicep"} {
		for _, r := range parse(t, read(t, name)).Resources {
			kind, version, _ := strings.Cut(r.Type, "@")
			if types[kind] == nil || !regexp.MustCompile(`^20\d\d-\d\d-\d\d$`).MatchString(version) {
				t.Errorf("%s: %s has the unknown type %s", name, r.Symbol, r.Type)
				continue
			}
			for _, wrong := range lost(r.Body, types[kind]()) {
				t.Errorf("%s: %s: %s", name, r.Symbol, wrong)
			}
			count++
		}
	}
	if count != 7 {
		t.Errorf("%d resources; want 7", count)
	}
}

func TestSchemaFindsErrors(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"a good one", `{"properties":{"probes":[{"properties":{"port":8181}}]}}`, ""},
		{"an unknown property", `{"properties":{"probes":[{"properties":{"ports":8181}}]}}`, "properties.probes.0.properties.ports is unknown"},
		{"another kind of value", `{"properties":{"probes":[{"properties":{"port":"8181"}}]}}`, "cannot unmarshal string"},
	} {
		var body map[string]any
		if err := json.Unmarshal([]byte(tt.body), &body); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(lost(body, &armnetwork.LoadBalancer{}), ", "); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

// lost returns the properties of the body that the type does not have. The name of a
// resource is part of its address, and the SDK sends it in no body.
func lost(body map[string]any, into any) (all []string) {
	body = maps.Clone(body)
	delete(body, "name")
	text, err := json.Marshal(body)
	if err != nil {
		return []string{err.Error()}
	}
	if err := json.Unmarshal(text, into); err != nil {
		return []string{err.Error()}
	}
	again, err := json.Marshal(into)
	if err != nil {
		return []string{err.Error()}
	}
	var kept any
	if err := json.Unmarshal(again, &kept); err != nil {
		return []string{err.Error()}
	}
	return missing("", any(body), kept)
}

// missing compares two JSON values by their keys.
func missing(path string, want, got any) (all []string) {
	switch want := want.(type) {
	case map[string]any:
		have, _ := got.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if _, ok := have[key]; !ok {
				all = append(all, strings.TrimPrefix(path+"."+key, ".")+" is unknown")
				continue
			}
			all = append(all, missing(path+"."+key, want[key], have[key])...)
		}
	case []any:
		have, _ := got.([]any)
		for i := range min(len(want), len(have)) {
			all = append(all, missing(fmt.Sprintf("%s.%d", path, i), want[i], have[i])...)
		}
	}
	return all
}
