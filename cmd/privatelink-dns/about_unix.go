//go:build !windows

package main

import "github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/reload"

// Windows has no signals.
func init() { commands = append(commands, reload.Command) }
