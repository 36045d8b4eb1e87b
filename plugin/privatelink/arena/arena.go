// Package arena keeps many short texts in few objects. 100,000 names are then not
// 100,000 objects that the allocator rounds up and the garbage collector visits.
package arena

import "strings"

// Texts has the texts. All of them stay in memory as long as one of their
// neighbors is in use. The zero value is empty.
type Texts struct{ text strings.Builder }

// The room for texts: little at first, because most users have few.
const (
	fewOctets  = 256
	mostOctets = 32 << 10
)

// Keep returns a copy of the text.
func (t *Texts) Keep(text string) string {
	if t.text.Cap()-t.text.Len() < len(text) {
		room := min(max(4*t.text.Cap(), fewOctets), mostOctets)
		t.text.Reset() // the texts that it had keep their memory
		t.text.Grow(max(room, len(text)))
	}
	at := t.text.Len()
	t.text.WriteString(text)
	return t.text.String()[at:]
}
