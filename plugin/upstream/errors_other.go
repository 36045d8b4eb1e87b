//go:build !unix

package upstream

import "errors"

// isLocal reports whether an error is about this machine and not about an upstream.
func isLocal(err error) bool { return errors.Is(err, errNoSocket) }
