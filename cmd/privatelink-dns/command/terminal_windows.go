package command

import (
	"os"

	"golang.org/x/sys/windows"
)

// isTerminal reports whether the file is a console on which escape sequences have an
// effect. A console shows them as text until a program enables them. A console older
// than Windows Server 2016 always does.
func isTerminal(file *os.File) bool {
	console, mode := windows.Handle(file.Fd()), uint32(0)
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
