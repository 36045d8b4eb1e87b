package main

import (
	"bufio"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/coredns/caddy"
	clog "github.com/coredns/coredns/plugin/pkg/log"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/logqueue"
)

// logLimit is the size of the log queue, in bytes: 10,000 lines of plugin log.
const logLimit = 1 << 20

// queueLog makes the log pass a queue, so that serving never waits for the output.
// It returns the function that writes the queued lines, for the end of the process.
//
// CoreDNS sets the output of its log after it has parsed the flags and before it
// loads the Corefile, so the queue is set by a loader, which loads nothing. Errors
// that end the process at its start go to os.Stderr without a queue.
func queueLog() (flush func()) {
	var queue atomic.Pointer[logqueue.Queue]
	install := sync.OnceFunc(func() { queue.Store(newLog()) })
	caddy.RegisterCaddyfileLoader("log", caddy.LoaderFunc(func(string) (caddy.Input, error) {
		install()
		return nil, nil
	}))
	caddy.RegisterEventHook("log", func(event caddy.EventName, _ any) error {
		if event == caddy.InstanceStartupEvent {
			queue.Load().Start()
		}
		return nil
	})
	return func() {
		if q := queue.Load(); q != nil {
			q.Flush(logqueue.FlushTimeout)
		}
	}
}

// newLog sets the output of the log, and os.Stdout, where CoreDNS prints its
// version and its zones.
func newLog() *logqueue.Queue {
	queue := logqueue.New(os.Stdout, logLimit, func(lines int) {
		clog.Warningf("log: %d lines dropped because the output did not accept them", lines)
	})
	clog.SetOutput(queue)
	if printed, stdout, err := os.Pipe(); err == nil {
		os.Stdout = stdout
		go copyLines(queue, printed)
	}
	// A write to a pipe without a reader would end the process. The signal is not
	// ignored, because commands that this process starts would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return queue
}

func copyLines(to io.Writer, from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		_, _ = to.Write(line) // a queue returns no error
	}
}
