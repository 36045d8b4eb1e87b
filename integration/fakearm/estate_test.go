package fakearm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEstateFile(t *testing.T) {
	const text = `{"subscriptions": {"` + sub + `": [{"name": "pe", "group": "rg-a", "names": [{"fqdn": "a.example", "ip": "%s"}]}]}, "faults": [%s]}`
	path := filepath.Join(t.TempDir(), "estate.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf(text, "10.0.0.1", ""))
	a := start(t, Config{EstateFile: path})
	for _, tt := range []struct{ name, file, want string }{
		{"as it was", fmt.Sprintf(text, "10.0.0.1", ""), "10.0.0.1"},
		{"same size", fmt.Sprintf(text, "10.0.0.2", ""), "10.0.0.2"},
		{"half written", `{"subscriptions": {"`, "10.0.0.2"},
		{"fault", fmt.Sprintf(text, "10.0.0.3", `{"kind": "403", "path": "/privateEndpoints", "count": 1}`), "AuthorizationFailed"},
		{"fault is over", fmt.Sprintf(text, "10.0.0.3", `{"kind": "403", "path": "/privateEndpoints", "count": 1}`), "10.0.0.3"},
		{"empty", `{}`, "SubscriptionNotFound"},
	} {
		write(tt.file)
		if r, err := a.get(network + "/privateEndpoints" + version); err != nil || !strings.Contains(r.body, tt.want) {
			t.Errorf("%s: get = %s, %v; want %s in it", tt.name, r.body, err, tt.want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	a.SetEstate(Estate{sub: nil})
	if r, err := a.get(network + "/privateEndpoints" + version); err != nil || r.body != `{"value":[]}` {
		t.Errorf("without the file: get = %s, %v; want no endpoints", r.body, err)
	}
}

func TestEstateErrors(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"unknown key", `{"subscriptions": {"s": [{"nmae": "pe"}]}}`, `json: unknown field "nmae"`},
		{"unknown fault", `{"faults": [{"kind": "501"}]}`, `fault "501": the kinds are ["403" "404" `},
		{"no JSON", `subscriptions:`, `invalid character 's'`},
	} {
		path := filepath.Join(t.TempDir(), "estate.json")
		if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(Config{EstateFile: path})
		if want := "read the estate: " + path + ": " + tt.want; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: Start = %v; want %s", tt.name, err, want)
		}
	}
	if _, err := Start(Config{EstateFile: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("Start without its file succeeds")
	}
}
