package integration

import (
	"fmt"
	"net"
	"slices"
	"testing"
)

// dualStack listens on both loopback addresses on one port and on ::1 alone on a
// second port, and forwards over IPv6. Only the first port allows IPv6 clients.
const dualStack = `
(common) {
    errors
    privatelink {
        geo we
        files {$DIR}/*.json
    }
    forward . {$UPSTREAM}
}
.:{$PORT} {
    bind 127.0.0.1 ::1
    acl {
        allow net ::1/128
        block
    }
    import common
}
.:{$PORT_SIX} {
    bind ::1
    acl {
        allow net 127.0.0.0/8 fc00::/7
        block
    }
    import common
}
`

func TestIPv6(t *testing.T) {
	t.Parallel()
	if c, err := net.ListenPacket("udp", "[::1]:0"); err != nil {
		t.Skipf("no IPv6 loopback address: %v", err)
	} else {
		c.Close()
	}
	upstream := azure(t)
	s := prepare(t, dualStack)
	s.env["UPSTREAM"] = handle(t, "::1", upstream)
	s.write("vault.json", export(vault...))
	s.start()

	rows := []row{
		{"vault name", fc1 + " A", "NOERROR aa ra: A 10.20.0.4"},
		{"alias", blob + " A", "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"AAAA of an endpoint with an IPv6 address", "wepod01dual1x.blob.core.windows.net AAAA", "NOERROR ra: CNAME wepod01dual1x.privatelink.blob.core.windows.net., AAAA fd00:20::15"},
		{"splice", "backup.corp.example A", "NOERROR ra: CNAME wepod01ecs114x.blob.core.windows.net., CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12"},
		{"foreign name", "www.corp.example A", "NOERROR ra: A 198.51.100.80, A 198.51.100.81"},
	}
	both := net.JoinHostPort("::1", s.env["PORT"])
	ask(t, both, rows)
	for _, transport := range []string{"UDP", "TCP"} {
		note(t, "Machines", "dig, from ::1", transport, fmt.Sprintf("%d of %[1]d", len(rows)))
	}
	if n := upstream.Asked("www.corp.example"); n == 0 {
		t.Error("the upstream received no query over IPv6")
	}
	if got := dig(t, both, "large.queue.core.windows.net", "+noedns", "+ignore").flags; !slices.Contains(got, "tc") {
		t.Errorf("flags of a large answer over IPv6 = %s; want tc", got)
	}

	blocked := []row{{"blocked", fc1 + " A", refused}}
	ask(t, s.addr(""), blocked)                                 // this port allows ::1 only
	ask(t, net.JoinHostPort("::1", s.env["PORT_SIX"]), blocked) // this port blocks ::1
}
