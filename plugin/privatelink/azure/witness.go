package azure

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// maxQuoted bounds the part of a response that is searched for a cause.
const maxQuoted = 64 << 10

// A witness notes how the last request of an identity ended. azidentity turns
// errors into texts, in which neither their type nor their response is left.
type witness struct {
	next policy.Transporter

	mu   sync.Mutex
	who  candidate
	last outcome
}

// An outcome is how a request ended. The zero value means that there was no request.
type outcome struct {
	host   string
	local  bool // an identity endpoint of the machine, not the authority
	err    error
	status int
	body   []byte // of an error, or of an HTML page
}

func (w *witness) begin(who candidate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.who, w.last = who, outcome{}
}

func (w *witness) outcome() outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// waiting returns the identity and the last answer of its endpoint.
func (w *witness) waiting() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.last
	if o.status >= http.StatusBadRequest {
		return w.who.name + ": " + o.at() + " " + answers(o.status)
	}
	if o.err != nil {
		cause, _, _ := networkCause(o.err, o.at())
		return w.who.name + ": " + cause
	}
	if o.host != "" {
		return w.who.name + ": " + o.at() + " does not answer"
	}
	return w.who.name
}

// Do implements policy.Transporter. Errors that the next attempt would have as
// well are not retried.
func (w *witness) Do(r *http.Request) (*http.Response, error) {
	o := outcome{host: r.URL.Host, local: isLocal(r.URL)}
	w.sent(o)
	response, err := w.next.Do(r)
	if err != nil {
		o.err = err
		w.note(o)
		return nil, permanently(err)
	}
	o.status = response.StatusCode
	if o.status >= http.StatusMultipleChoices || isHTML(response) {
		o.body = peek(response)
	}
	w.note(o)
	return response, nil
}

// sent notes a request without an answer, unless one before had an answer.
func (w *witness) sent(o outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.host != o.host || w.last.status < http.StatusBadRequest && w.last.err == nil {
		w.last = o
	}
}

func (w *witness) note(o outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = o
}

// peek returns the start of a body, which can still be read.
func peek(response *http.Response) []byte {
	start, _ := io.ReadAll(io.LimitReader(response.Body, maxQuoted))
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), response.Body), response.Body}
	return start
}

func isHTML(response *http.Response) bool {
	return strings.HasPrefix(casefold.Lower(response.Header.Get("Content-Type")), "text/html")
}

// at names the endpoint for people.
func (o outcome) at() string {
	if o.host == "169.254.169.254" {
		return "IMDS (169.254.169.254)"
	}
	return o.host
}
