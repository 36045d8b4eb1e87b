package main

import (
	"bytes"
	"context"
	"regexp"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := run(ctx, fakearm.Config{EstateFile: "../../estate.json"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^export SSL_CERT_FILE=.+ca\.pem$`, `(?m)^export AZURE_AUTHORITY_HOST=https://127\.0\.0\.1:\d+/$`,
		`(?m)^export AZURE_TENANT_ID=`, `(?m)^export AZURE_CLIENT_ID=`, `(?m)^export AZURE_CLIENT_SECRET=`,
		`(?m)^export IDENTITY_ENDPOINT=http://127\.0\.0\.1:\d+/msi/token$`, `(?m)^export IDENTITY_HEADER=`,
		`(?m)^# in the Corefile: cloud https://127\.0\.0\.1:\d+$`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("run printed\n%s; want %s", out.Bytes(), want)
		}
	}
}
