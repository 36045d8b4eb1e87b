// Package privateendpoint decodes Azure's private endpoints, and the record sets of
// private DNS zones, in every format in which people and programs have them: pages of
// Azure Resource Manager (ARM), and the output of Resource Graph, Azure CLI, PowerShell
// and Terraform.
package privateendpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The limits are far above Azure's own sizes (an endpoint has about 3 kB). They keep a
// bad document from using up the memory of the machine.
const (
	maxResources = 500_000
	maxResource  = 1 << 20 // bytes
)

// A Page is the content of one export or one page of a listing.
type Page struct {
	Endpoints []Endpoint
	// Records is the record sets of private DNS zones.
	Records []RecordSet
	// Next is the reference to the next page: a nextLink or a skip token as it was
	// written, empty on the last page.
	Next string
	// Documents is the number of JSON values that the text has. A text of several has
	// no end mark.
	Documents int
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

	// Terraform is true if the resource is the endpoint in the state of Terraform, which
	// lacks the state of the connection. Manual is true if the owner of the connected
	// resource has to approve that connection.
	Terraform, Manual bool

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

// Decode reads the documents of a text, usually one. Each is an object, an array, or a
// list within "value" or "data"; properties nested or flattened; any case of keys. The
// state that Terraform shows is a document as well. Unknown keys and resources of other
// types are passed over. The error names the line; nothing of a text with an error is
// returned.
func Decode(data []byte) (Page, error) {
	documents, err := documents(data)
	if err != nil {
		return Page{}, err
	}
	all, known, size := Page{Documents: len(documents)}, false, 0
	for _, d := range documents {
		p, ok, err := d.decode(len(documents) == 1)
		if err != nil {
			return Page{}, err
		}
		if size += len(p.Endpoints) + len(p.Records); size > maxResources {
			return Page{}, tooMany(d.line)
		}
		all.Endpoints = append(all.Endpoints, p.Endpoints...)
		for _, set := range p.Records {
			all.addRecord(set)
		}
		all.Next, known = cmp.Or(all.Next, p.Next), known || ok
	}
	if !known {
		return Page{}, errNothing
	}
	return all, nil
}

// decode reads one document. It reports false for a resource of another type, which
// is an error if it is the only document.
func (d document) decode(only bool) (p Page, known bool, err error) {
	elements, next, list, err := resources(d)
	if err != nil {
		return Page{}, false, err
	}
	lone := list == "" && d.text[0] == '{'
	if lone {
		if p, ok, err := d.special(); ok || err != nil {
			return p, ok, err
		}
	}
	p, known, err = page(elements, next, element.nested)
	if err == nil && !known && (only || !lone || elements[0].incomplete() != nil) {
		err = unknown(elements)
	}
	return p, known, err
}

// DecodePage reads one page of an ARM listing. In addition to the rules of
// Decode, the list must be under "value" and each element must be a resource
// with an ID, because a page that is not whole must not end a listing.
func DecodePage(data []byte) (Page, error) {
	if err := validate(data); err != nil {
		return Page{}, err
	}
	elements, next, list, err := resources(whole(data))
	if err != nil {
		return Page{}, err
	}
	if list != "value" {
		if code := errorCode(data); code != "" {
			return Page{}, fmt.Errorf("an error in place of a listing: %.80q", code)
		}
		return Page{}, errors.New(`not a page of a listing: it has no array under "value"`)
	}
	p, known, err := page(elements, next, element.incomplete)
	if err == nil && !known {
		err = unknown(elements)
	}
	if err != nil {
		return Page{}, err
	}
	return p, nil
}

// page decodes the resources of a document, and reports whether it knows one of them. An
// element that is not decoded, of another type for example, must pass the check.
func page(elements []element, next string, check func(element) error) (Page, bool, error) {
	p, known := Page{Next: next, Documents: 1}, len(elements) == 0
	for _, e := range elements {
		ok, err := e.add(&p, check)
		if err != nil {
			return Page{}, false, fmt.Errorf("line %d: %w", e.line, err)
		}
		known = known || ok
	}
	return p, known, nil
}

// add adds the resource to the page and reports whether its type is known.
func (e element) add(p *Page, check func(element) error) (known bool, err error) {
	if len(e.RawMessage) > maxResource {
		return false, fmt.Errorf("a resource of more than %d bytes", maxResource)
	}
	kind, err := e.kind()
	if err != nil {
		return false, err
	}
	if set, ok, err := e.recordSet(kind); ok || err != nil {
		if ok {
			p.addRecord(set)
		}
		return ok, err
	}
	endpoint, ok, err := e.endpoint(kind)
	if err == nil && (!ok || endpoint.Resource == "") {
		err = check(e)
	}
	if err == nil && ok && endpoint.ID != "" {
		p.Endpoints = append(p.Endpoints, endpoint)
	}
	return ok, err
}

// addRecord adds a record set. Its texts keep no resource ID in memory, and those that it
// shares with the last one are one string.
func (p *Page) addRecord(set RecordSet) {
	var last RecordSet
	if n := len(p.Records); n > 0 {
		last = p.Records[n-1]
	}
	set.Zone, set.Type = shared(set.Zone, last.Zone), shared(set.Type, last.Type)
	p.Records = append(p.Records, set)
}

func shared(text, last string) string {
	if text == last {
		return last
	}
	return strings.Clone(text)
}

var errNothing = errors.New("no private endpoint, zone group, network interface or record set of a private DNS zone in it: " +
	"export private endpoints with " + listCommand + ", without --query")

// unknown returns the error of a document of which no element is known.
func unknown(elements []element) error {
	for _, e := range elements {
		if err := e.unreadable(); err != nil {
			return fmt.Errorf("line %d: %w", e.line, err)
		}
	}
	return errNothing
}

func tooMany(line int) error {
	return fmt.Errorf("line %d: more than %d resources", line, maxResources)
}

func validate(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("the document is empty")
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, new(json.RawMessage)); errors.As(err, &syntax) {
		// The offset is behind the offending byte, which may be the end of its line.
		return fmt.Errorf("line %d: %w", whole(data).lineAt(int(syntax.Offset)-1), err)
	}
	return nil
}
