package state

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/atomicfile"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// Load reads the state file. If the file does not exist, the state is empty. An error
// has the file and the position in bytes, and the state is empty.
func Load(path string) (State, error) {
	file, err := atomicfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	defer file.Close()
	d := &decoder{Decoder: json.NewDecoder(bufio.NewReaderSize(file, 64<<10)), ids: map[source.ID]source.ID{}}
	s, err := d.state()
	if err != nil {
		return State{}, fmt.Errorf("%s: byte %d: %w", path, d.InputOffset(), err)
	}
	return s, nil
}

// A decoder reads the values of the file in order.
type decoder struct {
	*json.Decoder
	ids map[source.ID]source.ID // each once, because an endpoint has several names
}

func (d *decoder) state() (s State, err error) {
	read := 0
	err = d.object(func(key string) (err error) {
		switch key {
		case "version":
			return d.value(&read)
		case "serials":
			return d.value(&s.Serials)
		case "sources":
			s.Sources, err = d.sources()
			return err
		}
		return d.value(new(json.RawMessage))
	})
	if err == nil && (read < 1 || read > version) {
		err = fmt.Errorf("version %d, this server reads versions 1 to %d", read, version)
	}
	if err == nil {
		err = d.end()
	}
	return s, err
}

// end rejects data after the state, such as a second state.
func (d *decoder) end() error {
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the end of the file is expected")
	}
	return nil
}

func (d *decoder) sources() (map[string]Source, error) {
	all := map[string]Source{}
	err := d.object(func(name string) error {
		one, err := d.source()
		if err != nil {
			return fmt.Errorf("source %q: %w", name, err)
		}
		all[name] = one
		return nil
	})
	return all, err
}

// source reads an object or, in version 1, the array of its entries.
func (d *decoder) source() (s Source, err error) {
	open, err := d.token()
	switch {
	case err != nil:
		return s, err
	case open == json.Delim('['):
		err = d.entries(&s)
		return s, err
	case open != json.Delim('{'):
		return s, fmt.Errorf("%v where a source is expected", open)
	}
	err = d.members(func(key string) error {
		switch key {
		case "parts":
			return d.value(&s.Parts)
		case "partial":
			return d.value(&s.Partial)
		case "entries":
			if err := d.open('['); err != nil {
				return err
			}
			return d.entries(&s)
		}
		return d.value(new(json.RawMessage))
	})
	return s, err
}

// entries reads the rest of an array.
func (d *decoder) entries(s *Source) error {
	for d.More() {
		var e struct {
			source.Entry
			Since uint32
		}
		if err := d.value(&e); err != nil {
			return err
		}
		if e.FQDN == "" || len(e.Addrs) == 0 {
			return errors.New("an entry without name or address")
		}
		e.Endpoint, e.Target = d.once(e.Endpoint), d.once(e.Target)
		s.Entries, s.Since = append(s.Entries, e.Entry), append(s.Since, e.Since)
	}
	_, err := d.token()
	return err
}

func (d *decoder) once(id source.ID) source.ID {
	if known, ok := d.ids[id]; ok {
		return known
	}
	d.ids[id] = id
	return id
}

// object reads an object and calls value to read each of its values.
func (d *decoder) object(value func(key string) error) error {
	if err := d.open('{'); err != nil {
		return err
	}
	return d.members(value)
}

// members reads the rest of an object.
func (d *decoder) members(value func(key string) error) error {
	for d.More() {
		key, err := d.token()
		if err != nil {
			return err
		}
		if err := value(fmt.Sprint(key)); err != nil {
			return err
		}
	}
	_, err := d.token()
	return err
}

func (d *decoder) open(delimiter json.Delim) error {
	token, err := d.token()
	if err == nil && token != delimiter {
		err = fmt.Errorf("%v where %v is expected", token, delimiter)
	}
	return err
}

func (d *decoder) token() (json.Token, error) {
	token, err := d.Token()
	return token, cut(err)
}

func (d *decoder) value(to any) error { return cut(d.Decode(to)) }

// cut explains an unexpected end of the file.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends here, it has been cut")
	}
	return err
}
