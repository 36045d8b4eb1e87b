package lru

import (
	"strings"

	"github.com/miekg/dns"
)

// isLoopProbe reports whether a query may be the one by which plugin loop detects a
// forwarding loop: HINFO of two labels of digits in its zone. Each copy that comes back
// must reach that plugin. In a shared flight the second copy would wait for the first
// one, and the loop would not be detected.
func isLoopProbe(q dns.Question) bool {
	if q.Qtype != dns.TypeHINFO {
		return false
	}
	first, rest, _ := strings.Cut(q.Name, ".")
	second, _, below := strings.Cut(rest, ".")
	return below && isNumeric(first) && isNumeric(second)
}

func isNumeric(label string) bool {
	return label != "" && strings.Trim(label, "0123456789") == ""
}
