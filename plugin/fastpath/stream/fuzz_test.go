package stream

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
)

// A recorder has a short reply to every message in memory, and keeps the messages.
type recorder struct {
	fakeBackend
	messages []string
}

func (r *recorder) Reply(b, message []byte, _ netip.Addr) []byte {
	r.messages = append(r.messages, string(message))
	return append(b, "reply"...)
}

// Whatever octets arrive, and in which parts, the messages are those between the lengths.
func FuzzMessages(f *testing.F) {
	f.Add(framed("one", "", "three"), []byte{1, 2, 3})
	f.Add(framed(string(make([]byte, 510)), "next"), []byte{255})
	f.Add(framed(string(make([]byte, 600)), string(make([]byte, 3000)), "next"), []byte{255, 100})
	f.Add([]byte{0xff, 0xff, 1, 2, 3}, []byte{})
	f.Add([]byte{0}, []byte{})
	f.Fuzz(func(t *testing.T, octets, parts []byte) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, roomy, usual)
			r := &recorder{fakeBackend: fakeBackend{times: usual}}
			l, err := w.pool.Serve(w.address, r, nil)
			if err := errors.Join(err, w.lease.Close(0)); err != nil {
				t.Fatal(err)
			}
			w.lease = l
			c := w.dial("10.0.0.1")
			go io.Copy(io.Discard, c)
			for i, rest := 0, octets; len(rest) > 0; i++ {
				n := min(len(rest), 600)
				if len(parts) > 0 {
					n = min(len(rest), 1+int(parts[i%len(parts)]))
				}
				if _, err := c.Write(rest[:n]); err != nil {
					break // it is closed after a message without a header
				}
				rest = rest[n:]
			}
			synctest.Wait()
			if want := messagesOf(octets); !slices.Equal(r.messages, want) {
				t.Errorf("the messages are %q; want %q", r.messages, want)
			}
			w.stop()
		})
	})
}

// messagesOf returns the whole messages of the octets.
func messagesOf(octets []byte) (all []string) {
	for len(octets) >= 2 {
		size := int(binary.BigEndian.Uint16(octets))
		if octets = octets[2:]; size > len(octets) || size < minSize {
			break
		}
		all = append(all, string(octets[:size]))
		octets = octets[size:]
	}
	return all
}
