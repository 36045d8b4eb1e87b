package main

import (
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

func TestListeningAddresses(t *testing.T) {
	t.Setenv("READY", "127.0.0.1:8183")
	for _, tt := range []struct{ name, text, want string }{
		{"no directive", ". {\n    errors\n}", ""},
		{"default", ". {\n    ready\n}", ":8181"},
		{"address", ". {\n    ready 127.0.0.1:8182\n}", "127.0.0.1:8182"},
		{"variable", ". {\n    ready {$READY}\n}", "127.0.0.1:8183"},
		{"properties", ". {\n    ready {\n        monitor continuously\n    }\n    errors\n}", ":8181"},
		{"address and properties", ". {\n    ready :8184 {\n        monitor until-ready\n    }\n}", ":8184"},
		{"two blocks", "a.example {\n    ready :1\n}\nb.example {\n    ready :2\n}", ":1 :2"},
		{"snippet", "(probes) {\n    ready :3\n}\n. {\n    import probes\n}", ":3"},
		{"other directives", ". {\n    prometheus\n    health {\n        lameduck 5s\n    }\n    ready\n}", ":8181 :8080 localhost:9153"},
	} {
		var all []string
		for _, l := range listeners {
			all = append(all, l.addresses(corefile.Input("Corefile", []byte(tt.text)))...)
		}
		if got := strings.Join(all, " "); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}

func TestListeners(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const remedy = ": end the other program or write another address, such as "
	inUse := "another process listens on ADDR already"
	if runtime.GOOS != "linux" { // there the plugins report it
		inUse = ""
	}
	for _, tt := range []struct {
		l               listening
		directive, want string
	}{
		{listeners[0], "ready 127.0.0.1:0", ""},
		{listeners[0], "ready ADDR", "ready: listen tcp ADDR: bind: address already in use" + remedy + "`ready :8182`"},
		{listeners[1], "health ADDR", "health: " + inUse + remedy + "`health :8081`"},
		{listeners[2], "prometheus ADDR", "prometheus: " + inUse + remedy + "`prometheus localhost:9154`"},
	} {
		filled := strings.NewReplacer("ADDR", taken.Addr().String())
		err := tt.l.check(corefile.Input("Corefile", []byte(filled.Replace(". {\n    "+tt.directive+"\n}\n"))))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if want := filled.Replace(tt.want); got != want && (inUse != "" || tt.l.directive == "ready") {
			t.Errorf("%s: %q; want %q", tt.directive, got, want)
		}
	}
}
