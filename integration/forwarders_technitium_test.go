package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A technitium has the part of the API of Technitium DNS Server that the printed script
// calls: conditional forwarder zones with FWD records.
type technitium struct {
	t     *testing.T
	mu    sync.Mutex
	zones map[string]*technitiumZone
	calls []string // those that change something
}

type technitiumZone struct {
	kind       string
	forwarders []string
	addresses  []string // records that somebody added
}

const technitiumToken = "0123456789abcdef"

func (s *technitium) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reply any = map[string]string{"status": "invalid-token"}
	if r.Method == http.MethodPost && r.URL.RawQuery == "" && r.PostFormValue("token") == technitiumToken {
		response, err := s.call(r)
		reply = map[string]any{"status": "ok", "response": response}
		if err != nil {
			reply = map[string]string{"status": "error", "errorMessage": err.Error()}
		}
	}
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		s.t.Error(err)
	}
}

func (s *technitium) call(r *http.Request) (any, error) {
	path, name, forwarder := strings.TrimPrefix(r.URL.Path, "/api/zones/"), r.PostFormValue("zone"), r.PostFormValue("forwarder")
	zone := s.zones[name]
	if path == "list" {
		return s.list(), nil
	}
	if exists := zone != nil; exists == (path == "create") {
		return nil, fmt.Errorf("%s: zone %q: exists = %t", path, name, exists)
	}
	if path == "records/get" {
		return zone.records(name), nil
	}
	s.calls = append(s.calls, path+" "+name+" "+forwarder)
	switch path {
	case "create":
		if r.PostFormValue("type") != "Forwarder" || r.PostFormValue("dnssecValidation") != "false" {
			return nil, fmt.Errorf("create: %v", r.PostForm)
		}
		s.zones[name] = &technitiumZone{kind: "Forwarder", forwarders: []string{forwarder}}
	case "delete":
		delete(s.zones, name)
	case "records/add":
		zone.forwarders = append(zone.forwarders, forwarder)
	case "records/delete":
		zone.forwarders = slices.DeleteFunc(zone.forwarders, func(other string) bool { return other == forwarder })
		if len(zone.forwarders) == 0 {
			s.t.Errorf("%s has no forwarder for a time", name)
		}
	default:
		return nil, fmt.Errorf("no such call: %s", path)
	}
	return nil, nil
}

func (s *technitium) list() any {
	all := []map[string]string{}
	for name, zone := range s.zones {
		all = append(all, map[string]string{"name": name, "type": zone.kind})
	}
	return map[string]any{"zones": all}
}

func (z *technitiumZone) records(name string) any {
	all := []map[string]any{{"name": name, "type": "SOA", "rData": map[string]any{"serial": 1}}}
	for _, forwarder := range z.forwarders {
		all = append(all, map[string]any{"name": name, "type": "FWD", "rData": map[string]any{"protocol": "Udp", "forwarder": forwarder}})
	}
	for _, address := range z.addresses {
		all = append(all, map[string]any{"name": "x." + name, "type": "A", "rData": map[string]any{"ipAddress": address}})
	}
	return map[string]any{"records": all}
}

