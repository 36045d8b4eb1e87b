package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// The memory of the process, text of the program included, in MB.
const (
	afterLoading   = 70
	whileLoading   = 110
	withFullCache  = 120
	manyRecords    = 100_000
	entriesOfCache = 65_536
)

// 100,000 records and a full cache fit into the memory of a small machine. Nobody has to
// set GOGC or GOMEMLIMIT.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("65,536 queries")
	}
	s := prepare(t, `.:{$PORT} {
    bind 127.0.0.1
    prometheus 127.0.0.1:{$PORT_METRICS}
    fastpath
    acl {
        allow net 127.0.0.0/8
        block
    }
    privatelink {
        hosts {$DIR}/accounts.hosts
    }
    lru 65536
    upstream . {$UPSTREAM}
}
`)
	var all strings.Builder
	for i := range manyRecords {
		fmt.Fprintf(&all, "10.%d.%d.%d account%06d.blob.core.windows.net\n", 20+i>>16, i>>8&255, i&255, i)
	}
	s.write("accounts.hosts", all.String())
	s.env["UPSTREAM"], s.env["GOGC"], s.env["GOMEMLIMIT"] = fastUpstream(t), "", ""
	s.start()
	last := question(fmt.Sprintf("account%06d.blob.core.windows.net", manyRecords-1), dns.TypeA)
	eventually(t, "the last record", func() bool {
		m, err := dns.Exchange(last, s.addr(""))
		return err == nil && len(m.Answer) == 2
	})
	s.settles(t, "with 100,000 records", afterLoading)
	if peak := s.status("VmHWM"); peak > whileLoading {
		t.Errorf("%d MB while 100,000 records are loaded; want at most %d", peak, whileLoading)
	}
	t.Logf("100,000 records: %d MB, at most %d MB while they are loaded", s.status("VmRSS"), s.status("VmHWM"))
	load(t, s.addr(""), "name", entriesOfCache)
	s.settles(t, "and 65,536 entries in the cache", withFullCache)
	t.Logf("and 65,536 entries: %d MB", s.status("VmRSS"))
}

// settles waits until the process has no more than most MB. It returns memory to the
// system some seconds after it had much to do.
func (s *server) settles(t *testing.T, when string, most int) {
	t.Helper()
	eventually(t, fmt.Sprintf("at most %d MB %s", most, when), func() bool { return s.status("VmRSS") <= most })
}

// status returns a line of the process's status that is an amount of memory, in MB.
func (s *server) status(name string) (mb int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), name+":")
	kilobytes := 0
	if _, err := fmt.Sscan(line, &kilobytes); err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return (kilobytes + 999) / 1000
}
