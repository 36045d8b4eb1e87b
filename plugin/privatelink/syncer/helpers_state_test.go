package syncer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
)

// serveState returns a syncer with a state file after its Commit.
func serveState(t testing.TB, p *Process, path string, sources ...source.Source) *Syncer {
	s := begin(t, p, path, sources...)
	s.Commit()
	return s
}

// saved returns the names in the state file, by source.
func saved(t testing.TB, path string) string {
	t.Helper()
	s, err := state.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range []string{"f", "g", "h"} {
		if one, ok := s.Sources[name]; ok {
			all = append(all, fmt.Sprintf("%s:%s", name, strings.Join(texts(one.Entries), " ")))
		}
	}
	return strings.Join(all, ", ")
}

func texts(entries []source.Entry) (all []string) {
	for _, e := range entries {
		all = append(all, fmt.Sprint(strings.TrimSuffix(string(e.FQDN), ".blob.core.windows.net."), e.Addrs))
	}
	return all
}
