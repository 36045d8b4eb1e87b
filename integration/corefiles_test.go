package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every published Corefile starts, with its ports and paths rewritten, and answers
// a vault's names.
func TestCorefiles(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../corefile/*.corefile")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no Corefiles: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := prepare(t, "")
			s.env["UPSTREAM"] = azure(t).Addr
			s.write("Corefile", s.onLoopback(string(text)))
			s.start()
			s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
			s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
			if strings.Contains(s.out.String(), "[ERROR]") {
				t.Error("the log has errors")
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
	{regexp.MustCompile(`(?m)^( *forward \S+)( [^{\s]+)+`), "${1} {$$UPSTREAM}"},
	{regexp.MustCompile(`(?m)^( *)tls .*$`), "${1}tls {$$DIR}/cert.pem {$$DIR}/key.pem"},
	{regexp.MustCompile(`/(etc|var/lib)/privatelink-dns|\{\$QUICKSTART\}`), "{$$DIR}"},
	{regexp.MustCompile(`(?m)^( *)azure .*$`), "${1}files {$$DIR}/vault.json"}, // live_test.go tests the live sync
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
