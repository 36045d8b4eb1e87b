//go:build !windows

package reload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

// A program that the signal may end gets none.
func TestRefuse(t *testing.T) {
	for _, tc := range []struct{ name, program, want string }{
		{"a server", "privatelink-dns", ""},
		{"this binary by another name", "reload.test", ""},
		{"another program", "sshd", "-pid: process 7 is sshd, not privatelink-dns: use systemctl reload privatelink-dns"},
		{"not known", "", ""},
	} {
		if got := text(refuse(7, tc.program)); got != tc.want {
			t.Errorf("%s: %q; want %q", tc.name, got, tc.want)
		}
	}
}

// The command reports the reason of the server, and also that there is no result.
func TestResults(t *testing.T) {
	for _, tc := range []struct{ name, result, want string }{
		{"success", "", ""},
		{"a broken Corefile", "Corefile:3 - Error", "the running Corefile stays in force: Corefile:3 - Error"},
		{"no result", "none", "no result of the reload: the server left none in PATH within 30s: see the log of the server"},
	} {
		path := filepath.Join(t.TempDir(), "reload")
		if tc.result != "none" {
			if err := os.WriteFile(path, []byte(tc.result), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Test(t, func(t *testing.T) {
			if got, want := text(report(t.Context(), path)), strings.ReplaceAll(tc.want, "PATH", path); got != want {
				t.Errorf("%s: %q; want %q", tc.name, got, want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := report(ctx, filepath.Join(t.TempDir(), "reload")); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
