package source

import (
	"strings"
	"unique"
)

// An ID is a resource ID, or the position of a line. IDs with the same beginning share
// its memory: the IDs of 100,000 endpoints and of their targets would need more than all
// other data about them. IDs are equal by == if their texts are equal.
type ID struct {
	parent unique.Handle[string] // up to the last slash or colon
	name   string                // the rest
}

// IDOf returns the ID of a text.
func IDOf(text string) ID { return idOf(text, strings.Clone) }

// idOf uses keep to copy the name, so that it does not keep the whole text in memory.
func idOf(text string, keep func(string) string) ID {
	if text == "" {
		return ID{}
	}
	at := strings.LastIndexAny(text, "/:") + 1
	return ID{unique.Make(text[:at]), keep(text[at:])}
}

// String returns the text.
func (id ID) String() string {
	if id == (ID{}) {
		return ""
	}
	return id.parent.Value() + id.name
}

// AppendText implements encoding.TextAppender.
func (id ID) AppendText(b []byte) ([]byte, error) {
	if id == (ID{}) {
		return b, nil
	}
	return append(append(b, id.parent.Value()...), id.name...), nil
}

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ID) UnmarshalText(text []byte) error {
	*id = IDOf(string(text))
	return nil
}
