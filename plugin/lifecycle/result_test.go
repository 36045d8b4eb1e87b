package lifecycle

import (
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"testing"
)

func TestResult(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reload")
	if _, err := ReadResult(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before a reload: %v; want %v", err, fs.ErrNotExist)
	}
	for _, tt := range []struct {
		name   string
		result error
		want   string
	}{
		{"a failed reload", errors.New("Corefile:3: unknown directive"), "Corefile:3: unknown directive"},
		{"a good one after it", nil, ""},
	} {
		if err := writeResult(path, tt.result); err != nil {
			t.Fatal(err)
		}
		got, err := ReadResult(path)
		if err != nil || text(got) != tt.want {
			t.Errorf("%s: %v, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	if err := writeResult("", errors.New("x")); err != nil {
		t.Errorf("without a folder: %v; want no error", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNotifyReady(t *testing.T) {
	if err := notifyReady(); err != nil {
		t.Errorf("without a socket: %v", err)
	}
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skipf("no datagram sockets here: %v", err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	if err := notifyReady(); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	n, err := socket.Read(buffer)
	if got := string(buffer[:n]); err != nil || got != "READY=1" {
		t.Errorf("message %q, %v; want READY=1", got, err)
	}
}
