package integration

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The page can neither slow nor stop DNS: while many clients ask for the most expensive
// pages without a pause, and others read nothing or send nothing, each query for a held
// name is answered, and no slower than a stub resolver notices.
func TestPageUnderLoad(t *testing.T) {
	const names, pageClients, idle = 20_000, 16, 24
	s := prepare(t, `
.:{$PORT} {
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:{$PORT_METRICS}
    status 127.0.0.1:{$PORT_STATUS}
    fastpath
    privatelink {
        hosts {$DIR}/names.hosts
    }
    lru
}
`)
	var hosts strings.Builder
	for i := range names {
		fmt.Fprintf(&hosts, "10.%d.%d.%d account%d.blob.core.windows.net\n", i>>16, i>>8&255, i&255, i)
	}
	s.write("names.hosts", hosts.String())
	s.start()
	s.becomes("account7.blob.core.windows.net", "NOERROR ra: CNAME account7.privatelink.blob.core.windows.net., A 10.0.0.7")

	before := queryFor(t, s.addr(""), names)
	stop := make(chan struct{})
	var pages, failed atomic.Int64
	var all sync.WaitGroup
	for i := range pageClients {
		all.Go(func() {
			client := &http.Client{Timeout: processTimeout}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				path := []string{"/", "/?name=10.0.0.7&events=500", "/api/status", "/api/why?name=10.0.0.9", "/api/events"}[(i+n)%5]
				response, err := client.Get("http://" + s.addr("_STATUS") + path)
				if err != nil {
					failed.Add(1) // the connections are bounded
					continue
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				pages.Add(1)
			}
		})
	}
	for i := range idle { // more than the rest of the connections
		conn, err := net.Dial("tcp", s.addr("_STATUS"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") // and reads nothing
		}
	}

	during := queryFor(t, s.addr(""), names)
	close(stop)
	all.Wait()
	t.Logf("without the load on the page: %s; with it: %s; %d pages, %d without a connection", before, during, pages.Load(), failed.Load())
	if during.p99 > 200*time.Millisecond { // a busy machine has two cores for all processes
		t.Errorf("99 %% of the queries took up to %s", during.p99)
	}
	if pages.Load() == 0 {
		t.Error("no page was served")
	}
}

// latencies are how long queries took.
type latencies struct {
	queries              int
	median, p99, longest time.Duration
}

func (l latencies) String() string {
	return fmt.Sprintf("%d queries, median %s, 99 %% %s, longest %s", l.queries, l.median, l.p99, l.longest)
}

// queryFor queries as fast as two clients can for three seconds. Each query must be answered.
func queryFor(t *testing.T, addr string, names int) latencies {
	t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for c := range 2 {
		all.Go(func() {
			client := &dns.Client{Timeout: 2 * time.Second}
			var own []time.Duration
			for begin := time.Now(); time.Since(begin) < 3*time.Second && len(own) < 200_000; {
				m := new(dns.Msg).SetQuestion(fmt.Sprintf("account%d.blob.core.windows.net.", (len(own)*7+c)%names), dns.TypeA)
				asked := time.Now()
				reply, _, err := client.Exchange(m, addr)
				if err != nil || len(reply.Answer) != 2 {
					t.Errorf("query %d: %v, %v", len(own), reply, err)
					return
				}
				own = append(own, time.Since(asked))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
		})
	}
	all.Wait()
	if len(took) == 0 {
		t.Fatal("no query was answered")
	}
	slices.Sort(took)
	return latencies{len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1]}
}
