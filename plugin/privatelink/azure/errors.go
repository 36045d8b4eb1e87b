package azure

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// explain returns in one line why there is no response, and the remedy. Neither
// tokens nor links nor response bodies are in the text, and it is the same for
// each attempt.
func (c *client) explain(err error) error {
	var token *tokenError
	var denied *azidentity.AuthenticationFailedError
	switch {
	case errors.As(err, &token):
		return token
	case errors.As(err, &denied):
		return fmt.Errorf("no token: %s %s", firstLine(denied), aadsts.FindString(denied.Error()))
	}
	if cause, remedy, ok := networkCause(err, c.endpoint.Host); ok {
		return fmt.Errorf("%s: %s", cause, remedy)
	}
	return errors.New(plain(err))
}

// plain returns the text of an error without the link and the port on this side.
func plain(err error) string {
	var request *url.Error
	var network *net.OpError
	switch {
	case errors.As(err, &network) && network.Op != "dial":
		return oneLine(network.Err)
	case errors.As(err, &request):
		return oneLine(request.Err)
	}
	return strings.TrimPrefix(oneLine(err), "body download policy: ")
}

// refused returns the error of a response with another status than 200.
func (c *client) refused(response *http.Response) error {
	text := c.refusal(response)
	if after := retryAfter(response); after > 0 {
		return &source.RetryAfterError{Err: text, After: after}
	}
	return text
}

// A statusError is an answer of ARM other than 200.
type statusError struct {
	status int
	code   string // ARM's, such as ResourceNotFound; may be empty
	advice string
	asked  string // api-version of the request
	// subscription is that of the request, empty if it is for several.
	subscription string
	graph        bool     // the request is a query of Resource Graph
	offered      []string // api-versions, if ARM does not have that one
}

func (e *statusError) Error() string {
	return "ARM answers " + strings.TrimSpace(fmt.Sprint(e.status, " ", e.code)) + e.advice
}

func (c *client) refusal(response *http.Response) error {
	e := &statusError{status: response.StatusCode, subscription: c.subscription}
	if response.Request != nil && response.Request.URL != nil {
		e.asked = response.Request.URL.Query().Get("api-version")
		e.subscription = cmp.Or(e.subscription, subscriptionOf(response.Request.URL.Path))
		e.graph = kindOf(response.Request) == readGraph
	}
	body := outcome{body: peek(response)}
	var parsed *azcore.ResponseError
	if errors.As(runtime.NewResponseError(response), &parsed) {
		e.code = fmt.Sprintf("%.80s", oneLine(errors.New(parsed.ErrorCode)))
	}
	switch {
	case e.status >= 300 && e.status < 400 && response.Header.Get("Location") != "":
		e.advice = fmt.Sprintf(" and redirects to %.200q, which is not followed: check the proxy between this server and Azure", c.target(response))
	case body.isHTML() || isHTML(response):
		e.code, e.advice = "", " with an HTML page: "+c.pageAdvice(e.status)
	default:
		e.offered = offered(e, body.body)
		e.advice = c.advice(e, body.body)
	}
	return e
}

// pageAdvice is for a page in place of JSON. Azure's own gateways also have pages.
func (c *client) pageAdvice(status int) string {
	if status >= http.StatusInternalServerError {
		return "it is of a gateway, the next sync asks again; if this lasts, check the proxy between this server and Azure"
	}
	return "it is of a proxy or a sign-in page; let the server reach " + c.endpoint.Host + " without it"
}

// advice returns the remedy for an error of ARM.
func (c *client) advice(e *statusError, body []byte) string {
	switch {
	case e.graph && e.status == http.StatusNotFound:
		return ": this cloud has no Resource Graph: write a line azure SUBSCRIPTION for each subscription"
	case e.offered != nil:
		return ": it offers no api-version from " + oldestVersion + " to " + apiVersion + ", and none in preview is used"
	case e.code == "MissingSubscriptionRegistration":
		name := cmp.Or(namespace.FindString(string(body)), "Microsoft.Network")
		return ": register the resource provider in subscription " + e.subscription + ": az provider register --namespace " + name
	case e.status == http.StatusForbidden && e.subscription == "":
		return ": grant Reader on the management group, or on its subscriptions, to the identity"
	case e.status == http.StatusForbidden:
		return ": grant Reader on subscription " + e.subscription + " to the identity"
	case e.status == http.StatusUnauthorized:
		return ": the token is not accepted, check the identity's tenant and the cloud"
	case e.status == http.StatusNotFound && e.code != "ResourceNotFound":
		return ": check the subscription's ID and the names of its resource groups"
	case e.status == http.StatusTooManyRequests:
		return ": too many requests, the next sync asks again; if this lasts, raise refresh, and look for other users of the identity"
	}
	return ""
}

// namespace is the name of a resource provider.
var namespace = regexp.MustCompile(`Microsoft\.[A-Za-z]+`)

// target returns where a redirect leads, without the parts that may be secret.
func (c *client) target(response *http.Response) string {
	to, err := c.endpoint.Parse(response.Header.Get("Location"))
	if err != nil {
		return "an invalid URL"
	}
	return (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String()
}

// gone reports whether ARM answers that the endpoint of a zone group does not
// exist. Another 404 may be of a proxy, or of the subscription.
func gone(err error) bool {
	var refused *statusError
	return errors.As(err, &refused) && refused.status == http.StatusNotFound &&
		(refused.code == "ResourceNotFound" || refused.code == "ParentResourceNotFound")
}

// deleted reports whether ARM answers that a resource does not exist, or that the
// resource group or the subscription that it was in does not.
func deleted(err error) bool {
	var refused *statusError
	return errors.As(err, &refused) && refused.status == http.StatusNotFound &&
		(gone(err) || refused.code == "ResourceGroupNotFound" || refused.code == "SubscriptionNotFound")
}

// firstLine leaves out the HTTP response that a credential's error quotes.
func firstLine(err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimSpace(line)
}

// oneLine joins the lines of an error: the default chain has one for each
// credential that was tried.
func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	const most = 800
	return text[:min(len(text), most)]
}

// maxRetryAfter bounds the effect of a Retry-After.
const maxRetryAfter = 24 * time.Hour

// retryAfter returns how long ARM asks us to stay away (RFC 9110, 10.2.3).
func retryAfter(response *http.Response) time.Duration {
	if response == nil {
		return 0
	}
	value := response.Header.Get("Retry-After")
	if value == "" && response.StatusCode == http.StatusTooManyRequests {
		return clock(response.Header.Get(resetsAfter))
	}
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(time.Until(at), maxRetryAfter)
	}
	return 0
}

// refusedForGood reports whether ARM refuses a request that it would refuse
// again, unlike one that is throttled or not authorized.
func refusedForGood(err error) bool {
	var refused *statusError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return refused.status >= 400 && refused.status < 500
}
