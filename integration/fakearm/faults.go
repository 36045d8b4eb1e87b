package fakearm

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Kind is the kind of a fault.
type Kind string

// The kinds. The first five are an error in ARM's form with that status.
const (
	Forbidden   Kind = "403" // AuthorizationFailed
	NotFound    Kind = "404" // SubscriptionNotFound, or ResourceGroupNotFound below a group
	Throttled   Kind = "429" // without Retry-After if RetryAfter is 0
	Broken      Kind = "500"
	Unavailable Kind = "503"

	Slow      Kind = "slow"      // after DelayMS
	Reset     Kind = "reset"     // of the connection, in place of an answer
	Truncated Kind = "truncated" // after half of the body
	HTML      Kind = "html"      // a page of HTML with status 200
	HTML502   Kind = "html-502"  // the same from a gateway
	Garbage   Kind = "garbage"   // status 200, no JSON

	OtherHost Kind = "other-host" // nextLink to this server by another name
	Loop      Kind = "loop"       // nextLink to its own page
	Link      Kind = "link"       // nextLink with the Value

	Body     Kind = "body"     // status 200 with the Value as the whole body
	Bomb     Kind = "bomb"     // a small body that is 512 MiB after decompression
	ErrBomb  Kind = "err-bomb" // the same with status 500
	Redirect Kind = "redirect" // 307 to the Value, or to this server by another name
	Swallow  Kind = "swallow"  // no answer, as if the network lost the request
	Shift    Kind = "shift"    // a page lacks its first resource, as if one of an earlier page were deleted
	Repeat   Kind = "repeat"   // a page begins with the last resource of the page before, as if one were created

	Short Kind = "short" // a page of Resource Graph lacks its last row, and counts it
	Cut   Kind = "cut"   // a page of Resource Graph is truncated and has no token for the next one

	Expired Kind = "expired" // the token of the request is no longer good
	Revoked Kind = "revoked" // the same, with the challenge that makes azcore get another
)

var kinds = []Kind{
	Forbidden, NotFound, Throttled, Broken, Unavailable, Slow, Reset, Truncated,
	HTML, HTML502, Garbage, OtherHost, Loop, Link, Body, Bomb, ErrBomb, Redirect, Swallow, Shift, Repeat, Short, Cut, Expired, Revoked,
}

// A Fault spoils answers.
type Fault struct {
	Kind  Kind   `json:"kind"`
	Path  string `json:"path"`  // part of the path, in any case; "" is every path, that of tokens too
	Page  int    `json:"page"`  // of a listing, from 1; 0 is every page
	Count int    `json:"count"` // so many answers; 0 is always

	RetryAfter int `json:"retryAfter"` // seconds, for 429 and 503
	DelayMS    int `json:"delayMs"`    // for slow

	Value json.RawMessage `json:"value"` // for link, body and redirect
}

// SetFaults replaces all faults. The first one that fits an answer spoils it.
func (s *Server) SetFaults(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.Clone(faults)
}

// takeFault returns the fault for an answer, if there is one, and counts it.
func (s *Server) takeFault(path string, page int) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !strings.Contains(strings.ToLower(path), strings.ToLower(f.Path)) || f.Page != 0 && f.Page != page {
			continue
		}
		if f.Count == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Count > 1 {
			s.faults[i].Count--
		}
		return f, true
	}
	return Fault{}, false
}

// spoil applies the fault to an answer.
func (s *Server) spoil(r *http.Request, f Fault, a *answer) {
	switch f.Kind {
	case Slow:
		a.delay += time.Duration(f.DelayMS) * time.Millisecond
	case Reset:
		a.reset = true
	case Truncated:
		a.truncated = true
	case OtherHost:
		a.linkTo("https://" + otherName(r.Host) + r.URL.RequestURI())
	case Loop:
		a.linkTo("https://" + r.Host + r.URL.RequestURI())
	case Link:
		a.linkTo(f.Value)
	case Swallow:
		a.delay = 24 * time.Hour
	case Shift:
		*a = s.listing(r, 1)
	case Repeat:
		*a = s.listing(r, -1)
	case Short, Cut:
		a.cutRows(f.Kind)
	case Redirect:
		*a = f.redirect(r)
	case Bomb, ErrBomb:
		*a = bomb(f.Kind)
	case Expired:
		*a = s.withdraw(r, false)
	case Revoked:
		*a = s.withdraw(r, true)
	default:
		*a = f.answer(r.URL.Path)
	}
}

