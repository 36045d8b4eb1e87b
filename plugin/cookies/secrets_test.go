package cookies

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseSecrets(t *testing.T) {
	const hint = "a secret has 32 hexadecimal digits, as of: openssl rand -hex 16"
	for _, tc := range []struct {
		name, text string
		want       int
		err        string
	}{
		{"one", key, 1, ""},
		{"two, with a comment", "# the new one\n" + key + "\n\n  " + otherKey + "  \r\n", 2, ""},
		{"upper case", strings.ToUpper(key), 1, ""},
		{"none", "# nothing\n", 0, "no secret: " + hint},
		{"too short", key + "\n" + key[2:], 0, "line 2: " + hint},
		{"no digits", "secret", 0, "line 1: " + hint},
		{"two in a line", key + " " + key, 0, "line 1: " + hint},
		{"too many", strings.Repeat(key+"\n", 5), 0, "5 secrets, at most 4 are read: remove the last ones"},
	} {
		all, err := parseSecrets(tc.text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if len(all) != tc.want || got != tc.err {
			t.Errorf("%s: %d secrets, %q; want %d, %q", tc.name, len(all), got, tc.want, tc.err)
		}
	}
}

// A random secret is rolled once a day, and the cookies of the one before stay valid.
func TestRoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &secrets{next: time.Now().Add(lifetime)}
		s.all.Store(&[]secret{newSecret()})
		stopped := make(chan struct{})
		go s.keep("", stopped)
		time.Sleep(lifetime - time.Minute)
		addr := netip.MustParseAddr("10.0.0.1")
		old, _ := s.answer(digits(t, clientCookie), addr, time.Now())
		first := (*s.all.Load())[0]
		time.Sleep(2 * time.Minute)
		if (*s.all.Load())[0] == first {
			t.Error("after a day, the secret is the same")
		}
		if renewed, k := s.answer(old[:], addr, time.Now()); k != valid || renewed == old {
			t.Errorf("the cookie of the secret before is %d; want a valid one, and a new one in its place", k)
		}
		time.Sleep(lifetime)
		if all := *s.all.Load(); len(all) != 2 || all[0] == first || all[1] == first {
			t.Error("after two days, the first secret is in use")
		}
		close(stopped)
	})
}

// A changed file of secrets takes effect within half a minute, and a broken one none.
func TestSecretsOfAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "secrets")
		write := func(text string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(keepInterval + time.Second)
		}
		if _, err := secretsOf(file); err == nil {
			t.Error("a missing file is no error")
		}
		write(otherKey)
		s, err := secretsOf(file)
		write("broken")
		if again, err := secretsOf(file); err != nil || (*again.all.Load())[0] != secret(digits(t, otherKey)) {
			t.Errorf("a reload with a broken file: %v; want the secrets before", err)
		}
		write(otherKey)
		if err != nil {
			t.Fatal(err)
		}
		stopped := make(chan struct{})
		defer close(stopped)
		go s.keep(file, stopped)
		for _, step := range []struct{ text, want string }{{key + "\n" + otherKey, key}, {"broken", key}, {"", key}, {otherKey, otherKey}} {
			write(step.text)
			if got := (*s.all.Load())[0]; got != secret(digits(t, step.want)) {
				t.Errorf("after %q: %x; want %s", step.text, got, step.want)
			}
		}
	})
}
