package privateendpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// errTable is for the output of az with --query, or of a query that lists names.
var errTable = errors.New("names and addresses without the state of the connection, which decides whether they are served: " +
	"export whole private endpoints with az network private-endpoint list -o json, without --query")

// isTable reports whether an element has a name and an address, and is not a resource.
func (e element) isTable() bool {
	var row map[string]json.RawMessage
	if json.Unmarshal(e.RawMessage, &row) != nil {
		return false
	}
	name, address := false, false
	for key := range row {
		switch word := letters(casefold.Lower(key)); {
		case strings.Contains(word, "ip") || strings.Contains(word, "address"):
			address = true
		case strings.Contains(word, "fqdn") || strings.Contains(word, "dns") || strings.Contains(word, "host") || strings.Contains(word, "name"):
			name = true
		}
	}
	return name && address
}

// checkText rejects texts that are not meant to be JSON: CSV, tables, hosts files and
// messages of az. The syntax errors of encoding/json do not name the mistake.
func checkText(data []byte) error {
	text := bytes.TrimSpace(data)
	if len(text) == 0 || text[0] == '{' || text[0] == '[' || json.Valid(text) {
		return nil
	}
	first, _, _ := strings.Cut(string(text), "\n")
	hint := kindOf(first)
	if hint != "" {
		hint = " (" + hint + ")"
	}
	return fmt.Errorf("line %d: not JSON; export with -o json%s", line(data, bytes.Index(data, text)), hint)
}

// kindOf returns a hint at the format of a text, by its first line.
func kindOf(first string) string {
	lower := casefold.Lower(first)
	word, _, _ := strings.Cut(strings.ReplaceAll(first, "\t", " "), " ")
	_, err := netip.ParseAddr(word)
	switch {
	case err == nil, strings.HasPrefix(first, "#"):
		return "this looks like a hosts file, which belongs to the property hosts"
	case strings.HasPrefix(lower, "error"), strings.Contains(lower, "az login"), strings.HasPrefix(lower, "usage:"), strings.HasPrefix(lower, "az: "):
		return "this is an error of the export"
	case strings.HasPrefix(lower, "warning"):
		return "a warning precedes it, redirect the standard output only"
	case strings.HasPrefix(lower, "<"):
		return "this is HTML or XML"
	}
	return ""
}
