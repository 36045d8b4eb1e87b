package privateendpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// resource has the keys of all three types. encoding/json matches keys without
// regard to case, which makes PowerShell's spelling the same as ARM's.
type resource struct {
	ID                string
	Name              string
	ProvisioningState string

	// a private endpoint
	Subnet                              struct{ ID string }
	CustomDNSConfigs                    []flat[dnsConfig]
	PrivateLinkServiceConnections       []flat[connection]
	ManualPrivateLinkServiceConnections []flat[connection]

	// a private DNS zone group
	PrivateDNSZoneConfigs []flat[struct{ RecordSets []flat[dnsConfig] }]

	// a network interface; an endpoint has this key too, for static addresses
	IPConfigurations []flat[struct {
		PrivateIPAddress                string
		Subnet                          struct{ ID string }
		PrivateLinkConnectionProperties struct{ FQDNs texts }
	}]
	PrivateEndpoint struct{ ID string }
	ManagedBy       string
}

type dnsConfig struct {
	FQDN        string
	IPAddresses texts
}

type connection struct {
	PrivateLinkServiceID              string
	GroupIDs                          words
	PrivateLinkServiceConnectionState struct{ Status string }
}

// flat is a T whose keys are in the object itself, below "properties", or
// partly in each: ARM nests them, Azure CLI and PowerShell do not.
type flat[T any] struct{ v T }

func (f *flat[T]) UnmarshalJSON(data []byte) error {
	// Where a key specified more than once, encoding/json reuses the elements of the first
	// list: the names of the second would get addresses of the first.
	*f = flat[T]{}
	var nested struct{ Properties json.RawMessage }
	if err := json.Unmarshal(data, &nested); err != nil {
		return err
	}
	err := json.Unmarshal(data, &f.v)
	if err != nil && isObject(nested.Properties) {
		f.v, err = besides[T](data), nil
	}
	if err != nil || nested.Properties == nil {
		return err
	}
	return json.Unmarshal(nested.Properties, &f.v)
}

func isObject(value json.RawMessage) bool { return bytes.HasPrefix(value, []byte("{")) }

// besides decodes the keys of an object beside "properties". A query of Resource Graph
// adds columns there, of any name and type: those that do not fit are passed over,
// because the resource is below "properties".
func besides[T any](data []byte) (v T) {
	var columns map[string]json.RawMessage
	if json.Unmarshal(data, &columns) != nil {
		return v
	}
	for _, key := range slices.Sorted(maps.Keys(columns)) {
		column, err := json.Marshal(map[string]json.RawMessage{key: columns[key]})
		next := v
		if err == nil && json.Unmarshal(column, &next) == nil {
			v = next
		}
	}
	return v
}

// texts is a list of strings. ConvertTo-Json writes it as one string, with
// blanks between, from its depth limit on.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = strings.Fields(one)
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// words are texts that only explain: a value of another type is empty, and no error.
type words []string

func (w *words) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, (*texts)(w)) != nil {
		*w = nil
	}
	return nil
}

const (
	endpointType  = "microsoft.network/privateendpoints"
	zoneGroupType = endpointType + "/privatednszonegroups"
	interfaceType = "microsoft.network/networkinterfaces"
	zoneType      = "microsoft.network/privatednszones"
)

// kind returns the type of the resource in lower case, or "".
func (e element) kind() (string, error) {
	var head struct{ Type string }
	if err := json.Unmarshal(e.RawMessage, &head); err != nil {
		return "", e.inItsWords(err)
	}
	return casefold.Lower(head.Type), nil
}

