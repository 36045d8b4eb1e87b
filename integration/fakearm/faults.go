package fakearm

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Kind is what goes wrong.
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

	Expired Kind = "expired" // the token of the request is no longer good
	Revoked Kind = "revoked" // the same, with the challenge that makes azcore get another
)

var kinds = []Kind{
	Forbidden, NotFound, Throttled, Broken, Unavailable, Slow, Reset, Truncated,
	HTML, HTML502, Garbage, OtherHost, Loop, Expired, Revoked,
}

// A Fault spoils answers.
type Fault struct {
	Kind  Kind   `json:"kind"`
	Path  string `json:"path"`  // part of the path, in any case; "" is every path, that of tokens too
	Page  int    `json:"page"`  // of a listing, from 1; 0 is every page
	Count int    `json:"count"` // so many answers; 0 is always

	RetryAfter int `json:"retryAfter"` // seconds, for 429 and 503
	DelayMS    int `json:"delayMs"`    // for slow
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

// spoil makes of an answer what the fault says.
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
	case Expired:
		*a = s.withdraw(r, false)
	case Revoked:
		*a = s.withdraw(r, true)
	default:
		*a = f.answer(r.URL.Path)
	}
}

// answer is what stands in the place of any answer.
func (f Fault) answer(path string) answer {
	switch f.Kind {
	case Forbidden:
		return failure(http.StatusForbidden, "AuthorizationFailed", "The client '"+ClientID+"' does not have authorization to perform the action over scope '"+path+"'.")
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
	case Garbage:
		return answer{status: http.StatusOK, body: []byte(`{"value":[{"id":` + "\x00")}
	}
	return failure(http.StatusInternalServerError, "InternalServerError", "An error occurred.")
}

// later asks the client to come back, and tells when if the fault does.
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

// linkTo sets the nextLink of a page.
func (a *answer) linkTo(url string) {
	if body, ok := a.body.(object); ok && body["value"] != nil {
		body["nextLink"] = url
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
