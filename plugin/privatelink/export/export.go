// Package export reads what Azure tells of private endpoints, in every shape in
// which people and programs hand it on: pages of Azure Resource Manager (ARM),
// Resource Graph, Azure CLI and PowerShell output.
package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Limits far above what Azure gives (an endpoint has about 3 kB) that keep a bad
// document from taking the memory of the machine.
const (
	maxResources = 500_000
	maxResource  = 1 << 20 // bytes
)

// A Page is the private endpoints of one export or one page of a listing.
type Page struct {
	Endpoints []Endpoint
	// Next is where the listing goes on: a nextLink or a skip token as it was
	// written, empty on the last page.
	Next string
}

// An Endpoint is what one resource tells of a private endpoint: the endpoint
// itself, its private DNS zone group or its network interface. All resources
// with one ID together are the endpoint.
type Endpoint struct {
	ID   string // resource ID of the private endpoint, as written, else its name
	Line int    // where the resource begins, from 1

	// Connected tells that the resource is the endpoint itself, so that Status
	// is the state of its connection and Provisioning its own.
	Connected    bool
	Status       string // Approved, Pending, Rejected, Disconnected
	Provisioning string // Succeeded, Updating, …

	// Target is the resource ID of what the endpoint leads to, a vault say, and
	// VNet that of its virtual network; each is empty if the resource does not tell.
	Target, VNet string

	DNS []DNSConfig
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
	if err := validate(data); err != nil {
		return Page{}, err
	}
	elements, next, err := split(data)
	if err != nil {
		return Page{}, err
	}
	page, known := Page{Next: next}, len(elements) == 0
	for _, e := range elements {
		if len(e.RawMessage) > maxResource {
			return Page{}, fmt.Errorf("line %d: a resource of more than %d bytes", e.line, maxResource)
		}
		endpoint, ok, err := e.endpoint()
		if err != nil {
			return Page{}, fmt.Errorf("line %d: %w", e.line, err)
		}
		known = known || ok
		if ok && endpoint.ID != "" {
			page.Endpoints = append(page.Endpoints, endpoint)
		}
	}
	if !known {
		return Page{}, errors.New("no private endpoint, private DNS zone group or network interface in it")
	}
	return page, nil
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

// An element is one resource of the document and the line where it begins.
type element struct {
	json.RawMessage
	line int
}

// whole returns the document as one resource.
func whole(data []byte) element {
	text := bytes.TrimSpace(data)
	return element{text, line(data, bytes.Index(data, text))}
}

// split returns the resources of a valid document and the link to its next page.
func split(data []byte) (elements []element, next string, err error) {
	d := &reader{Decoder: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1}
	switch open, _ := d.Token(); open {
	case json.Delim('['):
		elements, err = d.array()
	case json.Delim('{'):
		elements, next, err = d.object()
	default:
		all := whole(data)
		err = fmt.Errorf("line %d: %.40s where an object or an array is expected", all.line, all.RawMessage)
	}
	return elements, next, err
}

// A reader walks the outermost level of a document and knows its line.
type reader struct {
	*json.Decoder
	data    []byte
	counted int // bytes whose lines are counted
	line    int
}

// lineOfNext returns the line of the value that is read next.
func (r *reader) lineOfNext() int {
	at := int(r.InputOffset())
	at += len(r.data[at:]) - len(bytes.TrimLeft(r.data[at:], " \t\r\n,:"))
	r.line += bytes.Count(r.data[r.counted:at], []byte("\n"))
	r.counted = at
	return r.line
}

// array reads the rest of an array.
func (r *reader) array() (all []element, err error) {
	for r.More() {
		e := element{line: r.lineOfNext()}
		if err := r.Decode(&e.RawMessage); err != nil {
			return nil, fmt.Errorf("line %d: %w", e.line, err)
		}
		if all = append(all, e); len(all) > maxResources {
			return nil, fmt.Errorf("line %d: more than %d resources", e.line, maxResources)
		}
	}
	_, err = r.Token()
	return all, err
}

// object reads the rest of an object: a page, if it has a list under "value" or
// "data", else one resource.
func (r *reader) object() (all []element, next string, err error) {
	page := false
	for r.More() {
		key, err := r.Token()
		if err != nil {
			return nil, "", err
		}
		name := strings.ToLower(fmt.Sprint(key))
		r.lineOfNext()
		if list := r.data[r.counted] == '['; list && (name == "value" || name == "data") {
			page = true
			if _, err := r.Token(); err != nil {
				return nil, "", err
			}
			if all, err = r.array(); err != nil {
				return nil, "", err
			}
			continue
		}
		var value json.RawMessage
		if err := r.Decode(&value); err != nil {
			return nil, "", err
		}
		switch name {
		case "nextlink", "skip_token", "skiptoken", "$skiptoken":
			_ = json.Unmarshal(value, &next) // null, or no string: there is no next page
		}
	}
	if page {
		return all, next, nil
	}
	return []element{whole(r.data)}, "", nil
}
