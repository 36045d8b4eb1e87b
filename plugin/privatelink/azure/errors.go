package azure

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// explain says in one line what ARM or the credential refused, and what to do.
// Neither tokens nor response bodies get into the text.
func (c *client) explain(err error) error {
	var response *azcore.ResponseError
	var denied *azidentity.AuthenticationFailedError
	switch {
	case errors.As(err, &denied):
		return fmt.Errorf("no token: %s %s: check the managed identity, or the AZURE_ variables of the service principal", firstLine(denied), reason.FindString(denied.Error()))
	case !errors.As(err, &response):
		return errors.New(oneLine(err))
	}
	code := strings.TrimSpace(fmt.Sprint(response.StatusCode, " ", response.ErrorCode))
	text := fmt.Errorf("ARM answers %s%s", code, c.remedy(response))
	if after := retryAfter(response.RawResponse); after > 0 {
		return &source.RetryAfterError{Err: text, After: after}
	}
	return text
}

func (c *client) remedy(response *azcore.ResponseError) string {
	switch response.StatusCode {
	case http.StatusForbidden:
		return ": grant Reader on subscription " + c.subscription + " to the identity"
	case http.StatusUnauthorized:
		return ": the token is not accepted, check the identity's tenant and the cloud"
	case http.StatusNotFound:
		return ": check the subscription's ID and the names of its resource groups"
	}
	return ""
}

// reason is the code by which Entra ID tells what is wrong. Its description has
// the time in it, and would be news each time.
var reason = regexp.MustCompile(`AADSTS\d+`)

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

// retryAfter returns how long ARM asks us to stay away (RFC 9110, 10.2.3).
func retryAfter(response *http.Response) time.Duration {
	if response == nil {
		return 0
	}
	value := response.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return time.Until(at)
	}
	return 0
}
