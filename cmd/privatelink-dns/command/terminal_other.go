//go:build !windows

package command

import "os"

// isTerminal reports whether the file is a terminal, where escape sequences have an
// effect.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
