package why

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// run runs the command and returns its status and output.
func run(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := command.Main(t.Context(), "prog", []command.Command{Command}, append([]string{"why"}, args...), command.Output{Stdout: &stdout, Stderr: &stderr})
	return status, stdout.String(), stderr.String()
}

// fake is plugin status with these answers.
func fake(t *testing.T, code int, body string) (address string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/why" || r.URL.Query().Get("name") != "a.blob.core.windows.net" {
			t.Errorf("request %s", r.URL)
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

const name = "a.blob.core.windows.net"

func TestServerFailures(t *testing.T) {
	for _, tt := range []struct {
		name string
		code int
		body string
		want string
	}{
		{"an error of the plugin", 400, `{"error": "name: it is bad"}`, "400 Bad Request: name: it is bad"},
		{"another server", 404, `<html>`, "404 Not Found: it is not plugin status of privatelink-dns"},
		{"not JSON", 200, `<html>`, "it is not plugin status of privatelink-dns: invalid character '<' looking for beginning of value"},
		{"an unknown kind", 200, `{"found": [{"kind": "new"}]}`, `it is not plugin status of privatelink-dns: unknown kind "new"`},
		{"a redirection", 302, ``, "302 Found: it is not plugin status of privatelink-dns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := fake(t, tt.code, tt.body)
			status, stdout, stderr := run(t, "-status", address, name)
			if status != command.Failed || stdout != "" || !strings.HasPrefix(stderr, "prog why: ask the running server: "+address+": "+tt.want+": check that") {
				t.Errorf("status %d, %s%s; want %s", status, stdout, stderr, tt.want)
			}
		})
	}
	for args, want := range map[string]string{
		"-status 127.0.0.1 " + name:             `-status: "127.0.0.1" is not an address with a port, such as 127.0.0.1:8053`,
		"-status http://127.0.0.1:8053 " + name: `-status: "http://127.0.0.1:8053" is not an address with a port, such as 127.0.0.1:8053`,
		"https://" + name + "/":                 `"https://` + name + `/": write the domain name or the IP address alone, without https://, a port or a path`,
	} {
		if status, _, stderr := run(t, strings.Fields(args)...); status != command.Failed || !strings.HasPrefix(stderr, "prog why: "+want+"\n") {
			t.Errorf("%s: status %d, %s; want %s", args, status, stderr, want)
		}
	}
	if status, _, stderr := run(t, "-status", "127.0.0.1:1", "-no-server", name); status != command.Failed || !strings.Contains(stderr, "exclude each other") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// found is the answer of a server with two blocks.
func found(all ...verdict.Finding) string {
	text, _ := json.Marshal(verdict.Why{Question: name, Found: all})
	return string(text)
}

func TestPrint(t *testing.T) {
	at := time.Now().Add(-2 * time.Hour)
	base := verdict.Verdict{
		Name: dnsname.Name(name + "."), Owner: "a.privatelink.blob.core.windows.net.", Zone: "privatelink.blob.core.windows.net.",
		Endpoint: "/subscriptions/1/pe-a\x1b[2J", Subscription: "1", Source: "azure 1",
	}
	served, held, gone := base, base, base
	served.Served, served.Kind, served.Step, served.Since, served.Addrs = true, verdict.Served, 3, at, []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	held = served
	held.Kind, held.Text, held.Remedy = verdict.HeldBack, "the last lists lack it", "check it"
	gone.Kind, gone.Step, gone.Answer, gone.Since, gone.Addrs, gone.Text = verdict.Removed, 4, verdict.Upstream, at, served.Addrs, "its source lost it"
	withheld, record := gone, served
	withheld.Answer = verdict.ServFail
	record.Endpoint = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/privateDnsZones/privatelink.x"
	var networks []ledger.Network
	for i := range 5 {
		networks = append(networks, ledger.Network{Prefix: netip.MustParsePrefix(fmt.Sprintf("10.1.%d.0/24", i))})
	}
	lacking := []ledger.Entry{
		{Name: string(base.Name), Count: 7, Last: at, Networks: networks},
		{Name: string(base.Owner), Count: 1, Last: at.Add(-time.Hour), Networks: networks[:1]},
	}
	when := at.Local().Format("2006-01-02 15:04") + " (2 hours ago)"
	const (
		private  = name + " is private: 10.0.0.1|  step 3: an alias of the record a.privatelink.blob.core.windows.net|"
		lost     = name + " is not private: its source lost it; it was 10.0.0.1 until WHEN|"
		endpoint = "  endpoint: pe-a\uFFFD[2J, subscription 1|"
		upstream = "  clients get the answer of the upstream, which may be public (step 4: the zone privatelink.blob.core.windows.net lacks it)"
		asked    = ": 8 times, last WHEN, by 10.1.0.0/24, 10.1.1.0/24, 10.1.2.0/24 and 2 more networks|"
	)
	for _, tt := range []struct {
		name   string
		in     []verdict.Finding
		status int
		want   string // with | at the end of each line
	}{
		{"served since", []verdict.Finding{{Verdict: served}}, 0, private + endpoint + "  source: azure 1, since WHEN|"},
		{"held back", []verdict.Finding{{Verdict: held}}, 0,
			private + endpoint + "  source: azure 1, which lacks it since WHEN|  note: the last lists lack it|  remedy: check it|"},
		{"removed, and asked for", []verdict.Finding{{Verdict: gone, Lacking: lacking}}, 1, lost + endpoint + "  source: azure 1|" + upstream + asked},
		{"removed, and protected", []verdict.Finding{{Verdict: withheld}}, 1, lost + endpoint + "  source: azure 1|" +
			"  clients get SERVFAIL in place of a public address, because of protect (step 4: the zone privatelink.blob.core.windows.net lacks it)|"},
		{"a record of a private DNS zone", []verdict.Finding{{Verdict: record}}, 0,
			private + "  endpoint: private DNS zone privatelink.x, subscription 1|  source: azure 1, since WHEN|"},
		{"two blocks that agree", []verdict.Finding{{Block: "Corefile:2", Verdict: served}, {Block: "Corefile:9", Verdict: served}}, 0,
			private + endpoint + "  source: azure 1, since WHEN|"},
		{"two blocks that differ", []verdict.Finding{{Block: "Corefile:2", Verdict: served}, {Block: "Corefile:9", Verdict: gone}}, 1,
			"in the block Corefile:2:|" + private + endpoint + "  source: azure 1, since WHEN|" +
				"in the block Corefile:9:|" + lost + endpoint + "  source: azure 1|" + upstream + "|"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, "-status", fake(t, 200, found(tt.in...)), name)
			want := strings.NewReplacer("|", "\n", "WHEN", when).Replace(tt.want)
			if status != tt.status || stdout != want || stderr != "" {
				t.Errorf("status %d\n%s%s\nwant %d\n%s", status, stdout, stderr, tt.status, want)
			}
		})
	}
}

