package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/coredns/caddy"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

func TestReportStart(t *testing.T) {
	inst, err := caddy.Start(corefile.Input("/etc/test/Corefile", []byte(".:0 {\nbind 127.0.0.1\nlru\n}")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(append(inst.ShutdownCallbacks(), inst.Stop())...); err != nil {
			t.Error(err)
		}
	}()
	var out bytes.Buffer
	log.SetOutput(&out)
	defer log.SetOutput(os.Stderr)
	if err := reportStart(caddy.InstanceStartupEvent, inst); err != nil {
		t.Fatal(err)
	}
	server := inst.Servers()[0]
	want := fmt.Sprintf("[INFO] Serving /etc/test/Corefile on tcp %s, udp %s\n", server.Addr(), server.LocalAddr())
	if got := out.String(); !strings.HasSuffix(got, want) {
		t.Errorf("the log is %q; want %q", got, want)
	}
}
