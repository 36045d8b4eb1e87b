package privateendpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// listCommand is the command whose output every error recommends that has no better one.
const listCommand = "az network private-endpoint list -o json"

// The errors of documents that people have and that do not have what is served. Each
// names the command whose output is read.
var (
	// errTable is for the output of az with --query, or of a query that lists names.
	errTable = errors.New("names and addresses without the state of the connection, which decides whether they are served: " +
		"export whole private endpoints with " + listCommand + ", without --query")
	errRows = errors.New("rows of a query, whose columns have names of their own: " +
		"export whole private endpoints with " + listCommand + ", without --query")
	errZones = errors.New("private DNS zones without their records: " +
		"export the records of each with az network private-dns record-set list -g GROUP -z ZONE -o json")
	errPublicZone = errors.New("records of a public DNS zone: " +
		"export the private zone with az network private-dns record-set list -g GROUP -z ZONE -o json")
	errConnections = errors.New("connections of a resource, without the names of its private endpoints: " +
		"export the endpoints with " + listCommand)
	errTemplate = errors.New("an ARM template, which declares private endpoints and has neither addresses nor approvals: " +
		"export the deployed ones with " + listCommand)
	errPlan    = errors.New("a plan of Terraform, which is not applied yet: export the state with terraform show -json, without a file")
	errState   = errors.New("a state file of Terraform, whose format is internal: export it with terraform show -json")
	errOutputs = errors.New("outputs of Terraform, whose form is up to their author: export the state with terraform show -json")
)

// unreadable returns the error of a resource, or a row, that people export by mistake, or
// nil for any other element.
func (e element) unreadable() error {
	kind, err := e.kind()
	switch {
	case err != nil:
		return nil
	case kind == zoneType:
		return errZones
	case strings.HasPrefix(kind, "microsoft.network/dnszones"):
		return errPublicZone
	case strings.HasSuffix(kind, "/privateendpointconnections"):
		return errConnections
	}
	return e.table()
}

// specialKeys are keys of special documents. Each such document has one of them.
var specialKeys = []string{"format_version", "terraform_version", "$schema", "sensitive"}

// special decodes a document that is not a resource: the state of Terraform. For other
// known documents it returns an error. It reports false for everything else.
func (d document) special() (Page, bool, error) {
	if !slices.ContainsFunc(specialKeys, func(key string) bool { return bytes.Contains(d.text, []byte(key)) }) {
		return Page{}, false, nil // a file may have very many documents
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(d.text, &keys) != nil {
		return Page{}, false, nil
	}
	has := func(key string) bool { _, ok := keys[key]; return ok }
	var err error
	switch {
	case has("format_version") && (has("planned_values") || has("resource_changes")):
		err = errPlan
	case has("format_version") && has("terraform_version") || has("format_version") && has("values"):
		return d.terraform()
	case has("terraform_version") && has("lineage"):
		err = errState
	case strings.Contains(casefold.Lower(string(keys["$schema"])), "deployment"):
		err = errTemplate
	case len(keys) > 0 && allOutputs(keys):
		err = errOutputs
	default:
		return Page{}, false, nil
	}
	return Page{}, false, fmt.Errorf("line %d: %w", d.line, err)
}

// allOutputs reports whether all values have the form of terraform output -json.
func allOutputs(keys map[string]json.RawMessage) bool {
	for _, value := range keys {
		var output struct {
			Sensitive *bool
			Value     json.RawMessage
		}
		if json.Unmarshal(value, &output) != nil || output.Sensitive == nil || output.Value == nil {
			return false
		}
	}
	return true
}
