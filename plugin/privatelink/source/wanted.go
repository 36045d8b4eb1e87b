package source

import "context"

type wantedKey struct{}

// WithWanted returns a context for a fetch that queries for these names have started. The
// names are in lower case with their trailing dot.
func WithWanted(ctx context.Context, names []string) context.Context {
	return context.WithValue(ctx, wantedKey{}, names)
}

// Wanted returns the names of WithWanted, for a source that cannot read everything in one
// fetch.
func Wanted(ctx context.Context) []string {
	names, _ := ctx.Value(wantedKey{}).([]string)
	return names
}
