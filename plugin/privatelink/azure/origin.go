package azure

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// An origin is the scheme, host and port of a URL (RFC 6454), in lower case and
// with the port that is the default of the scheme.
type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	o := origin{casefold.Lower(u.Scheme), casefold.Lower(u.Hostname()), u.Port()}
	if o.port == "" {
		o.port = defaultPorts[o.scheme]
	}
	return o
}

var defaultPorts = map[string]string{"https": "443", "http": "80"}

// check returns an error unless u has the same origin. Nothing of a link that is
// rejected is shown but its origin, because the rest may have secrets.
func (o origin) check(u *url.URL) error {
	switch at := originOf(u); {
	case u.Scheme == "" || u.Hostname() == "":
		return fmt.Errorf("is not an absolute URL, one to %q is expected", o)
	case at != o:
		return fmt.Errorf("leads to %.100q, not to %q: check whether a proxy rewrites Azure's responses; the token was not sent there", at, o)
	case u.User != nil:
		return fmt.Errorf("has a user name before %q: check whether a proxy rewrites Azure's responses; the token was not sent there", o)
	}
	return nil
}

// String returns the origin as a URL without a path.
func (o origin) String() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port != defaultPorts[o.scheme] {
		host += ":" + o.port
	}
	return o.scheme + "://" + host
}
