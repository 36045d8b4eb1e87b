//go:build !linux

package lifecycle

// Taken returns nil: the server's own attempt to listen reports a port in use.
func Taken(_, _ string) error { return nil }
