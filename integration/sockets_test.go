package integration

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A holder is who has the sockets of an address.
type holder int

const (
	nobody  holder = iota // no server
	ours                  // the process, or a child of it, and nobody else
	others                // other processes
	both                  // the process shares the port with another one (SO_REUSEPORT)
	unknown               // the system does not say
)

// holderOf returns who has the address. An answer proves nothing about who gave it:
// between the choice of a free port and its use, another process may take it.
func holderOf(pid int, addr string) holder {
	sockets, err := socketsAt(netip.MustParseAddrPort(addr))
	if err != nil {
		return unknown
	}
	own, err := socketsOf(pid)
	if err != nil {
		return unknown
	}
	mine, foreign := 0, 0
	for inode := range sockets {
		if own[inode] {
			mine++
		} else {
			foreign++
		}
	}
	switch {
	case mine > 0 && foreign > 0:
		return both
	case mine > 0:
		return ours
	case foreign > 0:
		return others
	}
	return nobody
}

// socketsAt returns the inodes of the sockets that take queries at the address.
func socketsAt(addr netip.AddrPort) (map[string]bool, error) {
	inodes := map[string]bool{}
	for table, state := range map[string]string{"udp": "07", "udp6": "07", "tcp": "0A", "tcp6": "0A"} { // not connected, listening
		file, err := os.Open("/proc/net/" + table)
		if os.IsNotExist(err) && strings.HasSuffix(table, "6") {
			continue // no IPv6
		}
		if err != nil {
			return nil, err
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			f := strings.Fields(lines.Text())
			if len(f) > 9 && f[3] == state && receives(f[1], addr) {
				inodes[f[9]] = true
			}
		}
		file.Close()
	}
	return inodes, nil
}

// receives reports whether a socket with the local address of /proc/net gets what is
// sent to addr.
func receives(local string, addr netip.AddrPort) bool {
	host, port, _ := strings.Cut(local, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil || uint16(number) != addr.Port() {
		return false
	}
	octets, err := hex.DecodeString(host)
	if err != nil || len(octets)%4 != 0 {
		return false
	}
	for i := 0; i < len(octets); i += 4 { // words in the byte order of the machine
		binary.NativeEndian.PutUint32(octets[i:], binary.BigEndian.Uint32(octets[i:]))
	}
	at, ok := netip.AddrFromSlice(octets)
	return ok && (at.IsUnspecified() || at.Unmap() == addr.Addr())
}

// socketsOf returns the inodes of the sockets of the process and its children.
func socketsOf(pid int) (map[string]bool, error) {
	inodes := map[string]bool{}
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, fd := range fds {
		if target, err := os.Readlink(filepath.Join(folder, fd.Name())); err == nil {
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				inodes[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	for _, child := range children(pid) {
		more, err := socketsOf(child)
		if err != nil {
			continue // it has ended
		}
		for inode := range more {
			inodes[inode] = true
		}
	}
	return inodes, nil
}

func children(pid int) (all []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		text, _ := os.ReadFile(path)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// Whoever answers, the sockets distinguish the test's own process from others.
func TestHolderOf(t *testing.T) {
	t.Parallel()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	addr := udp.LocalAddr().String()
	if holderOf(os.Getpid(), addr) == unknown {
		t.Skip("the system does not say who has a socket")
	}
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Skip(err)
	}
	defer func() {
		other.Process.Kill() //nolint:errcheck // it has ended
		other.Wait()         //nolint:errcheck // killed
	}()
	for _, tt := range []struct {
		name, addr string
		pid        int
		want       holder
	}{
		{"own socket", addr, os.Getpid(), ours},
		{"the socket of another process", addr, other.Process.Pid, others},
		{"the address beside it", strings.Replace(addr, "127.0.0.1", "127.0.0.3", 1), os.Getpid(), nobody},
		{"a process that is not there", addr, 1 << 30, unknown},
	} {
		if got := holderOf(tt.pid, tt.addr); got != tt.want {
			t.Errorf("%s: holderOf(%s) = %d; want %d", tt.name, tt.addr, got, tt.want)
		}
	}
}

// A server that answers at the port is not the one that was started.
func TestLaunchIsNotFooled(t *testing.T) {
	t.Parallel()
	first, _ := serve(t, corefile())
	if holderOf(first.cmd.Process.Pid, first.addr("")) != ours {
		t.Skip("the system does not say who has a socket")
	}
	p := launch(t, first.addr(""), exec.Command("sleep", "60"))
	if !p.ended() {
		t.Errorf("sleep seems to serve DNS at %s, which is another process", first.addr(""))
	}
}

// Two servers that share a port, which CoreDNS allows, are distinguished from one.
func TestLaunchDoesNotShare(t *testing.T) {
	t.Parallel()
	first, _ := serve(t, corefile())
	if holderOf(first.cmd.Process.Pid, first.addr("")) != ours {
		t.Skip("the system does not say who has a socket")
	}
	second := prepare(t, corefile())
	second.env["UPSTREAM"] = first.env["UPSTREAM"]
	cmd := second.program()
	for i, variable := range cmd.Env {
		if strings.HasPrefix(variable, "PORT=") {
			cmd.Env[i] = "PORT=" + first.env["PORT"]
		}
	}
	if p := launch(t, first.addr(""), cmd); !p.ended() {
		t.Errorf("two servers share %s", first.addr(""))
	}
}
