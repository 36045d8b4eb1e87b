package integration

import (
	"net/http"
	"testing"
)

// Until the first file is loaded, the server answers neither a public address nor
// NXDOMAIN, because either may be wrong.
func TestNotReady(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, log string }{
		{"no file", "", `\*\.json: no such file \(not ready`},
		{"a broken file", "{", `vault\.json: line 1: .*\(not ready`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, corefile("ready 127.0.0.1:{$PORT_READY}"))
			s.env["UPSTREAM"] = azure(t).Addr
			if tt.text != "" {
				s.write("vault.json", tt.text)
			}
			s.start()
			s.logs(tt.log)
			ask(t, s.addr(""), []row{
				{"public blob name", blob + " A", "SERVFAIL ra: EDE 14 (Not Ready)"},
				{"public blob name without a CNAME", "unlinked.blob.core.windows.net A", "SERVFAIL ra: EDE 14 (Not Ready)"},
				{"private blob name", "wepod01ecs114x.privatelink.blob.core.windows.net A", "SERVFAIL ra: EDE 14 (Not Ready)"},
				{"DNS zone endpoint", "wepod01prot121x.z17.blob.storage.azure.net A", "SERVFAIL ra: EDE 14 (Not Ready)"},
				{"vault name", fc1 + " A", "SERVFAIL ra: EDE 14 (Not Ready)"},
				{"vault name in a zone that is not configured", "4728190365512870934-ab-pod01-fc1.privatelink.ne.backup.windowsazure.com A", "SERVFAIL ra: EDE 14 (Not Ready)"},
				{"custom name", "backup.corp.example A", "SERVFAIL ra: EDE 14 (Not Ready)"},
				{"zone", "privatelink.we.backup.windowsazure.com NS", "NOERROR aa ra: NS ns.privatelink-dns.invalid."},
				{"foreign name", "www.corp.example A", "NOERROR ra: A 198.51.100.80, A 198.51.100.81"},
			})
			if got := s.ready(); got != http.StatusServiceUnavailable {
				t.Errorf("ready = %d; want 503", got)
			}

			s.write("vault.json", export(vault...))
			eventually(t, "ready = 200", func() bool { return s.ready() == http.StatusOK })
			s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
			s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
		})
	}
}

func (s *server) ready() int {
	s.t.Helper()
	resp, err := http.Get("http://" + s.addr("_READY") + "/ready")
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
