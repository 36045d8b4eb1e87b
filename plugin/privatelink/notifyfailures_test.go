package privatelink

import (
	"bytes"
	"errors"
	"fmt"
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
	failed := func(zone, secondary, cause string) error {
		return fmt.Errorf("notify for zone %q was not accepted by %q: %s", zone, secondary, cause)
	}
	silent := func(zone, secondary string) error {
		return failed(zone, secondary, `"read udp 10.0.0.1:4->`+secondary+`: i/o timeout"`)
	}
	refused := func(zone, secondary string) error { return failed(zone, secondary, `rcode was "NOTAUTH"`) }
	const (
		one, two  = "10.0.0.8:53", "10.0.0.9:53"
		warning   = "[WARNING] plugin/privatelink: secondary "
		info      = "[INFO] plugin/privatelink: secondary "
		noAnswer  = " does not answer NOTIFY: "
		timeout   = ": i/o timeout (it receives changes when it queries by itself)"
		configure = ": NOTAUTH (configure the zone there, and allow NOTIFY from this server)"
	)
	failures := notifyFailures{}
	for _, tt := range []struct {
		name string
		zone dnsname.Name
		err  error
		want string
	}{
		{"no failure", "a.", nil, ""},
		{"one secondary does not answer", "a.", silent("a.", one), warning + one + noAnswer + "read udp 10.0.0.1:4->" + one + timeout},
		{"nor for a second zone", "b.", silent("b.", one), ""},
		{"nor does the second secondary", "a.", errors.Join(errors.Join(nil, silent("a.", one)), silent("a.", two)), warning + two + noAnswer + "read udp 10.0.0.1:4->" + two + timeout},
		{"success for a zone that one secondary may lack", "c.", nil, ""},
		{"one secondary recovers", "a.", silent("a.", two), info + one + " answers NOTIFY again"},
		{"the second secondary recovers", "a.", nil, info + two + " answers NOTIFY again"},
		{"a zone is refused", "a.", refused("a.", one), warning + one + " refuses NOTIFY for a" + configure},
		{"a second zone is refused", "b.", refused("b.", one), warning + one + " refuses NOTIFY for b" + configure},
		{"it is refused again", "b.", refused("b.", one), ""},
		{"it is accepted", "b.", nil, info + one + " accepts NOTIFY for b again"},
		{"an unknown error", "d.", errors.New("no route"), warning + "of d" + noAnswer + "no route (it receives changes when it queries by itself)"},
	} {
		if got := logOf(func() { failures.report(tt.zone, tt.err) }); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// The errors of plugin transfer have the texts of TestNotifyFailures.
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

// logLines receives the lines of the log.
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
			t.Fatalf("the log is %q; want a line with %q", others, want)
		}
	}
}
