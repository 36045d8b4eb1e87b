// Package privateendpoint decodes Azure's private endpoints in every format in
// which people and programs have them: pages of Azure Resource Manager (ARM), and
// the output of Resource Graph, Azure CLI and PowerShell.
package privateendpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The limits are far above Azure's own sizes (an endpoint has about 3 kB). They keep a
// bad document from using up the memory of the machine.
const (
	maxResources = 500_000
	maxResource  = 1 << 20 // bytes
)

// A Page is the private endpoints of one export or one page of a listing.
type Page struct {
	Endpoints []Endpoint
	// Next is the reference to the next page: a nextLink or a skip token as it was
	// written, empty on the last page.
	Next string
}

// An Endpoint is the part of a private endpoint that one resource describes: the
// endpoint itself, its private DNS zone group or its network interface. All resources
// with one ID together are the endpoint.
type Endpoint struct {
	ID       string // resource ID of the private endpoint, as written, else its name
	Resource string // resource ID of the resource itself, empty if the resource has none
	Line     int    // where the resource begins, from 1
	File     string // path of the document, empty for a page of a listing

	// Connected is true if the resource is the endpoint itself. Status is then the
	// state of its connection, and Provisioning its own state.
	Connected    bool
	Status       string // Approved, Pending, Rejected, Disconnected
	Provisioning string // Succeeded, Updating, …

	// Target is the resource ID of the connected resource, such as a vault. VNet is
	// the resource ID of the virtual network. Each is empty if the resource lacks it.
	Target, VNet string

	// Groups has the IDs of the subresources that an endpoint without a DNS
	// configuration is connected to, such as "blob", with blanks between. Its names
	// follow from them.
	Groups string

	DNS []DNSConfig
}

// Position returns where the resource is: file and line, else its resource ID.
func (e *Endpoint) Position() string {
	if e.File == "" {
		return e.Resource
	}
	return fmt.Sprintf("%s:%d", e.File, e.Line)
}

// A DNSConfig is one line of an endpoint's DNS configuration, not yet checked.
type DNSConfig struct {
	FQDN      string
	Addresses []string
}

// Decode reads one document: an object, an array, or a list within "value" or
// "data"; properties nested or flattened; any case of keys. Unknown keys and
// resources of other types are passed over. The error names the line; nothing
// of a document with an error is returned.
func Decode(data []byte) (Page, error) {
	if err := checkText(data); err != nil {
		return Page{}, err
	}
	elements, next, _, err := resources(data)
	if err != nil {
		return Page{}, err
	}
	return page(elements, next, element.nested)
}

// DecodePage reads one page of an ARM listing. In addition to the rules of
// Decode, the list must be under "value" and each element must be a resource
// with an ID, because a page that is not whole must not end a listing.
func DecodePage(data []byte) (Page, error) {
	elements, next, list, err := resources(data)
	if err != nil {
		return Page{}, err
	}
	if list != "value" {
		if code := errorCode(data); code != "" {
			return Page{}, fmt.Errorf("an error in place of a listing: %.80q", code)
		}
		return Page{}, errors.New(`not a page of a listing: it has no array under "value"`)
	}
	return page(elements, next, element.incomplete)
}

// page decodes the resources of a document. An element that is not decoded, of
// another type for example, must pass the check.
func page(elements []element, next string, check func(element) error) (Page, error) {
	p, known := Page{Next: next}, len(elements) == 0
	for _, e := range elements {
		if len(e.RawMessage) > maxResource {
			return Page{}, fmt.Errorf("line %d: a resource of more than %d bytes", e.line, maxResource)
		}
		endpoint, ok, err := e.endpoint()
		if err == nil && (!ok || endpoint.Resource == "") {
			err = check(e)
		}
		if err != nil {
			return Page{}, fmt.Errorf("line %d: %w", e.line, err)
		}
		known = known || ok
		if ok && endpoint.ID != "" {
			p.Endpoints = append(p.Endpoints, endpoint)
		}
	}
	if !known && slices.ContainsFunc(elements, element.isTable) {
		return Page{}, errTable
	}
	if !known {
		return Page{}, errors.New("no private endpoint, private DNS zone group or network interface in it")
	}
	return p, nil
}

func validate(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("the document is empty")
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, new(json.RawMessage)); errors.As(err, &syntax) {
		// The offset is behind the offending byte, which may be the end of its line.
		return fmt.Errorf("line %d: %w", line(data, int(syntax.Offset)-1), err)
	}
	return nil
}

// line returns the number of the line that holds the offset, from 1.
func line(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}
