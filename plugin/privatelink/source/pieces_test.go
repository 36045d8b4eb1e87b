package source

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Items come back as they were, whatever their size, and however well they compress.
func TestPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 6))
	for _, tc := range []struct {
		name        string
		items, size int
		letters     int // of which the items consist
		closed      int // pieces, at least
	}{
		{"none", 0, 0, 1, 0},
		{"one", 1, 40, 256, 0},
		{"an empty one", 1, 0, 1, 0},
		{"less than what is worth it", 100, 40, 256, 0},
		{"more than that", 110, 40, 256, 1},
		{"of one letter", 10_000, 40, 1, 10},
		{"of random letters", 10_000, 40, 256, 10},
		{"each larger than a piece", 3, pieceSize + 1, 256, 3},
	} {
		var p pieces
		var want, got []byte
		for range tc.items {
			item := make([]byte, tc.size)
			for i := range item {
				item[i] = byte(random.IntN(tc.letters))
			}
			want = append(want, item...)
			p.append(item)
		}
		compact := p.compact()
		for items := range compact.all() {
			if tc.size > 0 && len(items)%tc.size > 0 {
				t.Errorf("%s: an item is in two pieces", tc.name)
			}
			got = append(got, items...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes; want the %d that were added", tc.name, len(got), len(want))
		}
		if len(compact.closed) < tc.closed || tc.closed == 0 && compact.closed != nil {
			t.Errorf("%s: %d compressed pieces; want %d", tc.name, len(compact.closed), tc.closed)
		}
		for range compact.all() { // a loop may end early
			break
		}
	}
}
