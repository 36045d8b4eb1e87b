package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// whyCorefile has status, and syncs seldom enough that a test sees a name that is held
// back.
const whyCorefile = `
.:{$PORT} {
    bind 127.0.0.1
    errors
    status 127.0.0.1:{$PORT_STATUS}
    privatelink {
        cloud {$ARM}
        azure ` + subscription + `
        refresh 2s
    }
    forward . {$UPSTREAM}
}
`

// why runs the command with the server's Corefile and environment.
func (s *server) why(args ...string) (stdout, stderr string, status int) {
	s.t.Helper()
	cmd := exec.Command(built(s.t), append(append([]string{"why"}, args...), s.args...)...)
	cmd.Dir, cmd.Env = s.dir, os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if exit := (*exec.ExitError)(nil); !errors.As(cmd.Run(), &exit) && cmd.ProcessState == nil {
		s.t.Fatal("why did not run")
	}
	return out.String(), failed.String(), cmd.ProcessState.ExitCode()
}

// whyBecomes waits until the verdict about a name has the kind. It returns the output
// for people of that time or later.
func (s *server) whyBecomes(name, kind string) string {
	s.t.Helper()
	eventually(s.t, name+" becomes "+kind, func() bool {
		out, _, _ := s.why(name, "-json")
		var r struct {
			Answers []struct{ Found []struct{ Kind string } }
		}
		return json.Unmarshal([]byte(out), &r) == nil && len(r.Answers) == 1 && len(r.Answers[0].Found) == 1 && r.Answers[0].Found[0].Kind == kind
	})
	out, _, _ := s.why(name)
	return out
}

// The reason of a name follows its life: the endpoint is pending, approved, loses the
// name, and Azure refuses to list it.
func TestWhyLive(t *testing.T) {
	t.Parallel()
	const data = "datawe.blob.core.windows.net"
	pending := fakearm.Endpoint{
		Name: "pe-data", Group: "rg-data", Status: "Pending", Manual: true, Target: "Microsoft.Storage/storageAccounts/datawe", Member: "blob",
		Names: []fakearm.Name{{FQDN: data, IP: "10.20.0.40"}},
	}
	s, arm := serveLive(t, whyCorefile, false, vaultEndpoint(fc1, blob), pending)
	has := func(got string, want ...string) {
		t.Helper()
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("got %s; want %q in it", got, text)
			}
		}
	}
	has(s.whyBecomes(blob, "served"), "is private: 10.20.0.5", "endpoint: pe-vault-we (vault pe-vault-we), subscription "+subscription, ", since ")
	has(s.whyBecomes(data, "not_approved"), "its connection is Pending", "pe-data (storageAccounts datawe)", "remedy: approve the connection")
	if out, stderr, status := s.why("10.20.0.5"); status != 0 || stderr != "" || !strings.Contains(out, "is private: 10.20.0.5") {
		t.Errorf("why 10.20.0.5: status %d\n%s%s", status, out, stderr)
	}

	arm.Update(func(e fakearm.Estate) { e[subscription][1].Status = "Approved" })
	has(s.whyBecomes(data, "served"), "is private: 10.20.0.40", "pe-data")

	arm.Update(func(e fakearm.Estate) { e[subscription][0] = vaultEndpoint(fc1) })
	s.whyBecomes(blob, "held_back")
	has(s.whyBecomes(blob, "removed"), "its source lost it; it was 10.20.0.5 until ", "endpoint: pe-vault-we")

	arm.SetFaults(fakearm.Fault{Kind: fakearm.Forbidden})
	eventually(t, "a note about the source", func() bool {
		out, _, _ := s.why(data)
		return strings.Contains(out, "note: its last good record is served: its source cannot be read: ")
	})
	arm.SetFaults()

	s.stop(t)
	out, stderr, status := s.why(data)
	if status != 0 || !strings.Contains(stderr, "the running server cannot be asked: ") || !strings.Contains(out, "is private: 10.20.0.40") {
		t.Errorf("without the server: status %d\n%s%s", status, out, stderr)
	}
}

// A second server with the port of status in use serves DNS. Its log has a warning, and
// the command asks the first one.
func TestStatusPortInUse(t *testing.T) {
	t.Parallel()
	first, _ := serve(t, corefile("status 127.0.0.1:{$PORT_STATUS}"))
	second, _ := serve(t, corefile("status "+first.addr("_STATUS")))
	second.logs(`\[WARNING\] plugin/status: Off, DNS is not affected: listen tcp ` + first.addr("_STATUS") + `: `)
	second.remains(fc1, fc1Served)
	for _, s := range []*server{first, second} {
		if out, stderr, status := s.why(fc1, "-status", first.addr("_STATUS")); status != 0 || stderr != "" || !strings.Contains(out, "is private: 10.20.0.4") {
			t.Errorf("why: status %d\n%s%s", status, out, stderr)
		}
	}
}
