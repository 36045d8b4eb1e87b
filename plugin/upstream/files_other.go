//go:build !unix

package upstream

// fileLimit returns how many files the process may have open. Windows has no limit
// of this kind.
func fileLimit() int { return 16384 }
