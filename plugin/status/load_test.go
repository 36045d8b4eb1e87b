package status

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coredns/caddy"
	"github.com/miekg/dns"
)

// query asks the instance over UDP for the served name.
func query(t *testing.T, instance *caddy.Instance) {
	t.Helper()
	for _, s := range instance.Servers() {
		if s.LocalAddr() == nil {
			continue
		}
		q := new(dns.Msg).SetQuestion("one.privatelink.blob.core.windows.net.", dns.TypeA)
		reply, _, err := (&dns.Client{Timeout: 2 * time.Second}).Exchange(q, s.LocalAddr().String())
		if err != nil || len(reply.Answer) != 1 {
			t.Errorf("DNS: %v, %v", reply, err)
		}
	}
}

// Clients that connect and send nothing, or read nothing, take neither DNS nor the
// shutdown, and the site answers when they have gone.
func TestIdleClients(t *testing.T) {
	addr := freePort(t)
	instance := start(t, with(addr, vault(t, "one")))
	var all []net.Conn
	for i := range maxConnections + 8 { // those above the bound wait in the kernel's queue
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 { // a request that is not complete
			fmt.Fprintf(conn, "GET /api/why?name=one HTTP/1.1\r\nHost: 127.0.0.1\r\n")
		}
		all = append(all, conn)
	}
	query(t, instance)
	for _, conn := range all {
		conn.Close()
	}
	if response, body := request(t, "GET", "http://"+addr+"/api/why?name=10.0.0.1"); response.StatusCode != 200 {
		t.Errorf("%s: %s", response.Status, body)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	end(instance)
	if d := time.Since(began); d > clientTime/2 {
		t.Errorf("the end took %s with an idle client", d)
	}
	_ = conn.SetReadDeadline(time.Now().Add(clientTime))
	if _, err := bufio.NewReader(conn).ReadByte(); err == nil {
		t.Error("the connection of an idle client is open after the end")
	}
}

// Many requests at a time are answered, two at a time.
func TestManyRequests(t *testing.T) {
	addr := freePort(t)
	instance := start(t, with(addr, vault(t, "one")))
	var clients sync.WaitGroup
	for range 4 * maxConnections {
		clients.Go(func() {
			if response, body := request(t, "GET", "http://"+addr+"/api/why?name=10.0.0.1"); response.StatusCode != 200 {
				t.Errorf("%s: %s", response.Status, body)
			}
		})
	}
	query(t, instance)
	clients.Wait()
}

// A request with large headers is rejected before it is read as a whole: with 431, or
// with a reset if the client still sends.
func TestLargeHeader(t *testing.T) {
	addr := freePort(t)
	start(t, with(addr, vault(t, "one")))
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/api/why?name=10.0.0.1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", strings.Repeat("a", 4*maxHeader))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%s", response.Status)
	}
}
