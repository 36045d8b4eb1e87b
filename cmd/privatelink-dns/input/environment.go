package input

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/coredns/caddy"
)

// variable is a reference to an environment variable in a Corefile.
var variable = regexp.MustCompile(`\{\$([^{}]+)\}|\{%([^%{}]+)%\}`)

// unset returns a line for each environment variable that the Corefile needs and
// this process does not have: the server reads it as an empty text.
func unset(conf caddy.Input) (lines []string) {
	number := 0
	var seen []string
	for line := range strings.Lines(string(conf.Body())) {
		number++
		text, _, _ := strings.Cut(" "+line, " #")
		for _, match := range variable.FindAllStringSubmatch(text, -1) {
			name := cmp.Or(match[1], match[2])
			if _, set := os.LookupEnv(name); !set && !slices.Contains(seen, name) {
				seen = append(seen, name)
				lines = append(lines, fmt.Sprintf("%s:%d: the environment variable %s is not set, so that %s is empty: set it as for the server",
					conf.Path(), number, name, match[0]))
			}
		}
	}
	return lines
}

// quickstart is the variable by which the Corefile of the quick start finds its
// endpoints.
const quickstart = "QUICKSTART"

// setQuickstart sets the variable for the Corefile of a quick start, as the server
// does. The endpoints are beside that Corefile.
func setQuickstart(conf caddy.Input) error {
	if _, set := os.LookupEnv(quickstart); set || !strings.Contains(string(conf.Body()), "{$"+quickstart+"}") {
		return nil
	}
	folder, err := filepath.Abs(filepath.Dir(conf.Path()))
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, "endpoints.json")); err != nil {
		return nil // the Corefile is not one of a quick start: the variable is reported
	}
	return os.Setenv(quickstart, filepath.ToSlash(folder))
}
