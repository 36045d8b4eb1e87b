package main

import (
	"log"
	"os"

	"github.com/coredns/coredns/coremain"
)

// logTo appends to the file the lines that would go to the console, because a Windows
// service has none. CoreDNS reads os.Stdout after it has parsed the flags, so a flag can
// replace it. The lines then have a time, which journals and container engines add and a
// file does not.
func logTo(path string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err == nil {
		os.Stdout, os.Stderr, coremain.LogFlags = file, file, log.LstdFlags
	}
	return err
}
