package cookies

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// secrets make and verify cookies. The first one makes them, and all verify. The zero
// value is not usable.
type secrets struct {
	all  atomic.Pointer[[]secret]
	roll sync.Mutex
	next time.Time // when a random secret is rolled
}

// lifetime is that of a random secret. Cookies of the one before remain valid for an hour.
const lifetime = 24 * time.Hour

// random returns the secret of this process. It outlives reloads.
var random = sync.OnceValue(func() *secrets {
	s := &secrets{next: time.Now().Add(lifetime)}
	s.all.Store(&[]secret{newSecret()})
	return s
})

func newSecret() (s secret) {
	_, _ = rand.Read(s[:]) // it never fails, see its documentation
	return s
}

// rollAt makes a new secret if the time has come.
func (s *secrets) rollAt(now time.Time) {
	s.roll.Lock()
	defer s.roll.Unlock()
	if s.next.IsZero() || now.Before(s.next) {
		return
	}
	s.next = now.Add(lifetime)
	s.all.Store(&[]secret{newSecret(), (*s.all.Load())[0]})
}

// A kind is what a client has sent. The values are those of the metric.
type kind uint8

const (
	none    kind = iota // no cookie
	client              // a client cookie only
	valid               // with a server cookie of ours
	invalid             // with another one
	malformed
	kinds
)

// answer returns the cookie for the reply to a client's cookie.
func (s *secrets) answer(cookie []byte, addr netip.Addr, now time.Time) (reply [cookieSize]byte, k kind) {
	switch n := len(cookie); {
	case n < clientSize, n > clientSize && n < leastSize, n > mostSize:
		return reply, malformed
	case n > clientSize:
		k = invalid
	default:
		k = client
	}
	all := *s.all.Load()
	for i := range all {
		age, ok := all[i].valid(cookie, addr, now)
		if !ok {
			continue
		}
		if k = valid; i == 0 && age < fresh && age >= 0 {
			return [cookieSize]byte(cookie), valid
		}
		break
	}
	return all[0].make([clientSize]byte(cookie), addr, uint32(now.Unix())), k //nolint:gosec // G115: serial numbers
}

// readSecrets returns the secrets in a file, one a line.
func readSecrets(path string) ([]secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all, err := parseSecrets(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// maxSecrets bounds the work for a cookie that is not valid.
const maxSecrets = 4

var errSecret = errors.New("a secret has 32 hexadecimal digits, as of: openssl rand -hex 16")

func parseSecrets(text string) (all []secret, err error) {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		octets, err := hex.DecodeString(line)
		if err != nil || len(octets) != len(secret{}) {
			return nil, fmt.Errorf("line %d: %w", i+1, errSecret) // without the text, which is secret
		}
		all = append(all, secret(octets))
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("no secret: %w", errSecret)
	case len(all) > maxSecrets:
		return nil, fmt.Errorf("%d secrets, at most %d are read: remove the last ones", len(all), maxSecrets)
	}
	return all, nil
}
