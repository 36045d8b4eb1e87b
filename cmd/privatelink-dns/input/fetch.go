package input

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/state"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

// A Block is one privatelink block with the records that it would serve. The last good records
// of a source that fails are those of the block's state file.
type Block struct {
	privatelink.Block
	syncer.Preview
	Sources []Source // as those of Preview

	StateErr error // why the state file cannot be read, or nil
}

// A saved is a state file as it was read.
type saved struct {
	state.State
	at  time.Time // when it was written; zero if it does not exist
	err error
}

// Fetch fetches every source of the blocks once.
func Fetch(ctx context.Context, blocks []privatelink.Block) ([]Block, error) {
	var all []Block
	files := map[string]saved{}
	for _, b := range blocks {
		file, ok := files[b.State]
		if !ok && b.State != "" {
			file = readState(b.State)
			files[b.State] = file
		}
		one := Block{Block: b, StateErr: file.err}
		one.Preview = syncer.FetchPreview(ctx, &b.Zones, b.Sources, file.Sources)
		for i, src := range b.Sources {
			one.Sources = append(one.Sources, one.describe(src.Config(), &one.Preview.Sources[i], file.at))
		}
		all = append(all, one)
	}
	return all, ctx.Err()
}

func readState(path string) (s saved) {
	s.State, s.err = state.Load(path)
	if info, err := os.Stat(path); err == nil {
		s.at = info.ModTime().Truncate(time.Second)
	}
	return s
}

// Failed returns the errors of the sources, joined, each with its name.
func (b *Block) Failed() error {
	var errs []error
	for i, src := range b.Preview.Sources {
		for _, err := range command.Errors(src.Err) {
			errs = append(errs, fmt.Errorf("%s: %w%s", src.Name, err, b.Sources[i].restored()))
		}
	}
	return errors.Join(errs...)
}