// endpoint returns the part of an endpoint that the resource describes. It reports
// false for a resource of another type, and for a network interface without the ID of
// an endpoint, such as that of a virtual machine.
func (e element) endpoint(kind string) (Endpoint, bool, error) {
	if kind != "" && kind != endpointType && kind != zoneGroupType && kind != interfaceType {
		return Endpoint{}, false, nil
	}
	var f flat[resource]
	if err := json.Unmarshal(e.RawMessage, &f); err != nil {
		return Endpoint{}, false, e.inItsWords(err)
	}
	r := f.v
	found := Endpoint{Resource: r.ID, Line: e.line, Provisioning: r.ProvisioningState, VNet: r.vnet()}
	switch {
	case kind == zoneGroupType || kind == "" && r.PrivateDNSZoneConfigs != nil:
		found.ID, found.DNS = r.ownerOfGroup(), r.zoneGroup()
	case kind == interfaceType || kind == "" && r.PrivateEndpoint.ID != "":
		found.ID, found.DNS = r.ownerOfInterface(), r.networkInterface()
	case kind == endpointType || r.CustomDNSConfigs != nil || r.PrivateLinkServiceConnections != nil || r.ManualPrivateLinkServiceConnections != nil:
		found.ID, found.DNS = r.ID, r.customDNS()
		found.Connected, found.Status, found.Target = true, r.connection().PrivateLinkServiceConnectionState.Status, r.connection().PrivateLinkServiceID
		if len(found.DNS) == 0 {
			found.Groups = strings.Join(r.connection().GroupIDs, " ")
		}
		if found.ID == "" {
			found.ID = r.Name
		}
	default:
		return Endpoint{}, false, nil
	}
	if found.ID == "" && kind != interfaceType {
		return Endpoint{}, false, errors.New("the resource has no id")
	}
	return found, true, nil
}

// inItsWords returns an error in the document's words, not in Go's.
func (e element) inItsWords(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	where, hint := "the resource", ""
	if wrong.Field != "" {
		where = wrong.Field
	}
	switch {
	case wrong.Value == "string" && e.isShortened():
		hint = " (PowerShell shortens to strings what lies deeper than ConvertTo-Json -Depth says: use -Depth 10)"
	case wrong.Value == "string", wrong.Value == "array" && wrong.Field == "":
		hint = " (a query changed it: export whole private endpoints with " + listCommand + ", without --query)"
	}
	return fmt.Errorf("%s: a JSON %s is not what belongs there%s", where, wrong.Value, hint)
}

// isShortened reports whether the element has strings as PowerShell writes them in
// place of objects.
func (e element) isShortened() bool {
	for _, start := range []string{`"@{`, `"System.`, `"Microsoft.Azure.`} {
		if bytes.Contains(e.RawMessage, []byte(start)) {
			return true
		}
	}
	return false
}

// connection returns the endpoint's one connection, manual or not.
func (r resource) connection() connection {
	for _, c := range append(r.PrivateLinkServiceConnections, r.ManualPrivateLinkServiceConnections...) {
		return c.v
	}
	return connection{}
}

func (r resource) customDNS() (all []DNSConfig) {
	for _, c := range r.CustomDNSConfigs {
		all = append(all, DNSConfig{c.v.FQDN, c.v.IPAddresses})
	}
	return all
}

func (r resource) zoneGroup() (all []DNSConfig) {
	for _, zone := range r.PrivateDNSZoneConfigs {
		for _, set := range zone.v.RecordSets {
			all = append(all, DNSConfig{set.v.FQDN, set.v.IPAddresses})
		}
	}
	return all
}

func (r resource) networkInterface() (all []DNSConfig) {
	for _, c := range r.IPConfigurations {
		for _, fqdn := range c.v.PrivateLinkConnectionProperties.FQDNs {
			all = append(all, DNSConfig{fqdn, []string{c.v.PrivateIPAddress}})
		}
	}
	return all
}

// vnet cuts the virtual network's resource ID from its subnet's.
func (r resource) vnet() string {
	subnet := r.Subnet.ID
	for _, c := range r.IPConfigurations {
		subnet = cmp.Or(subnet, c.v.Subnet.ID)
	}
	if i := casefold.Index(subnet, "/subnets/"); i >= 0 {
		return subnet[:i]
	}
	return ""
}

// ownerOfGroup cuts the endpoint's resource ID from the zone group's.
func (r resource) ownerOfGroup() string {
	if i := casefold.Index(r.ID, "/privatednszonegroups/"); i >= 0 {
		return r.ID[:i]
	}
	return r.ID
}

// ownerOfInterface returns "" for an interface that belongs to no endpoint.
func (r resource) ownerOfInterface() string {
	if r.PrivateEndpoint.ID != "" {
		return r.PrivateEndpoint.ID
	}
	if casefold.Index(r.ManagedBy, "/privateendpoints/") >= 0 {
		return r.ManagedBy
	}
	return ""
}
