package integration

import (
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A reply holds the parts of dig's output that tests compare.
type reply struct {
	asked             string // the queried name
	status            string
	flags             []string
	ede               string // "14 (Not Ready)"
	answer, authority []rr
}

type rr struct{ owner, ttl, rrtype, data string }

// dig queries the server at addr. The first argument is the name; the others are
// the type and dig's options.
func dig(t testing.TB, addr string, args ...string) reply {
	t.Helper()
	r := reply{asked: args[0]}
	section := ""
	for line := range strings.Lines(digText(t, addr, append(args, "+noall", "+comments", "+answer", "+authority")...)) {
		if m := sectionLine.FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		r.read(section, strings.TrimSpace(line))
	}
	if r.status == "" {
		t.Fatalf("dig %s: no answer", args)
	}
	return r
}

var (
	sectionLine = regexp.MustCompile(`^;; (ANSWER|AUTHORITY) SECTION:`)
	statusLine  = regexp.MustCompile(`, status: (\w+),`)
	flagsLine   = regexp.MustCompile(`^;; flags: ([a-z ]+);`)
	edeLine     = regexp.MustCompile(`^; EDE: (.+)`)
)

func (r *reply) read(section, line string) {
	if m := statusLine.FindStringSubmatch(line); m != nil {
		r.status = m[1]
	}
	if m := flagsLine.FindStringSubmatch(line); m != nil {
		r.flags = strings.Fields(m[1])
	}
	if m := edeLine.FindStringSubmatch(line); m != nil {
		r.ede = m[1]
	}
	f := strings.Fields(line)
	if len(f) < 5 || strings.HasPrefix(line, ";") {
		return
	}
	record := rr{owner: f[0], ttl: f[1], rrtype: f[3], data: strings.Join(f[4:], " ")}
	switch section {
	case "ANSWER":
		r.answer = append(r.answer, record)
	case "AUTHORITY":
		r.authority = append(r.authority, record)
	}
}

// digText returns dig's whole output.
func digText(t testing.TB, addr string, args ...string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"-r", "@" + host, "-p", port, "+nosearch", "+tries=1", "+timeout=5"}, args...)
	out, err := exec.Command(need(t, "dig", "bind9-dnsutils"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("dig %s: %v\n%s", args, err, out)
	}
	return string(out)
}

// String formats the reply on one line: the RCODE, the flags except QR and RD, the
// answer as a chain that starts at the queried name, and the authority section.
//
//	NOERROR ra: CNAME x.privatelink.blob.core.windows.net., A 10.20.0.12
//	NXDOMAIN aa ra: / SOA privatelink.we.backup.windowsazure.com.
func (r reply) String() string {
	flags := slices.DeleteFunc(slices.Clone(r.flags), func(f string) bool { return f == "qr" || f == "rd" })
	text := strings.Join(append([]string{r.status}, flags...), " ") + ":"
	if r.ede != "" {
		text += " EDE " + r.ede
	}
	owner, separator := strings.TrimSuffix(r.asked, ".")+".", " "
	for _, rr := range r.answer {
		text += separator
		separator = ", "
		if rr.owner != owner { // the chain breaks here
			text += rr.owner + " "
		}
		text += rr.rrtype + " " + rr.data
		if rr.rrtype == "CNAME" {
			owner = rr.data
		}
	}
	for _, rr := range r.authority {
		text += fmt.Sprintf(" / %s %s", rr.rrtype, rr.owner)
	}
	return text
}
