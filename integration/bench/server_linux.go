package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A server is a running peer.
type server struct {
	*peer
	world  *world
	cmd    *exec.Cmd
	addr   netip.AddrPort
	memory int // resident after loading, MB
}

func newServer(p *peer, w *world, binaries string) (*server, error) {
	path, err := p.prepare(binaries)
	if err != nil {
		return nil, err
	}
	if w.port, err = freePort(); err != nil {
		return nil, err
	}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return nil, err
	}
	for name, text := range p.files {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text(w)), 0o600); err != nil {
			return nil, err
		}
	}
	s := &server{peer: p, world: w, addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(w.port))} //nolint:gosec // G115: a port
	log, err := os.Create(filepath.Join(w.dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd = exec.Command(path, p.args(w.dir)...) //nolint:gosec // G204: of the list of peers
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = w.dir, log, log
	s.cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(); err != nil {
		s.stop()
		text, _ := os.ReadFile(filepath.Join(w.dir, "log"))
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return s, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// await waits until the server has an answer for the last record.
func (s *server) await() error {
	last := []query{ask(s.world.account(s.world.names-1)+"."+zone, 1, 0, 1)}
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if r, err := pace(s.addr, last, 10, 100*time.Millisecond); err == nil && r.answered > 0 {
			s.awaitQuiet()
			s.memory, err = s.resident()
			return err
		}
	}
	return errors.New("no answer within a minute")
}

// awaitQuiet waits until the server has not done anything for three seconds: some
// tidy up after they have loaded their records.
func (s *server) awaitQuiet() {
	before, _ := s.cpu()
	for quiet, tries := 0, 0; quiet < 3 && tries < 30; tries++ {
		time.Sleep(time.Second)
		now, _ := s.cpu()
		if quiet++; now-before > 30*time.Millisecond {
			quiet = 0
		}
		before = now
	}
}

func (s *server) stop() {
	s.cmd.Process.Kill() //nolint:errcheck // it has ended already
	s.cmd.Wait()         //nolint:errcheck // it was killed
}

// takes reports whether the server has the workload, with any number of ports.
func (s *server) takes(l load) bool { return slices.Contains(strings.Fields(s.workloads), l.workload) }

// warm fills the cache of a server that has one.
func (s *server) warm() error {
	if !strings.Contains(s.workloads, "W3") {
		return nil
	}
	for _, queries := range [][]query{warm(), warm(), s.world.workload("W5"), s.world.workload("W5")} {
		if _, err := saturate(s.addr, queries, 8, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// measure runs a load.
func (s *server) measure(t *table, l load, duration time.Duration) error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	r, err := l.run(s.addr, s.world, duration)
	if err != nil {
		return err
	}
	after, err := s.cpu()
	if err != nil {
		return err
	}
	if r.wrong > 0 || r.answered == 0 {
		return fmt.Errorf("%s: %d wrong replies, %d right ones", l, r.wrong, r.answered)
	}
	t.add(s.name, l, float64((after-before).Nanoseconds())/1000/float64(r.answered), r)
	return nil
}

// cpu returns the CPU time of the process and its children. The clocks of processes have
// nanoseconds, and /proc has hundredths of a second.
func (s *server) cpu() (time.Duration, error) {
	total := time.Duration(0)
	for _, pid := range s.processes() {
		var spent unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|2), &spent); err != nil { //nolint:gosec // G115: CPUCLOCK_SCHED of a process
			return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		total += time.Duration(spent.Nano())
	}
	return total, nil
}

// processes returns the process and its children, because NSD answers from a child.
func (s *server) processes() []int {
	all := []int{s.cmd.Process.Pid}
	for i := 0; i < len(all); i++ {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", all[i]))
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}

// resident returns the memory that the process and its children do not share with
// each other, in MB.
func (s *server) resident() (int, error) {
	total := 0
	for _, pid := range s.processes() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
				kilobytes, _ := strconv.Atoi(fields[1])
				total += kilobytes
			}
		}
	}
	return total / 1024, nil
}
