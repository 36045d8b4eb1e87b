//go:build !windows

// Package reload sends the signal for a reload to a server and reports its result.
package reload

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/plugin/lifecycle"
)

// Command is the command reload, which the systemd unit runs.
var Command = command.Command{
	Name:    "reload",
	Summary: "make a server read its Corefile again, and report a failure",
	Text: `Sends SIGUSR1 to the server and waits for its result, which the server leaves in
the folder RUNTIME_DIRECTORY. systemd sets it: use systemctl reload.`,
	Example: "systemctl reload privatelink-dns",
	Setup: func(flags *flag.FlagSet) command.Run {
		pid := flags.Int("pid", 0, "process ID of the server")
		return func(ctx context.Context, _ command.Output) (int, error) {
			return command.Done, reload(ctx, *pid, lifecycle.ResultFile())
		}
	},
}

// limit is longer than a reload takes, which may wait for queries for some seconds.
const limit = 30 * time.Second

func reload(ctx context.Context, pid int, path string) error {
	if pid <= 0 || path == "" {
		return command.Wrong("it needs -pid and the variable RUNTIME_DIRECTORY of the server: use systemctl reload privatelink-dns")
	}
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // on Linux
	if err := refuse(pid, strings.TrimSpace(string(name))); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
		return fmt.Errorf("send SIGUSR1 to process %d: %w", pid, err)
	}
	return report(ctx, path)
}

// report returns the error that the server leaves.
func report(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the server left none in %s within %s", path, limit))
	defer cancel()
	result, err := wait(ctx, path)
	if err != nil {
		return fmt.Errorf("no result of the reload: %w: see the log of the server", err)
	}
	if result != nil {
		return fmt.Errorf("the running Corefile stays in force: %w", result)
	}
	return nil
}

// refuse returns an error for another program, which the signal may end. The name is that
// of the kernel, or empty if it is not known.
func refuse(pid int, name string) error {
	own, _ := os.Executable()
	if name == "" || name == comm("privatelink-dns") || name == comm(filepath.Base(own)) {
		return nil
	}
	return fmt.Errorf("-pid: process %d is %s, not privatelink-dns: use systemctl reload privatelink-dns", pid, name)
}

// comm returns the name that the kernel has for a program.
func comm(program string) string { return program[:min(len(program), 15)] }

// wait returns the result once it is there.
func wait(ctx context.Context, path string) (result, err error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		result, err := lifecycle.ReadResult(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return result, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}
