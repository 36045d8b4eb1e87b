package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// A tokenError is why an identity returned no token: one cause and its remedy, in
// the same text for each attempt.
type tokenError struct {
	text  string
	cause error
}

func (e *tokenError) Error() string { return e.text }
func (e *tokenError) Unwrap() error { return e.cause }

// NonRetriable marks the error for azcore's retry policy: the identity has retried.
func (*tokenError) NonRetriable() {}

// explain returns the error of a candidate in terms of its last request.
func (c *chain) explain(ctx context.Context, who candidate, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	o := c.witness.outcome()
	cause, remedy := causeOf(who, err, o)
	text := "no token from " + who.name + ": " + cause
	if remedy != "" {
		text += ": " + remedy
	}
	return &tokenError{text: who.inWords(text), cause: err}
}

// inWords returns the text of an error with the variables that count for the identity.
func (c candidate) inWords(text string) string {
	if c.words == nil {
		return text
	}
	return c.words.Replace(text)
}

func causeOf(who candidate, err error, o outcome) (cause, remedy string) {
	if o.err != nil {
		cause, remedy, ok := networkCause(o.err, o.at())
		if ok && o.local && (who.managed || who.federated) { // the authority may be local as well
			remedy = localRemedy(o)
		}
		if ok {
			return cause, remedy
		}
		return o.at() + ": " + plain(o.err), firewall
	}
	denied := (*azidentity.AuthenticationFailedError)(nil)
	// Arc's first answer is 401 with the path of a key file; the error is about the file.
	challenge := who.managed && o.status == http.StatusUnauthorized && errors.As(err, &denied) && denied.RawResponse == nil
	switch {
	case o.status == 0 && o.host != "":
		return o.at() + " does not answer", noAnswerRemedy(o)
	case o.status >= http.StatusMultipleChoices && !challenge, len(o.body) > 0 && !challenge:
		if who.managed || who.federated && o.local {
			return managedCause(who, o)
		}
		return authorityCause(o)
	}
	return textCause(who, err)
}

func noAnswerRemedy(o outcome) string {
	if o.local {
		return localRemedy(o)
	}
	return firewall
}

func localRemedy(o outcome) string {
	if o.host == "169.254.169.254" {
		return "on a virtual machine of Azure, allow it in the firewall; elsewhere, use Azure Arc or a service principal " +
			"(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET)"
	}
	if usesArc() {
		return "start Azure Arc's agent (himdsd; on Windows the service himds), and check IDENTITY_ENDPOINT"
	}
	return "check IDENTITY_ENDPOINT"
}

// aadsts is a code of Entra ID. Its description has the time and the trace ID in
// it, so that it differs each time.
var aadsts = regexp.MustCompile(`AADSTS\d+`)

// remedies are those of the usual codes.
var remedies = map[string]struct{ cause, remedy string }{
	"AADSTS7000215": {"the client secret is wrong", "AZURE_CLIENT_SECRET has to be the value of the secret, not its ID"},
	"AADSTS7000222": {"the client secret has expired", "create another one and set AZURE_CLIENT_SECRET"},
	"AADSTS7000112": {"the application is disabled", "enable it in Entra ID"},
	"AADSTS700016":  {"the tenant has no application with AZURE_CLIENT_ID", "check AZURE_CLIENT_ID and AZURE_TENANT_ID"},
	"AADSTS90002":   {"the tenant does not exist", "check AZURE_TENANT_ID, and the property cloud"},
	"AADSTS900023":  {"AZURE_TENANT_ID is not a tenant", "check AZURE_TENANT_ID"},
	"AADSTS900382":  {"the tenant is in another cloud", "check the property cloud"},
	"AADSTS90038":   {"the tenant is in another cloud", "check the property cloud"},
	"AADSTS500011":  {"the tenant does not know this Resource Manager", "check the property cloud"},
	"AADSTS700027":  {"the certificate is not registered for the application", "add it to the application, or check AZURE_CLIENT_CERTIFICATE_PATH"},
	"AADSTS70021":   {"no federated credential of the identity matches the token of the pod", "check its issuer, subject and audience"},
	"AADSTS700211":  {"no federated credential of the identity matches the token of the pod", "check its issuer"},
	"AADSTS700213":  {"no federated credential of the identity matches the token of the pod", "check its subject"},
	"AADSTS700024":  {"the assertion is not valid at this time", "check the clock of this machine"},
	"AADSTS53003":   {"Conditional Access blocks the identity", "allow it in the policy"},
}

