package lifecycle

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/caddy"
)

// supervised replaces the shutdown of the process by one that does not exit.
func supervised(t *testing.T) *shutdown {
	s := &shutdown{last: func() { calls.add("last") }, exit: func(int) { t.Error("exit") }}
	before := process
	process = s
	t.Cleanup(func() { process = before })
	return s
}

// A signal ends the final functions, the servers and the plugins, in this order,
// and afterwards caddy finds no instance.
func TestShutdownOrder(t *testing.T) {
	for _, tc := range []struct{ name, corefile, want string }{
		{"plugins", "probe a b\nbroken phases", "final, close a, close b, shutdown, last"},
		{"panic in a plugin", "probe a\nbroken end", "close a, last"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := supervised(t)
			serve(t, tc.corefile)
			calls.take()
			caddy.EmitEvent(caddy.ShutdownEvent, "SIGTERM")
			calls.expect(t, "shutdown", tc.want)
			if n := len(caddy.Instances()); n != 0 {
				t.Errorf("%d instances are left for caddy", n)
			}
			s.stop()
			calls.expect(t, "second shutdown", "")
		})
	}
}

// A Windows service stops only the servers of its first instance, also after a reload.
// The main function ends the current instance.
func TestStoppedServers(t *testing.T) {
	for _, reloads := range []int{0, 1} {
		s := supervised(t)
		first := serve(t, "probe a\nbroken phases")
		for range reloads {
			instance, err := first.Restart(input("0", "probe a\nbroken phases"))
			if err != nil {
				t.Fatal(err)
			}
			answers(t, instance)
		}
		calls.take()
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		Wait()
		calls.expect(t, "servers stopped", "close a, shutdown, last")
		if !s.begun || len(caddy.Instances()) != 0 {
			t.Errorf("%d instances are left", len(caddy.Instances()))
		}
	}
}

// A signal during a start aborts the attachments that have begun. It does not run
// functions that depend on the rest of the start.
func TestShutdownDuringStart(t *testing.T) {
	supervised(t)
	reached, proceed := make(chan struct{}), make(chan struct{})
	slow = func() { close(reached); <-proceed }
	t.Cleanup(func() { slow = nil })
	calls.take()
	result := make(chan error, 1)
	go func() {
		_, err := caddy.Start(input("0", "probe a slow c\nbroken phases"))
		result <- err
	}()
	<-reached
	caddy.EmitEvent(caddy.ShutdownEvent, "SIGTERM")
	calls.expect(t, "shutdown", "begin a, begin slow, abort a, last")
	close(proceed)
	if err := <-result; err == nil || !strings.Contains(err.Error(), errEnded.Error()) {
		t.Errorf("the start ends with %v; want %v", err, errEnded)
	}
	calls.expect(t, "end of the start", "abort slow")
}

// No instance starts during a shutdown.
func TestNoReloadDuringShutdown(t *testing.T) {
	s := supervised(t)
	if err := s.refuse(); err != nil {
		t.Error(err)
	}
	s.stop()
	if err := s.refuse(); err != errShutdown {
		t.Errorf("refuse = %v; want %v", err, errShutdown)
	}
}

// The process ends although a plugin and the last function hang.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := supervised(t), time.Now()
		hang := make(chan struct{})
		exited := make(chan int)
		s.last = func() { <-hang }
		s.exit = func(code int) { exited <- code }
		inst := &caddy.Instance{Storage: map[any]any{startedKey{}: true}}
		inst.OnShutdown = []func() error{func() error { <-hang; return nil }}
		s.current = inst
		go s.stop()
		if code := <-exited; code != exitStopTime {
			t.Errorf("exit status %d; want %d", code, exitStopTime)
		}
		if d := time.Since(began); d != stopTime+lastTime {
			t.Errorf("the process ends after %s; want %s", d, stopTime+lastTime)
		}
		close(hang)
	})
}
