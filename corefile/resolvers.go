package corefile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// upstreamLine is the last line of the quick start's block.
const upstreamLine = "    upstream . /etc/resolv.conf\n"

// withResolvers returns the Corefile of the quick start with the resolvers of this
// machine. Without one the sample is served all the same, and the note names the reason
// and the remedy.
func withResolvers(text []byte, resolvers []string, err error) (corefile []byte, note string) {
	line := "    upstream . " + strings.Join(resolvers, " ") + "\n"
	if err != nil {
		line = "    # upstream . 192.0.2.53\n"
		note = fmt.Sprintf("Other names get SERVFAIL: %v. Write `upstream . ADDRESS` with the address of a resolver into the Corefile.\n", err)
	}
	return bytes.Replace(text, []byte(upstreamLine), []byte(line), 1), note
}

// fromFile returns the path of a resolv.conf that has a nameserver. The plugin upstream
// reads it.
func fromFile(path string) ([]string, error) {
	config, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, err
	}
	if len(config.Servers) == 0 {
		return nil, fmt.Errorf("%s has no line with nameserver", path)
	}
	return []string{path}, nil
}
