//go:build unix

package upstream

import (
	"errors"
	"syscall"
)

// isLocal reports whether an error is about this machine and not about an upstream.
func isLocal(err error) bool {
	return errors.Is(err, errNoSocket) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS)
}
