package fakearm

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"time"
)

type object = map[string]any

// An answer is a response, complete until a fault spoils it.
type answer struct {
	status int
	header map[string]string
	body   any // a string is HTML, bytes are said to be JSON, all else is made JSON

	delay     time.Duration
	reset     bool // the connection, in place of an answer
	truncated bool
}

// failure is an error in ARM's form.
func failure(status int, code, message string) answer {
	return answer{status: status, body: object{"error": object{"code": code, "message": message}}}
}

func (a answer) write(w http.ResponseWriter, r *http.Request) {
	if a.delay > 0 {
		select {
		case <-time.After(a.delay):
		case <-r.Context().Done():
			return
		}
	}
	if a.reset {
		reset(w)
		return
	}
	text, kind := a.text()
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	for key, value := range a.header {
		w.Header().Set(key, value)
	}
	if a.truncated {
		text = text[:len(text)/2] // the server closes a connection whose body falls short of its length
	}
	w.WriteHeader(a.status)
	w.Write(text) //nolint:errcheck // the client has gone
}

func (a answer) text() (text []byte, kind string) {
	const isJSON = "application/json; charset=utf-8"
	switch body := a.body.(type) {
	case string:
		return []byte(body), "text/html; charset=utf-8"
	case []byte:
		return body, isJSON
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		panic(err) // no body has a value that JSON does not know
	}
	return text, isJSON
}

// reset closes below TLS and without waiting, so that the client gets a RST.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the connection is closed already
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) //nolint:errcheck // then it is closed the usual way
	}
	conn.Close() //nolint:errcheck // closed already
}
