//go:build !windows

package command

import "os"

// isTerminal tells whether somebody sees what is written to the file, and escape
// sequences do their work there.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