func (s *technitium) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for name, zone := range s.zones {
		lines = append(lines, name+" "+zone.kind+" "+strings.Join(zone.forwarders, " "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// called returns the calls since the last time.
func (s *technitium) called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// The printed script brings a server to the printed forwarders, removes those of earlier
// runs and nothing else, and may be run again.
func TestForwardersCommandForTechnitium(t *testing.T) {
	t.Parallel()
	need(t, "curl", "curl")
	need(t, "jq", "jq")
	s := prepare(t, ". {\n    privatelink {\n        cloud usgov\n        files vault.json\n    }\n}\n")
	printed, stderr, status := s.command("forwarders -conf Corefile -format technitium -server 10.0.0.4 -server [fd00::4]:5353")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	s.write("printed", printed)
	const servers = "10.0.0.4 [fd00::4]:5353"
	api := &technitium{t: t, zones: map[string]*technitiumZone{
		"":                                    {kind: "Secondary"},
		"*":                                   {kind: "Primary"},
		"corp.example":                        {kind: "Primary"},
		"contoso.internal":                    {kind: "Forwarder", forwarders: strings.Fields(servers)},
		"backup.windowsazure.us":              {kind: "Forwarder", forwarders: []string{"10.0.0.9"}},
		"old.blob.core.usgovcloudapi.net":     {kind: "Forwarder", forwarders: strings.Fields("[fd00::4]:5353 10.0.0.4")},
		"own.blob.core.usgovcloudapi.net":     {kind: "Forwarder", forwarders: strings.Fields(servers), addresses: []string{"10.0.9.9"}},
		"mine.blob.core.usgovcloudapi.net":    {kind: "Forwarder", forwarders: []string{"10.0.0.4"}},
		"notblob.core.usgovcloudapi.net":      {kind: "Forwarder", forwarders: strings.Fields(servers)},
		"queue.core.usgovcloudapi.net":        {kind: "Forwarder", forwarders: strings.Fields(servers)},
		"signed.queue.core.usgovcloudapi.net": {kind: "Primary"},
	}}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	run := func(token string, args ...string) (string, error) {
		cmd := exec.Command("sh", append([]string{"printed"}, args...)...)
		cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "TECHNITIUM_URL="+server.URL, "TECHNITIUM_TOKEN="+token)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	before := api.String()
	if out, err := run("wrong"); err == nil || !strings.Contains(out, "zones/list: invalid-token") {
		t.Errorf("with a wrong token: %v\n%s", err, out)
	}
	if out, err := run(technitiumToken, "-n"); err != nil || api.String() != before || !strings.Contains(out, "delete old.blob.core.usgovcloudapi.net") {
		t.Errorf("-n: %v\n%s\n%s", err, out, api)
	}
	out, err := run(technitiumToken)
	want := strings.Join([]string{
		" Secondary ", "* Primary ", "backup.windowsazure.us Forwarder " + servers, "blob.core.usgovcloudapi.net Forwarder " + servers,
		"contoso.internal Forwarder " + servers, "corp.example Primary ", "mine.blob.core.usgovcloudapi.net Forwarder 10.0.0.4",
		"notblob.core.usgovcloudapi.net Forwarder " + servers,
		"own.blob.core.usgovcloudapi.net Forwarder " + servers, "queue.core.usgovcloudapi.net Forwarder " + servers, "signed.queue.core.usgovcloudapi.net Primary ",
		"siterecovery.windowsazure.us Forwarder " + servers,
	}, "\n")
	if err != nil || api.String() != want || !strings.Contains(out, "contoso.internal goes to the same servers") {
		t.Errorf("%v\n%s\n got\n%s\nwant\n%s", err, out, api, want)
	}
	api.called()
	out, err = run(technitiumToken)
	if calls := api.called(); err != nil || len(calls) > 0 {
		t.Errorf("run again: %v %q\n%s", err, calls, out)
	}

	api.mu.Lock()
	api.zones["blob.core.usgovcloudapi.net"] = &technitiumZone{kind: "Primary", forwarders: nil}
	api.zones["old.blob.core.usgovcloudapi.net"] = &technitiumZone{kind: "Forwarder", forwarders: strings.Fields(servers)}
	api.mu.Unlock()
	const refused = "Nothing was changed: blob.core.usgovcloudapi.net is a zone of another type."
	out, err = run(technitiumToken)
	if calls := api.called(); err == nil || len(calls) > 0 || !strings.Contains(out, refused) {
		t.Errorf("with a zone of another type: %v %q\n%s", err, calls, out)
	}
	note(t, "Configuration by `forwarders`", "Technitium", "loaded", "script run against a fake API")
}
