package main

import (
	"net"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

func TestReadyAddrs(t *testing.T) {
	t.Setenv("READY", "127.0.0.1:8183")
	for _, tt := range []struct{ name, text, want string }{
		{"no ready", ". {\n    errors\n}", ""},
		{"default", ". {\n    ready\n}", ":8181"},
		{"address", ". {\n    ready 127.0.0.1:8182\n}", "127.0.0.1:8182"},
		{"variable", ". {\n    ready {$READY}\n}", "127.0.0.1:8183"},
		{"properties", ". {\n    ready {\n        monitor continuously\n    }\n    errors\n}", ":8181"},
		{"address and properties", ". {\n    ready :8184 {\n        monitor until-ready\n    }\n}", ":8184"},
		{"two blocks", "a.example {\n    ready :1\n}\nb.example {\n    ready :2\n}", ":1 :2"},
		{"snippet", "(probes) {\n    ready :3\n}\n. {\n    import probes\n}", ":3"},
	} {
		if got := strings.Join(readyAddrs(corefile.Input("Corefile", []byte(tt.text))), " "); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}

func TestCanListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := canListen([]string{"127.0.0.1:0"}); err != nil {
		t.Errorf("a free port: %v", err)
	}
	err = canListen([]string{"127.0.0.1:0", taken.Addr().String()})
	want := "ready: listen tcp " + taken.Addr().String() + ": bind: address already in use: end the other program or write another address, such as `ready :8182`"
	if err == nil || err.Error() != want {
		t.Errorf("a taken port: %v; want %s", err, want)
	}
}
