package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/integration/fakedns"
)

// Every published Corefile starts, with its ports and paths rewritten, and answers
// a vault's names.
func TestCorefiles(t *testing.T) {
	t.Parallel()
	for path, text := range shippedCorefiles(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, "")
			upstream := azure(t)
			s.env["UPSTREAM"] = upstream.Addr
			s.write("Corefile", s.onLoopback(text))
			s.start()
			s.forwardsNothingElse(upstream, text)
			s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
			s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
			if strings.Contains(s.out.String(), "[ERROR]") {
				t.Error("the log has errors")
			}
		})
	}
}

// shippedCorefiles returns the text of every shipped Corefile, by path.
func shippedCorefiles(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"../corefile/*.corefile", "../deploy/*/Corefile"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no Corefile at %s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[strings.TrimPrefix(path, "../")] = string(text)
		}
	}
	return texts
}

// forwardsNothingElse checks in each server block that the upstream gets plain
// queries only, and that an alias of an account has its private address.
func (s *server) forwardsNothingElse(upstream *fakedns.Server, text string) {
	s.t.Helper()
	for _, line := range blockLine.FindAllString(text, -1) {
		for _, key := range strings.Fields(strings.TrimSuffix(line, "{")) {
			origin := portOfKey.ReplaceAllString(key, "")
			name := dns.Fqdn("no-query." + strings.TrimPrefix(origin, "."))
			for kind, r := range map[string]*dns.Msg{
				"NOTIFY": new(dns.Msg).SetNotify(name), "class CH": question(name, dns.TypeTXT), "RD=0": question(name, dns.TypeA),
			} {
				r.RecursionDesired = kind == "class CH"
				if kind == "class CH" {
					r.Question[0].Qclass = dns.ClassCHAOS
				}
				m := exchange(s.t, "udp", s.addr(""), r)
				if n := upstream.Asked(name); n > 0 || m.Rcode != dns.RcodeRefused && m.Rcode != dns.RcodeNotImplemented {
					rcode := dns.RcodeToString[m.Rcode]
					s.t.Errorf("%s for %s: %s, the upstream gets it %d times; want REFUSED or NOTIMP, and none", kind, name, rcode, n)
				}
			}
			if origin == "." || origin == "corp.example" {
				s.remains("backup.corp.example", "NOERROR ra: CNAME wepod01ecs114x.blob.core.windows.net., "+
					"CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
			}
		}
	}
}

// The acl of each Corefile for a whole network has the private networks and those
// of carriers (RFC 6598), and nothing beside them.
func TestCorefileClients(t *testing.T) {
	t.Parallel()
	for path, text := range shippedCorefiles(t) {
		if !strings.Contains(text, "allow net 10.0.0.0/8") {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, "")
			s.env["UPSTREAM"] = azure(t).Addr
			s.write("Corefile", strings.ReplaceAll(s.onLoopback(text), "    bind 127.0.0.1\n", "    bind 127.0.0.1\n    proxyproto\n"))
			s.start()
			for client, want := range map[string]string{
				"10.1.2.3": fc1Served, "172.31.255.255": fc1Served, "192.168.0.1": fc1Served,
				"100.64.0.1": fc1Served, "100.127.255.254": fc1Served, "fd00::7": fc1Served,
				"100.63.255.255": refused, "100.128.0.1": refused, "192.0.2.1": refused, "172.32.0.1": refused, "2001:db8::7": refused,
			} {
				if got := askBehindProxy(t, s.addr(""), "udp", "127.0.0.1", proxyV2(commandProxy, 2, client)); got != want {
					t.Errorf("client %s: %s; want %s", client, got, want)
				}
			}
		})
	}
}

// rewrites make a Corefile start on any machine. They replace its ports by free
// ports of 127.0.0.1, its upstreams by the scripted one and its paths by the
// server's folder.
var rewrites = []struct {
	line *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`(?m)^ *bind .*\n`), ""},
	{regexp.MustCompile(`(?m)^( *)prometheus\b.*$`), "${1}prometheus 127.0.0.1:{$$PORT_PROMETHEUS}"},
	{regexp.MustCompile(`(?m)^( *)health\b( [^{\s]+)?`), "${1}health 127.0.0.1:{$$PORT_HEALTH}"},
	{regexp.MustCompile(`(?m)^( *)ready\b( [^{\s]+)?`), "${1}ready 127.0.0.1:{$$PORT_READY}"},
	{regexp.MustCompile(`(?m)^( *)status\b.*$`), "${1}status 127.0.0.1:{$$PORT_STATUS}"},
	{regexp.MustCompile(`(?m)^( *(?:forward|upstream) \S+)( [^{\s]+)+`), "${1} {$$UPSTREAM}"},
	{regexp.MustCompile(`(?m)^( *)tls .*$`), "${1}tls {$$DIR}/cert.pem {$$DIR}/key.pem"},
	{regexp.MustCompile(`/var/lib/privatelink-dns`), "{$$DIR}/state"},
	{regexp.MustCompile(`/etc/privatelink-dns|C:/ProgramData/privatelink-dns|\{\$QUICKSTART\}`), "{$$DIR}"},
	{regexp.MustCompile(`(?m)^ *lameduck .*\n`), ""},                           // nobody wants to wait for it
	{regexp.MustCompile(`(?m)^( *)azure .*$`), "${1}files {$$DIR}/vault.json"}, // live sync has tests of its own
}

var (
	blockLine = regexp.MustCompile(`(?m)^[^\s#({].*\{$`)
	portOfKey = regexp.MustCompile(`:\d+$`)
	filesLine = regexp.MustCompile(`(?m)^ *(files|hosts) (.*)$`)
)

// onLoopback returns the rewritten Corefile and creates the files that it names.
func (s *server) onLoopback(text string) string {
	s.t.Helper()
	for _, rewrite := range rewrites {
		text = rewrite.line.ReplaceAllString(text, rewrite.to)
	}
	text = blockLine.ReplaceAllStringFunc(text, func(line string) string {
		keys := strings.Fields(strings.TrimSuffix(line, "{"))
		for i, key := range keys {
			keys[i] = keyOnLoopback(strings.TrimSuffix(key, ","))
		}
		return strings.Join(keys, " ") + " {\n    bind 127.0.0.1"
	})
	if strings.Contains(text, "{$DIR}/state/") {
		s.write("state/made", "by the installation")
	}
	if strings.Contains(text, "cert.pem") {
		cert, key, _ := certificate(s.t)
		s.write("cert.pem", cert)
		s.write("key.pem", key)
	}
	for _, match := range filesLine.FindAllStringSubmatch(text, -1) {
		content := export(vault...)
		if match[1] == "hosts" {
			content = "10.20.0.4 " + fc1 + "\n"
		}
		for _, pattern := range strings.Fields(match[2]) {
			s.write(strings.ReplaceAll(strings.TrimPrefix(pattern, "{$DIR}/"), "*", "vault"), content)
		}
	}
	return text
}

// keyOnLoopback replaces the port in a server block's key by the variable for its
// protocol.
func keyOnLoopback(key string) string {
	key = portOfKey.ReplaceAllString(key, "")
	scheme, _, encrypted := strings.Cut(key, "://")
	if !encrypted || scheme == "dns" {
		return key + ":{$PORT}"
	}
	return key + ":{$PORT_" + strings.ToUpper(scheme) + "}"
}