// authorityCause reads a response of Entra ID, or of a server in its place.
func authorityCause(o outcome) (cause, remedy string) {
	if code := aadsts.FindString(string(o.body)); code != "" {
		if known, ok := remedies[code]; ok {
			return known.cause + " (" + code + ")", known.remedy
		}
		return o.at() + " " + answers(o.status) + " with " + code, "look up the code, and check the AZURE_ variables"
	}
	switch {
	case o.status >= http.StatusMultipleChoices && o.status < http.StatusBadRequest:
		return o.at() + " " + answers(o.status), "redirects are not followed; check the proxy between this server and Azure"
	case o.isHTML():
		return o.at() + " " + answers(o.status) + " with an HTML page", "it is of a proxy or a sign-in page; let the server reach " + o.at() + " without it"
	case o.status == http.StatusTooManyRequests || o.status >= http.StatusInternalServerError:
		return o.at() + " " + answers(o.status), "the next sync asks again"
	}
	return o.at() + " " + answers(o.status), "check AZURE_TENANT_ID, and the property cloud or AZURE_AUTHORITY_HOST"
}

// isHTML reports whether the body is a page for people.
func (o outcome) isHTML() bool {
	start := casefold.Lower(strings.TrimSpace(string(o.body[:min(len(o.body), 512)])))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}

// managedCause reads a response of an identity endpoint.
func managedCause(who candidate, o outcome) (cause, remedy string) {
	id := cmp.Or(who.client, os.Getenv("AZURE_CLIENT_ID"))
	body := casefold.Lower(string(o.body))
	switch {
	case strings.Contains(body, "multiple") && strings.Contains(body, "identit"):
		return "several identities are assigned to this machine", "set AZURE_CLIENT_ID to the client ID of the one to use"
	case o.isHTML():
		return o.at() + " " + answers(o.status) + " with an HTML page", "something else answers in its place, a proxy for example"
	case o.status == http.StatusBadRequest && id != "":
		return fmt.Sprintf("the identity with the client ID %.80q is not assigned to this machine", id), "assign it, or correct AZURE_CLIENT_ID"
	case o.status == http.StatusBadRequest:
		return "no identity is assigned to this machine", "assign a managed identity to it, or set AZURE_CLIENT_ID to the client ID of one that is assigned"
	case o.status == http.StatusForbidden:
		return o.at() + " " + answers(o.status), "the access to it is blocked for this process; check the policies of the machine or the cluster"
	case o.status == http.StatusUnauthorized:
		return o.at() + " " + answers(o.status), "check IDENTITY_HEADER, and the agent of the identity"
	case o.status == http.StatusNotFound:
		return o.at() + " " + answers(o.status), "the identity endpoint is not ready; if this lasts, check whether an identity is assigned. The next sync asks again"
	}
	return o.at() + " " + answers(o.status), "the identity endpoint is not ready or busy. The next sync asks again"
}

// keyFile is the key of Azure Arc's agent.
var keyFile = regexp.MustCompile(`[^\s"]+\.key`)

// textCause is for errors without a request: of a file, or of a tool.
func textCause(who candidate, err error) (cause, remedy string) {
	text := credentialText(err)
	switch {
	case who.managed && keyFile.MatchString(text):
		return "the key file " + keyFile.FindString(text) + " cannot be read" + deniedText(text), arcRemedy(runtime.GOOS)
	case strings.Contains(text, os.Getenv("AZURE_FEDERATED_TOKEN_FILE")) && anySet("AZURE_FEDERATED_TOKEN_FILE"):
		return text, "check AZURE_FEDERATED_TOKEN_FILE, and the label azure.workload.identity/use of the pod"
	case strings.Contains(text, "executable not found on path"):
		return "the tool is not installed, or not in PATH", "install it, or configure another identity"
	}
	return text, ""
}

func deniedText(text string) string {
	if strings.Contains(text, "permission denied") || strings.Contains(text, "Access is denied") {
		return " (permission denied)"
	}
	return ""
}

func arcRemedy(system string) string {
	if system == "windows" {
		return `add the user of this service to the group "Hybrid agent extension applications", and restart it`
	}
	return "add the user of this service to the group himds, and restart it"
}

// credentialText is the text of azidentity's error without its decoration.
func credentialText(err error) string {
	text := oneLine(err)
	if before, _, found := strings.Cut(text, " To troubleshoot, visit "); found {
		text = strings.TrimSuffix(before, ".")
	}
	if name, rest, found := strings.Cut(text, ": "); found && strings.HasSuffix(name, "Credential") {
		text = rest
	}
	return text
}

func unsetText() string {
	return "AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE are not set"
}

// nothing is the error if no identity is configured and none was found.
func (c *chain) nothing() error {
	text := "no token: no identity is found, because " + unsetText() + ", IMDS (169.254.169.254) does not answer, and no Azure tool is signed in"
	for _, variable := range []string{"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"} {
		if isEmpty(variable) {
			text += "; " + variable + " is empty"
		}
	}
	return &tokenError{text: text + ": assign a managed identity to this machine, set the AZURE_ variables of a service principal, or run az login"}
}
