package privateendpoint

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// A RecordSet is one record set of a private DNS zone. It is neither a private endpoint
// nor has it an approval: it is what Azure DNS answers to the networks of the zone.
type RecordSet struct {
	Zone      string   // resource ID of the zone, as written
	FQDN      string   // owner name, not yet checked
	Type      string   // A, AAAA, CNAME, …, as written
	Addresses []string // of types A and AAAA, not yet checked
	Line      int      // where the resource begins, from 1
}

// recordResource has the keys of a record set in all shapes: lists by type in ARM and
// Azure CLI, one list in PowerShell and in Resource Graph.
type recordResource struct {
	ID, Name, FQDN string
	ARecords       []recordValue
	AAAARecords    []recordValue
	Records        []json.RawMessage // of a type that decides their form
}

type recordValue struct {
	IPv4Address, IPv6Address string
	Value                    json.RawMessage
}

// address returns the address of a record of type A or AAAA. Where it is a value, the
// value is the address or an object with it.
func (v recordValue) address() string {
	for _, text := range []string{v.IPv4Address, v.IPv6Address} {
		if text != "" {
			return text
		}
	}
	var text string
	var inner struct{ IPv4Address, IPv6Address string }
	if json.Unmarshal(v.Value, &text) == nil || json.Unmarshal(v.Value, &inner) != nil {
		return text
	}
	return inner.IPv4Address + inner.IPv6Address
}

// zonesPart is the part of a resource ID before the name of a private DNS zone.
const zonesPart = "/privatednszones/"

// recordSet returns the record set of a private DNS zone that the resource is, or false
// for a resource of another type.
func (e element) recordSet(kind string) (RecordSet, bool, error) {
	if kind != "" && !strings.HasPrefix(kind, zoneType+"/") || kind == zoneType+"/virtualnetworklinks" {
		return RecordSet{}, false, nil
	}
	if kind == "" && !e.hasRecords() {
		return RecordSet{}, false, nil
	}
	var f flat[recordResource]
	if err := json.Unmarshal(e.RawMessage, &f); err != nil {
		return RecordSet{}, false, e.inItsWords(err)
	}
	r := f.v
	zone, recordType, name := splitRecordID(r.ID)
	if zone == "" {
		return RecordSet{}, false, errors.New("the record set has no id of a private DNS zone: export it without --query")
	}
	set := RecordSet{Zone: zone, FQDN: r.FQDN, Type: recordType, Line: e.line}
	if set.FQDN == "" {
		set.FQDN = ownerIn(zone, name)
	}
	addresses, err := r.addresses(recordType)
	if err != nil {
		return RecordSet{}, false, e.inItsWords(err)
	}
	set.Addresses = addresses
	return set, true, nil
}

// hasRecords reports whether a resource without a type is a record set by its ID, as
// PowerShell's are.
func (e element) hasRecords() bool {
	var head struct{ ID string }
	if json.Unmarshal(e.RawMessage, &head) != nil {
		return false
	}
	zone, _, name := splitRecordID(head.ID)
	return zone != "" && name != ""
}

func (r recordResource) addresses(recordType string) (all []string, err error) {
	var values []recordValue
	if !isAddressType(recordType) {
		return nil, nil
	}
	if values = r.ARecords; len(recordType) > 1 {
		values = r.AAAARecords
	}
	for _, raw := range r.Records {
		var v recordValue
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	for _, v := range values {
		all = append(all, v.address())
	}
	return all, nil
}

func isAddressType(recordType string) bool {
	return casefold.Equal(recordType, "A") || casefold.Equal(recordType, "AAAA")
}

// splitRecordID splits …/privateDnsZones/ZONE/TYPE/NAME. The zone, with the path to it,
// is "" if the ID is of another form.
func splitRecordID(id string) (zone, recordType, name string) {
	at := casefold.Index(id, zonesPart)
	if at < 0 {
		return "", "", ""
	}
	at += len(zonesPart)
	parts := strings.Split(id[at:], "/")
	if len(parts) != 3 || slices.Contains(parts, "") || casefold.Equal(parts[1], "virtualNetworkLinks") {
		return "", "", ""
	}
	return id[:at+len(parts[0])], parts[1], parts[2]
}

// ownerIn returns the owner name of a record set, which is "@" at the zone's own name.
func ownerIn(zone, name string) string {
	origin := zone[strings.LastIndexByte(zone, '/')+1:]
	if name == "@" {
		return origin
	}
	return name + "." + origin
}
