package integration

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// An identity endpoint that is silent or fails is in the log within 10 s, and the
// names are served as soon as it answers. No proxy is asked for it.
func TestLiveIdentityFails(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault fakearm.Fault
		want  string
	}{
		{"silent", fakearm.Fault{Kind: fakearm.Swallow, Path: "/msi/token"}, `still waiting for a token from the managed identity: 127\.0\.0\.1:\d+ does not answer`},
		{"unavailable", fakearm.Fault{Kind: fakearm.Unavailable, Path: "/msi/token"}, `still waiting for a token from the managed identity: 127\.0\.0\.1:\d+ answers 503 \(Service Unavailable\)`},
		{"not found", fakearm.Fault{Kind: fakearm.NotFound, Path: "/msi/token"}, `no token from the managed identity: 127\.0\.0\.1:\d+ answers 404 \(Not Found\)`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			arm, err := fakearm.Start(fakearm.Config{Estate: fakearm.Estate{subscription: {vaultEndpoint(fc1)}}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(arm.Close)
			arm.SetFaults(tc.fault)
			s := prepare(t, live())
			s.env["ARM"], s.env["UPSTREAM"], s.env["HTTP_PROXY"] = arm.URL, azure(t).Addr, "http://192.0.2.1:3128"
			s.write("ca.pem", string(arm.CA))
			for _, variable := range arm.IdentityEnv(filepath.Join(s.dir, "ca.pem")) {
				name, value, _ := strings.Cut(variable, "=")
				s.env[name] = value
			}
			s.start()
			begin := time.Now()
			s.logs(tc.want)
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("logged after %s; want 10 s at most", took)
			}
			arm.SetFaults()
			s.becomes(fc1, fc1Served)
		})
	}
}
