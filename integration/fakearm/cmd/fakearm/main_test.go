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
		`(?m)^# subscription 00000000-0000-0000-0000-000000000000$`,
		`(?m)^\.:1053 \{\n    bind 127\.0\.0\.1\n    errors\n    status\n    privatelink \{\n        cloud https://127\.0\.0\.1:\d+$`,
		`(?m)^        azure 00000000-0000-0000-0000-000000000000$`,
		`(?m)^go run \./cmd/privatelink-dns -conf .+/Corefile$`, `(?m)^dig -p 1053 @127\.0\.0\.1 4728190365512870934-ab-pod01-fc1\.`,
		`(?m)^go run \./cmd/privatelink-dns why -conf .+/Corefile 4728190365512870934-ab-pod01-fc1\.`, `(?m)^# 5\. a change: edit \.\./\.\./estate\.json, and`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("run printed\n%s; want %s", out.Bytes(), want)
		}
	}
}

// A landing zone has one line for all subscriptions, and a file to edit.
func TestLandingZone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := run(ctx, fakearm.Config{Estate: fakearm.LandingZone(200, 10).OfAccounts()}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^# and 197 more$`, `(?m)^        azure \*$`, `(?m)^dig -p 1053 @127\.0\.0\.1 acct0x0\.blob\.core\.windows\.net$`,
		`(?m)^# 5\. a change: edit /.+/estate\.json, and`} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("run printed\n%s; want %s", out.Bytes(), want)
		}
	}
}
