package source

import (
	"bytes"
	"compress/flate"
	"io"
	"iter"
	"slices"
	"sync"
)

// pieces are many items of some bytes each, compressed some hundred items at a time. They
// are read from the first to the last. The zero value is empty.
type pieces struct {
	closed [][]byte // compressed, as in RFC 1951
	open   []byte   // the items behind them
}

const (
	pieceSize = 32 << 10 // bytes before they are compressed: what deflate looks back
	worthIt   = 4 << 10  // bytes that are worth the compression
)

func (p *pieces) append(item []byte) {
	if len(p.open) > 0 && len(p.open)+len(item) > pieceSize {
		p.close()
	}
	p.open = append(p.open, item...)
}

// compact returns the same items in little memory.
func (p *pieces) compact() pieces {
	if len(p.open) > worthIt {
		p.close()
	}
	return pieces{p.closed, slices.Clone(p.open)}
}

// writers are used again, because each has tables of about 1 MB.
var writers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	mustWork(err)
	return w
}}

// close compresses the open piece.
func (p *pieces) close() {
	var out bytes.Buffer
	w := writers.Get().(*flate.Writer)
	w.Reset(&out)
	_, err := w.Write(p.open)
	mustWork(err)
	mustWork(w.Close())
	writers.Put(w)
	p.closed, p.open = append(p.closed, bytes.Clone(out.Bytes())), p.open[:0]
}

// all yields the bytes of whole items. They are valid until the next ones.
func (p *pieces) all() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if p.inflate(yield) && len(p.open) > 0 {
			yield(p.open)
		}
	}
}

// inflate yields the closed pieces. It reports whether it yielded all of them.
func (p *pieces) inflate(yield func([]byte) bool) bool {
	if len(p.closed) == 0 {
		return true // the reader has a window of 32 kB, which the many small files do not need
	}
	var in bytes.Reader
	var out bytes.Buffer
	r := flate.NewReader(&in)
	for _, piece := range p.closed {
		in.Reset(piece)
		mustWork(r.(flate.Resetter).Reset(&in, nil))
		out.Reset()
		_, err := io.Copy(&out, r)
		if mustWork(err); !yield(out.Bytes()) {
			return false
		}
	}
	return true
}

// mustWork is for the errors of a disk or a network, which memory does not have.
func mustWork(err error) {
	if err != nil {
		panic(err)
	}
}