// answer replaces any answer.
func (f Fault) answer(path string) answer {
	switch f.Kind {
	case Forbidden:
		return failure(http.StatusForbidden, "AuthorizationFailed",
			"The client '"+ClientID+"' does not have authorization to perform the action over scope '"+path+"'.")
	case NotFound:
		if strings.Contains(strings.ToLower(path), "/resourcegroups/") {
			return failure(http.StatusNotFound, "ResourceGroupNotFound", "The resource group could not be found.")
		}
		return failure(http.StatusNotFound, "SubscriptionNotFound", "The subscription could not be found.")
	case Throttled, Unavailable:
		return f.later()
	case HTML:
		return answer{status: http.StatusOK, body: "<!DOCTYPE html><title>Sign in to the network</title>"}
	case HTML502:
		return answer{status: http.StatusBadGateway, body: "<!DOCTYPE html><title>502 Bad Gateway</title>"}
	case Body:
		return answer{status: http.StatusOK, body: []byte(f.Value)}
	case Garbage:
		return answer{status: http.StatusOK, body: []byte(`{"value":[{"id":` + "\x00")}
	}
	return failure(http.StatusInternalServerError, "InternalServerError", "An error occurred.")
}

// later asks the client to come back, after the time of the fault if it has one.
func (f Fault) later() answer {
	a := failure(http.StatusServiceUnavailable, "ServerUnavailable", "The service is unavailable.")
	if f.Kind == Throttled {
		a = failure(http.StatusTooManyRequests, "RetryableError", "A retryable error occurred.")
	}
	if f.RetryAfter != 0 {
		a.header = map[string]string{"Retry-After": strconv.Itoa(f.RetryAfter)}
	}
	return a
}

// redirect leads to the fault's Value, or to the same path by another name.
func (f Fault) redirect(r *http.Request) answer {
	to := "https://" + otherName(r.Host) + r.URL.RequestURI()
	if len(f.Value) > 0 {
		json.Unmarshal(f.Value, &to) //nolint:errcheck // then it is the other name
	}
	return answer{status: http.StatusTemporaryRedirect, header: map[string]string{"Location": to}, body: object{}}
}

// bomb is a page, or an error, whose value is a string of 512 MiB.
func bomb(kind Kind) answer {
	status := http.StatusOK
	if kind == ErrBomb {
		status = http.StatusInternalServerError
	}
	return answer{status: status, header: map[string]string{"Content-Encoding": "gzip"}, body: packed()}
}

// packed repeats one compressed block, as a gzip file may have several members.
func packed() []byte {
	block := compressed(strings.Repeat("a", 1<<20))
	return slices.Concat(compressed(`{"value":["`), bytes.Repeat(block, 512), compressed(`"]}`))
}

func compressed(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text) //nolint:errcheck // a buffer takes all
	w.Close()               //nolint:errcheck // a buffer takes all
	return b.Bytes()
}

// linkTo sets the nextLink of a page.
func (a *answer) linkTo(url any) {
	if body, ok := a.body.(object); ok && body["value"] != nil {
		body["nextLink"] = url
	}
}

// cutRows takes the last row from a page of Resource Graph.
func (a *answer) cutRows(kind Kind) {
	body, ok := a.body.(object)
	rows, _ := body["data"].([]object)
	if !ok || len(rows) == 0 {
		return
	}
	body["data"] = rows[:len(rows)-1]
	if kind == Cut {
		body["count"], body["resultTruncated"] = len(rows)-1, "true"
		delete(body, "$skipToken")
	}
}

// otherName is another name of this server: who follows a link there is answered,
// and Requests shows it.
func otherName(host string) string {
	name, port, _ := net.SplitHostPort(host)
	if name == "localhost" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return net.JoinHostPort("localhost", port)
}
