// Package state keeps what is known on disk, so that a server that starts
// without Azure, or without its files, answers as the one before it did.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/wholefile"
)

// version is that of the format. A file of another one is not read.
const version = 1

// A State is the last good list of each source, by the source's name, and the
// serial of each zone. The zero value is that of a server that knows nothing.
type State struct {
	Version int                       `json:"version"`
	Serials map[dnsname.Name]uint32   `json:"serials"`
	Sources map[string][]source.Entry `json:"sources"`
}

// Load reads the state file. A file that is not there is an empty state; an
// error names the file, and the state is empty then, too.
func Load(path string) (State, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("%s: %w", path, err)
	}
	if s.Version != version {
		return State{}, fmt.Errorf("%s: version %d, this server reads version %d", path, s.Version, version)
	}
	for name, entries := range s.Sources {
		for _, e := range entries {
			if e.FQDN == "" || len(e.Addrs) == 0 {
				return State{}, fmt.Errorf("%s: source %q: an entry without name or address", path, name)
			}
		}
	}
	return s, nil
}

// Save replaces the state file as a whole: whoever reads it, at any moment, even
// after a crash of the machine, finds the old state or the new one.
func Save(path string, s State) error {
	s.Version = version
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return wholefile.Replace(path, 0o600, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
