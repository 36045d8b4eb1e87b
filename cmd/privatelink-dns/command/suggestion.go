package command

import (
	"fmt"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/spelling"
)

// suggestion returns ", do you mean …?" for a name that is nearly a command's,
// or "".
func suggestion(name string, commands []Command) string {
	best, least := "", 3 // two typing errors are likely, three are another word
	for _, c := range commands {
		d := spelling.Distance(casefold.Lower(name), c.Name)
		if len(name) > 1 && strings.HasPrefix(c.Name, name) {
			d = 0
		}
		if d < least {
			best, least = c.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", do you mean %q?", best)
}
