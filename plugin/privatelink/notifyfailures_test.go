package privatelink

import (
	"bytes"
	"errors"
	stdlog "log"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// logOf returns the log lines of f, without dates.
func logOf(f func()) string {
	var out bytes.Buffer
	before := stdlog.Writer()
	stdlog.SetOutput(&out)
	defer stdlog.SetOutput(before)
	f()
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.TrimSpace(line[strings.Index(line, "["):]))
	}
	return strings.Join(lines, "\n")
}

func TestNotifyFailures(t *testing.T) {
	silent := func(zone, secondary string) error {
		return errors.New(`notify for zone "` + zone + `" was not accepted by "` + secondary + `": "read udp 10.0.0.1:4->` + secondary + `: i/o timeout"`)
	}
	refused := func(zone, secondary string) error {
		return errors.New(`notify for zone "` + zone + `" was not accepted by "` + secondary + `": rcode was "NOTAUTH"`)
	}
	const one, two = "10.0.0.8:53", "10.0.0.9:53"
	failures := notifyFailures{}
	for _, tt := range []struct {
		name string
		zone dnsname.Name
		err  error
		want string
	}{
		{"all is well", "a.", nil, ""},
		{"one does not answer", "a.", silent("a.", one), "[WARNING] plugin/privatelink: secondary 10.0.0.8:53 does not answer NOTIFY: read udp 10.0.0.1:4->10.0.0.8:53: i/o timeout (it receives changes when it queries by itself)"},
		{"nor for another zone", "b.", silent("b.", one), ""},
		{"nor does the other", "a.", errors.Join(errors.Join(nil, silent("a.", one)), silent("a.", two)), "[WARNING] plugin/privatelink: secondary 10.0.0.9:53 does not answer NOTIFY: read udp 10.0.0.1:4->10.0.0.9:53: i/o timeout (it receives changes when it queries by itself)"},
		{"a zone that it may not have", "c.", nil, ""},
		{"one is back", "a.", silent("a.", two), "[INFO] plugin/privatelink: secondary 10.0.0.8:53 answers NOTIFY again"},
		{"so is the other", "a.", nil, "[INFO] plugin/privatelink: secondary 10.0.0.9:53 answers NOTIFY again"},
		{"a zone is refused", "a.", refused("a.", one), "[WARNING] plugin/privatelink: secondary 10.0.0.8:53 refuses NOTIFY for a: NOTAUTH (configure the zone there, and allow NOTIFY from this server)"},
		{"so is another", "b.", refused("b.", one), "[WARNING] plugin/privatelink: secondary 10.0.0.8:53 refuses NOTIFY for b: NOTAUTH (configure the zone there, and allow NOTIFY from this server)"},
		{"and again", "b.", refused("b.", one), ""},
		{"not any more", "b.", nil, "[INFO] plugin/privatelink: secondary 10.0.0.8:53 accepts NOTIFY for b again"},
		{"something new", "d.", errors.New("no route"), "[WARNING] plugin/privatelink: secondary of d does not answer NOTIFY: no route (it receives changes when it queries by itself)"},
	} {
		if got := logOf(func() { failures.report(tt.zone, tt.err) }); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// The errors of plugin transfer are worded as those above.
func TestNotifyFailuresOfTransfer(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := conn.LocalAddr().String()
	conn.Close()
	refusing := newListener(t)
	refusing.rcode.Store(dns.RcodeNotAuth)
	lines := make(logLines, 100)
	before := stdlog.Writer()
	stdlog.SetOutput(lines)
	t.Cleanup(func() { stdlog.SetOutput(before) })

	serve(t, "transfer {\nto "+closed+" "+refusing.addr+"\n}\nprivatelink {\nrecord a.blob.core.windows.net 10.0.0.1\n}")
	for _, want := range []string{
		"secondary " + closed + " does not answer NOTIFY: ",
		"secondary " + refusing.addr + " refuses NOTIFY for privatelink.blob.core.windows.net: NOTAUTH ",
		"secondary " + refusing.addr + " refuses NOTIFY for privatelink.queue.core.windows.net: NOTAUTH ",
	} {
		lines.has(t, want)
	}
}

// logLines is where the log goes, a line at a time.
type logLines chan string

func (l logLines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// has waits for a line and puts back the lines before it.
func (l logLines) has(t *testing.T, want string) {
	t.Helper()
	var others []string
	defer func() {
		for _, line := range others {
			l <- line
		}
	}()
	for {
		select {
		case line := <-l:
			if strings.Contains(line, want) {
				return
			}
			others = append(others, line)
		case <-time.After(10 * time.Second):
			t.Fatalf("no log line has %q, but %q", want, others)
		}
	}
}
