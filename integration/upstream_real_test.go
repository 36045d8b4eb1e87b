package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Real resolvers are upstreams: the answers of each are what they are without us.
func TestRealUpstreams(t *testing.T) {
	t.Parallel()
	azure := azure(t)
	for _, tt := range []struct {
		name  string
		start func(t *testing.T, forwardTo string) (addr string)
	}{{"BIND 9", bindForwarder}, {"Unbound", unboundForwarder}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resolver := tt.start(t, azure.Addr)
			s := behind(t, "", resolver)
			for _, question := range []string{
				"www.corp.example", "www.corp.example AAAA", "www.corp.example TXT", "corp.example MX", "gone.corp.example",
				"large.corp.example", "WWW.Corp.Example +tcp", "www.corp.example +noedns",
			} {
				direct, through := comparable(dig(t, resolver, strings.Fields(question)...)), comparable(dig(t, s.addr(""), strings.Fields(question)...))
				if direct != through {
					t.Errorf("dig %s\n%s: %s\nthrough upstream: %s", question, tt.name, direct, through)
				}
			}
			if metrics := metricsText(t, s); !strings.Contains(metrics, fmt.Sprintf(`coredns_upstream_queries_total{proto="tcp",to=%q} `, resolver)) {
				t.Errorf("no query over TCP:\n%s", metrics)
			}
		})
	}
}

func bindForwarder(t *testing.T, to string) string {
	host, port, _ := strings.Cut(to, ":")
	return realResolver(t, "named", "bind9", fmt.Sprintf(`options {
	directory "{DIR}"; pid-file none; session-keyfile none; dnssec-validation no; recursion yes; listen-on-v6 { none; };
	listen-on port {PORT} { 127.0.0.1; }; forward only; forwarders { %s port %s; }; allow-query { any; };
};
controls { };
`, host, port), "-g", "-c", "{CONF}")
}

func unboundForwarder(t *testing.T, to string) string {
	return realResolver(t, "unbound", "unbound", fmt.Sprintf(`server:
	interface: 127.0.0.1@{PORT}
	do-daemonize: no
	use-syslog: no
	username: ""
	chroot: ""
	pidfile: ""
	directory: "{DIR}"
	module-config: "iterator"
	do-not-query-localhost: no
	access-control: 127.0.0.0/8 allow
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: %s
`, strings.Replace(to, ":", "@", 1)), "-d", "-c", "{CONF}")
}

// realResolver starts a program on a free port and returns its address.
func realResolver(t *testing.T, program, pkg, conf string, args ...string) string {
	t.Helper()
	path := need(t, program, pkg)
	for range 3 {
		dir, port := t.TempDir(), freePort(t)
		file := filepath.Join(dir, "conf")
		values := strings.NewReplacer("{DIR}", dir, "{PORT}", port, "{CONF}", file)
		if err := os.WriteFile(file, []byte(values.Replace(conf)), 0o600); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, arg := range args {
			all = append(all, values.Replace(arg))
		}
		if p := launch(t, "127.0.0.1:"+port, exec.Command(path, all...)); !p.ended() {
			return "127.0.0.1:" + port
		}
	}
	t.Fatalf("%s does not start", program)
	return ""
}
