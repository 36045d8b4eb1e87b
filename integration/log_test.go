package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

// logging returns a Corefile that logs each query.
func logging() string {
	return corefile("log", "prometheus 127.0.0.1:{$PORT_METRICS}", "ready 127.0.0.1:{$PORT_READY}")
}

// unread starts a server whose output is a pipe. It returns the reading end of the pipe
// and does not read from it.
func unread(t *testing.T, args ...string) (*server, *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	upstream := azure(t)
	s := prepare(t, logging())
	s.env["UPSTREAM"] = upstream.Addr
	s.write("vault.json", export(vault...))
	s.args = append(s.args, args...)
	s.stdout = write
	s.start()
	write.Close() // the process has its own copy
	return s, read
}

var droppedLines = regexp.MustCompile(`(?m)^coredns_privatelink_log_dropped_lines_total (\S+)$`)

func (s *server) droppedLines() float64 {
	s.t.Helper()
	match := droppedLines.FindSubmatch(readURL(s.t, "http://"+s.addr("_METRICS")+"/metrics"))
	if match == nil {
		s.t.Fatal("no metric coredns_privatelink_log_dropped_lines_total")
	}
	n, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// fill sends queries with long names until the server drops log lines.
func (s *server) fill() {
	s.t.Helper()
	name := strings.Repeat(strings.Repeat("x", 60)+".", 3) + "blob.core.windows.net."
	conn, err := dns.Dial("udp", s.addr(""))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	before := s.droppedLines()
	eventually(s.t, "a full log queue", func() bool {
		for range 500 {
			if _, _, err := new(dns.Client).ExchangeWithConn(new(dns.Msg).SetQuestion(name, dns.TypeA), conn); err != nil {
				s.t.Fatal(err)
			}
		}
		return s.droppedLines() > before
	})
}

// If the log is not read, the server still answers queries, reads changed files,
// reports readiness and ends on SIGTERM.
func TestUnreadLog(t *testing.T) {
	t.Parallel()
	s, _ := unread(t)
	s.fill()
	s.resolves(fc1)
	s.write("vault.json", export("late.blob.core.windows.net 10.20.0.44", fc1+" 10.20.0.4"))
	eventually(t, "the changed file", func() bool {
		m, err := s.a("late.privatelink.blob.core.windows.net")
		return err == nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1
	})
	if status := s.ready(); status != http.StatusOK {
		t.Errorf("/ready is %d; want 200", status)
	}
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
}

// Once the output is read again, one line in the format of the log reports the number
// of dropped lines.
func TestDroppedLinesAreReported(t *testing.T) {
	t.Parallel()
	s, read := unread(t, "-log-format", "json")
	s.fill()
	var drained output
	go io.Copy(&drained, read) //nolint:errcheck // the copy ends with the process
	var text string
	eventually(t, "the report", func() bool {
		text = report.FindString(drained.String())
		return text != ""
	})
	var line struct{ Level, Msg string }
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if line.Level != "WARN" || !regexp.MustCompile(`^log: \d+ lines dropped because the output did not accept them$`).MatchString(line.Msg) {
		t.Errorf("the line is %s", text)
	}
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
}

var report = regexp.MustCompile(`(?m)^.*lines dropped.*$`)

// The server keeps running when the reader of its log ends.
func TestClosedLog(t *testing.T) {
	t.Parallel()
	s, read := unread(t)
	read.Close()
	eventually(t, "dropped lines", func() bool {
		s.resolves(fc1)
		return s.droppedLines() > 0
	})
	s.resolves(fc1)
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
}

// A fatal log line is written before the process ends.
func TestFatalLogLine(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		s := prepare(t, ".:{$PORT} {\n    bind 127.0.0.1\n    loop\n    forward . 127.0.0.1:{$PORT}\n}\n")
		s.args = append(s.args, "-log-format", format)
		s.process = spawn(t, s.program())
		s.endsWith(t, 1)
		if !strings.Contains(s.out.String(), "detected for zone") {
			t.Errorf("%s: the log lacks the fatal error:\n%s", format, s.out.String())
		}
	}
}
