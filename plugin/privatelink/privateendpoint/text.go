package privateendpoint

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// table returns the error of an element that has a name and an address, and is not a
// resource, or nil.
func (e element) table() error {
	var row map[string]json.RawMessage
	if json.Unmarshal(e.RawMessage, &row) != nil {
		return nil
	}
	name, address, state := false, false, false
	for key := range row {
		switch word := letters(casefold.Lower(key)); {
		case strings.Contains(word, "state") || strings.Contains(word, "status"):
			state = true
		case strings.Contains(word, "ip") || strings.Contains(word, "address"):
			address = true
		case strings.Contains(word, "fqdn") || strings.Contains(word, "dns") || strings.Contains(word, "host") || strings.Contains(word, "name"):
			name = true
		}
	}
	switch {
	case !name || !address:
		return nil
	case state:
		return errRows
	}
	return errTable
}

// notJSON returns the error of a text that is not meant to be JSON: CSV, tables, hosts
// files and messages of az. The syntax errors of encoding/json do not name the mistake.
func (d document) notJSON() error {
	first, _, _ := strings.Cut(string(d.text[:min(len(d.text), 4096)]), "\n")
	hint := kindOf(strings.TrimSpace(first))
	if hint != "" {
		hint = " (" + hint + ")"
	}
	return fmt.Errorf("line %d: not JSON; export with -o json%s", d.line, hint)
}

// shownByTerraform is the first line of what terraform show prints without -json.
var shownByTerraform = regexp.MustCompile(`^# \S+\.\S+:$`)

// kindOf returns a hint at the format of a text, by its first line.
func kindOf(first string) string {
	lower := casefold.Lower(first)
	word, _, _ := strings.Cut(strings.ReplaceAll(lower, "\t", " "), " ")
	_, err := netip.ParseAddr(word)
	begins := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(lower, w) })
	}
	switch {
	case shownByTerraform.MatchString(first), begins(`resource "`, `data "`, `module "`, `terraform {`, `provider "`):
		return "this is the language of Terraform; use terraform show -json"
	case err == nil, begins("#"):
		return "this looks like a hosts file, which belongs to the property hosts"
	case begins(";", "$origin", "$ttl", "@ ", "@\t"):
		return "this looks like a zone file, which belongs to the property zonefile"
	case strings.Contains(lower, "warning:"):
		return "a warning precedes it, redirect the standard output only"
	case begins("error", "usage:", "az: ", "az : "), strings.Contains(lower, "az login"):
		return "this is an error of the export"
	case begins("<"):
		return "this is HTML or XML"
	case begins("resource ", "param ", "@description(", "targetscope", "metadata ", "module ", "var ", "using "):
		return "this is Bicep, which declares private endpoints and has no addresses; use " + listCommand
	case begins("- ", "---"):
		return "this is YAML; use " + listCommand
	case strings.Contains(first, ","):
		return "this is CSV, which has no state of a connection; use " + listCommand
	case strings.Contains(first, "  ") || strings.Contains(first, "\t"):
		return "this is a table; use " + listCommand
	}
	return ""
}
