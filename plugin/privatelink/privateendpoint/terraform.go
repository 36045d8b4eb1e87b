package privateendpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// A tfModule is a module in the output of terraform show -json.
type tfModule struct {
	Resources    []tfResource `json:"resources"`
	ChildModules []tfModule   `json:"child_modules"`
}

type tfResource struct {
	Address string          `json:"address"`
	Type    string          `json:"type"`
	Values  json.RawMessage `json:"values"`
}

// tfEndpoint has the values of azurerm_private_endpoint, and of the data source
// azurerm_private_endpoint_connection, which has the state of the connection.
type tfEndpoint struct {
	ID                       string        `json:"id"`
	SubnetID                 string        `json:"subnet_id"`
	CustomDNSConfigs         []tfDNSConfig `json:"custom_dns_configs"`
	PrivateDNSZoneConfigs    []tfDNSZone   `json:"private_dns_zone_configs"`
	PrivateServiceConnection []struct {
		ResourceID string `json:"private_connection_resource_id"`
		Manual     bool   `json:"is_manual_connection"`
		Status     string `json:"status"`
	} `json:"private_service_connection"`
}

type tfDNSZone struct {
	RecordSets []tfDNSConfig `json:"record_sets"`
}

type tfDNSConfig struct {
	FQDN        string   `json:"fqdn"`
	IPAddresses []string `json:"ip_addresses"`
}

// tfRecord has the values of azurerm_private_dns_a_record and its siblings.
type tfRecord struct {
	ID      string            `json:"id"`
	FQDN    string            `json:"fqdn"`
	Records []json.RawMessage `json:"records"`
}

// terraform decodes the state that terraform show -json prints. It has the names and
// addresses of the last refresh, and usually not the state of the connection.
func (d document) terraform() (Page, bool, error) {
	var state struct {
		Values struct {
			RootModule tfModule `json:"root_module"`
		} `json:"values"`
	}
	p := Page{Documents: 1}
	err := json.Unmarshal(d.text, &state)
	if err != nil {
		err = element{line: d.line}.inItsWords(err)
	} else {
		err = p.addModule(state.Values.RootModule, d.line)
	}
	if err == nil && len(p.Endpoints)+len(p.Records) == 0 {
		err = errors.New("a state of Terraform without azurerm_private_endpoint and azurerm_private_dns_a_record: " +
			"export the private endpoints with " + listCommand)
	}
	if err != nil {
		return Page{}, false, fmt.Errorf("line %d: %w", d.line, err)
	}
	return p, true, nil
}

func (p *Page) addModule(m tfModule, line int) error {
	for _, r := range m.Resources {
		if err := p.addTerraform(r, line); err != nil {
			return fmt.Errorf("%s: %w", r.Address, err)
		}
	}
	for _, child := range m.ChildModules {
		if err := p.addModule(child, line); err != nil {
			return err
		}
	}
	return nil
}

func (p *Page) addTerraform(r tfResource, line int) error {
	switch kind := strings.TrimPrefix(r.Type, "azurerm_"); {
	case kind == "private_endpoint" || kind == "private_endpoint_connection":
		return p.addTerraformEndpoint(r.Values, kind == "private_endpoint_connection", line)
	case strings.HasPrefix(kind, "private_dns_") && strings.HasSuffix(kind, "_record"):
		return p.addTerraformRecord(r.Values, line)
	}
	return nil
}

// addTerraformEndpoint adds a private endpoint, or the state of its connection.
func (p *Page) addTerraformEndpoint(values json.RawMessage, connection bool, line int) error {
	var v tfEndpoint
	if err := json.Unmarshal(values, &v); err != nil {
		return element{RawMessage: values}.inItsWords(err)
	}
	if v.ID == "" {
		return errors.New("the resource has no id")
	}
	e := Endpoint{ID: v.ID, Resource: v.ID, Line: line, Connected: connection, Terraform: !connection, DNS: v.names()}
	for _, c := range v.PrivateServiceConnection {
		e.Target, e.Manual, e.Status = c.ResourceID, c.Manual, c.Status
	}
	if i := casefold.Index(v.SubnetID, "/subnets/"); i >= 0 {
		e.VNet = v.SubnetID[:i]
	}
	p.Endpoints = append(p.Endpoints, e)
	return nil
}

func (v tfEndpoint) names() (all []DNSConfig) {
	for _, c := range v.CustomDNSConfigs {
		all = append(all, DNSConfig{c.FQDN, c.IPAddresses})
	}
	for _, zone := range v.PrivateDNSZoneConfigs {
		for _, c := range zone.RecordSets {
			all = append(all, DNSConfig{c.FQDN, c.IPAddresses})
		}
	}
	return all
}

func (p *Page) addTerraformRecord(values json.RawMessage, line int) error {
	var v tfRecord
	if err := json.Unmarshal(values, &v); err != nil {
		return element{RawMessage: values}.inItsWords(err)
	}
	zone, recordType, name := splitRecordID(v.ID)
	if zone == "" {
		return errors.New("the record set has no id of a private DNS zone")
	}
	set := RecordSet{Zone: zone, FQDN: v.FQDN, Type: recordType, Line: line}
	if set.FQDN == "" {
		set.FQDN = ownerIn(zone, name)
	}
	if isAddressType(recordType) {
		for _, raw := range v.Records {
			var address string
			if err := json.Unmarshal(raw, &address); err != nil {
				return element{RawMessage: raw}.inItsWords(err)
			}
			set.Addresses = append(set.Addresses, address)
		}
	}
	p.addRecord(set)
	return nil
}

// A tfStream reads the values of a state without all of them in memory. It reports false for
// what terraform must read, such as keys in another order or in capitals.
type tfStream struct {
	*stream
	line  int // of the document
	found int // private endpoints and record sets
	depth int // of the module
}

// maxModules bounds the modules within one another.
const maxModules = 100

func (t *tfStream) values() bool {
	roots := 0
	return t.fields(func(key string, _ int) bool {
		if casefold.Lower(key) != "root_module" {
			return t.other()
		}
		roots++
		return key == "root_module" && roots == 1 && t.module()
	})
}

// only reports whether the keys beside the values are those of a state, not of a plan.
func (t *tfStream) only(p *envelope) bool {
	return !slices.ContainsFunc(p.fields, func(f field) bool {
		return f.key == "planned_values" || f.key == "resource_changes" || f.name == "values"
	})
}

// other passes over a value.
func (t *tfStream) other() bool {
	e, ok := t.next()
	return ok && json.Valid(e.RawMessage)
}

func (t *tfStream) module() bool {
	if t.depth++; t.depth > maxModules {
		return false
	}
	defer func() { t.depth-- }()
	last := ""
	return t.fields(func(key string, _ int) bool {
		before := last
		switch casefold.Lower(key) {
		case "resources":
			last = key
			return key == "resources" && before == "" && t.array(t.resource)
		case "child_modules":
			last = key
			return key == "child_modules" && before != key && t.array(t.module)
		}
		return t.other()
	})
}

func (t *tfStream) resource() bool {
	var r tfResource
	var p Page
	e, ok := t.next()
	if !ok || json.Unmarshal(e.RawMessage, &r) != nil || p.addTerraform(r, t.line) != nil {
		return false
	}
	t.found += len(p.Endpoints) + len(p.Records)
	return t.emit(&p)
}
