package lifecycle

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/coredns/caddy"
	clog "github.com/coredns/coredns/plugin/pkg/log"
)

var log = clog.NewWithPlugin("lifecycle")

const (
	// stopTime bounds the end of the servers and the OnShutdown functions. CoreDNS
	// stops a server within 5 s.
	stopTime = 8 * time.Second
	// lastTime bounds the last function before the process ends.
	lastTime = time.Second

	exitStopTime     = 1 // the status after stopTime
	exitSecondSignal = 2
)

// A shutdown ends all instances of a process, once.
type shutdown struct {
	last func()         // runs before the process ends
	exit func(code int) // os.Exit

	supervised bool // caddy traps signals

	once     sync.Once
	mu       sync.Mutex
	begun    bool
	signaled bool            // caddy ends the process
	current  *caddy.Instance // the last one that started, also after caddy has removed it from its list
}

var process = &shutdown{last: func() {}, exit: os.Exit}

// Supervise makes the end of the process orderly and bounded, reloads at SIGUSR1
// without loss of event hooks, and ignores SIGUSR2. It also refuses a first start on an
// address of another process. The main function calls it before it starts CoreDNS. The
// directives are those of the server. The function last is called before the process
// ends, for a second at most.
func Supervise(directives []string, last func()) {
	process.last, process.supervised = last, true
	caddy.RegisterParsingCallback("dns", directives[0], func(caddy.Context) error {
		watch()
		return process.refuse()
	})
	caddy.RegisterParsingCallback("dns", directives[len(directives)-1], checkAddresses)
}

// Wait returns when all instances have ended. The main function calls it after CoreDNS
// has returned, because then the servers have stopped, but their plugins may not have.
// After a signal it does not return, because caddy ends the process with the right
// status.
//
// Without a signal, Wait ends the instances. A Windows service needs this, because it
// stops only the servers.
func Wait() {
	process.stop()
	process.hold()
}

// hold blocks if caddy is about to end the process. If the main function returned, or
// a start failed because of the shutdown, the process would end with a wrong status.
func (s *shutdown) hold() {
	s.mu.Lock()
	signaled := s.signaled && s.supervised
	s.mu.Unlock()
	if signaled {
		select {}
	}
}

// refuse returns an error for an instance that starts during a shutdown.
func (s *shutdown) refuse() error {
	s.hold()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun {
		return errShutdown
	}
	return nil
}

// terminate is the shutdown by a signal. The servers and the plugins work as before
// while final functions run, such as the lameduck of plugin health.
func (s *shutdown) terminate() {
	s.mu.Lock()
	s.begun, s.signaled = true, true
	s.mu.Unlock()
	go s.endAtSignal()
	for _, inst := range slices.Clone(caddy.Instances()) {
		if started(inst) {
			run("final shutdown", inst.OnFinalShutdown)
		}
	}
	s.stop()
}

// endAtSignal ends the process at the next signal. It does not receive the first one,
// which was delivered before.
func (s *shutdown) endAtSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	log.Warningf("second signal (%s): the process ends now", <-signals)
	s.quit(exitSecondSignal)
}

// stop stops the servers, which answer the queries that they have read, and then
// the plugins. Afterwards caddy finds no instance, so that it calls no function again.
func (s *shutdown) stop() {
	s.once.Do(func() {
		watchdog := time.AfterFunc(stopTime, func() {
			log.Errorf("the servers have not stopped within %s: the process ends now", stopTime)
			s.quit(exitStopTime)
		})
		all := s.instances()
		for _, inst := range all {
			run("stop", []func() error{inst.Stop})
		}
		for _, inst := range all {
			closePlugins(inst)
		}
		s.finish()
		watchdog.Stop()
	})
}

// instances returns the running instance and an instance that starts.
func (s *shutdown) instances() []*caddy.Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	all := slices.Clone(caddy.Instances())
	if s.current != nil && !slices.Contains(all, s.current) {
		all = append(all, s.current)
	}
	return all
}

// closePlugins runs the functions of a stopped instance. If the instance has not
// started, only its attachments end, because other functions may need the rest of the
// start.
func closePlugins(inst *caddy.Instance) {
	if started(inst) {
		run("shutdown", inst.OnShutdown)
		return
	}
	if i := find(inst); i != nil {
		run("shutdown", []func() error{func() error {
			i.close()
			return nil
		}})
	}
}

// quit ends the process.
func (s *shutdown) quit(code int) {
	s.finish()
	s.exit(code)
}

func (s *shutdown) finish() {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.last()
	}()
	select {
	case <-finished:
	case <-time.After(lastTime):
	}
}

// run calls all functions, also after an error or a panic in one of them.
func run(phase string, all []func() error) {
	for _, f := range all {
		if err := protected(f); err != nil {
			log.Errorf("%s: %v", phase, err)
		}
	}
}

func protected(f func() error) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	return f()
}