// An address may have many names.
func TestPrintNames(t *testing.T) {
	var all []verdict.Finding
	for i := range 6 {
		owner := dnsname.Name(fmt.Sprintf("a%d.privatelink.blob.core.windows.net.", i))
		all = append(all, verdict.Finding{Verdict: verdict.Verdict{Name: owner, Owner: owner, Served: true, Kind: verdict.Served, Step: 1, Endpoint: "a.hosts:1"}})
	}
	status, stdout, _ := run(t, "-status", fake(t, 200, found(all...)), name)
	want := name + " is the address of 6 names:\n"
	for i := range 4 {
		want += fmt.Sprintf("  a%d.privatelink.blob.core.windows.net, a.hosts:1\n", i)
	}
	if want += "  and 2 more names, -json has them\n"; status != 0 || stdout != want {
		t.Errorf("status %d\n%s\nwant\n%s", status, stdout, want)
	}
}

// Files that the user names are read, also if the server of the Corefile runs.
func TestFilesInPlaceOfTheServer(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("Corefile", []byte(".:0 {\nstatus "+fake(t, 200, `{"found": []}`)+"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		want bool // the server is asked
	}{
		{nil, true},
		{[]string{"-files", "*.json"}, false},
		{[]string{"-hosts", "*.hosts"}, false},
		{[]string{"-zonefile", "*.zone"}, false},
		{[]string{"-state", "state"}, false},
		{[]string{"-no-server"}, false},
	} {
		_, stdout, stderr := run(t, append(tc.args, "-json", name)...)
		if got := strings.Contains(stdout, `"server"`); got != tc.want {
			t.Errorf("%q: asked = %v; want %v: %s%s", tc.args, got, tc.want, stdout, stderr)
		}
	}
}
