package integration

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// kdig queries over the protocols that older versions of dig lack: DoT, DoH, DoQ and
// the PROXY protocol. It returns the reply in the format of [reply.String].
func kdig(t testing.TB, addr string, args ...string) string {
	t.Helper()
	out, err := runKdig(t, addr, args...)
	if err != nil {
		t.Fatalf("kdig %s: %v\n%s", args, err, out)
	}
	r := reply{asked: args[0]}
	if m := kdigStatus.FindStringSubmatch(out); m != nil {
		r.status = m[1]
	}
	if m := kdigFlags.FindStringSubmatch(out); m != nil {
		r.flags = strings.Fields(m[1])
	}
	section := ""
	for line := range strings.Lines(out) {
		if m := kdigSection.FindStringSubmatch(line); m != nil {
			section = m[1]
		}
		r.read(section, strings.TrimSpace(line))
	}
	return r.String()
}

var (
	kdigStatus  = regexp.MustCompile(`; status: (\w+);`)
	kdigFlags   = regexp.MustCompile(`(?m)^;; Flags: ([a-z ]+);`)
	kdigSection = regexp.MustCompile(`^;; (QUESTION|ANSWER|AUTHORITY|ADDITIONAL) SECTION:`)
)

// runKdig returns kdig's whole output.
func runKdig(t testing.TB, addr string, args ...string) (string, error) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"@" + host, "-p", port, "+timeout=5", "+retry=0"}, args...)
	out, err := exec.Command(need(t, "kdig", "knot-dnsutils"), args...).CombinedOutput()
	return string(out), err
}

func TestKdig(t *testing.T) {
	t.Parallel()
	need(t, "kdig", "knot-dnsutils")
	s, _, _ := serveEncrypted(t)
	trust := "+tls-ca=" + filepath.Join(s.dir, "cert.pem")
	for _, over := range []struct {
		name, addr, session string
		options             []string
	}{
		{"UDP", s.addr(""), "(UDP) in", nil},
		{"TCP", s.addr(""), "(TCP) in", []string{"+tcp"}},
		{"DoT", s.addr("_TLS"), "TLS session (TLS1.3)", []string{trust, "+tls-hostname=dns.corp.example"}},
		{"DoH POST", s.addr("_HTTPS"), "HTTP session (HTTP/2-POST)", []string{"+https", trust, "+tls-hostname=dns.corp.example"}},
		{"DoH GET", s.addr("_HTTPS"), "HTTP session (HTTP/2-GET)", []string{"+https-get", trust, "+tls-hostname=dns.corp.example"}},
		{"DoQ", s.addr("_QUIC"), "QUIC session (QUICv1)", []string{"+quic"}},
	} {
		t.Run(over.name, func(t *testing.T) {
			if help, _ := runKdig(t, over.addr, "-h"); over.name == "DoQ" && !strings.Contains(help, "+[no]quic") {
				t.Skip("this kdig does not speak QUIC")
			}
			rows := []row{
				{"vault name", fc1 + " A", "NOERROR aa ra: A 10.20.0.4"},
				{"alias", blob + " A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
				{"alias, AAAA", blob + " AAAA", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net. / SOA privatelink.blob.core.windows.net."},
				{"missing vault name", "none.privatelink.we.backup.windowsazure.com A", "NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com."},
				{"foreign name", "www.corp.example A", "NOERROR ra: A 198.51.100.80, A 198.51.100.81"},
				{"RD=0 for a foreign name", "www.corp.example A +nordflag", "REFUSED:"},
			}
			for _, tt := range rows {
				args := append(strings.Fields(tt.question), over.options...)
				if got := kdig(t, over.addr, args...); got != tt.want {
					t.Errorf("%s: kdig %s\n got %s\nwant %s", tt.name, args, got, tt.want)
				}
			}
			if out, err := runKdig(t, over.addr, append([]string{fc1}, over.options...)...); err != nil || !strings.Contains(out, over.session) {
				t.Errorf("kdig %s: %v\n%s\nwant %s", over.options, err, out, over.session)
			}
			note(t, "Machines", "kdig", over.name, fmt.Sprintf("%d of %[1]d", len(rows)))
		})
	}
	t.Run("certificate of another host", func(t *testing.T) {
		out, err := runKdig(t, s.addr("_TLS"), fc1, trust, "+tls-hostname=dns.other.example")
		if err == nil || !strings.Contains(out, "certificate") {
			t.Errorf("kdig: %v\n%s\nwant a certificate error", err, out)
		}
	})
}
