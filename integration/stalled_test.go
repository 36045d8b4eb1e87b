package integration

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A stallable is a mounted folder whose file system can stop responding, like a network
// share or a disk under fsfreeze.
type stallable struct {
	t      testing.TB
	folder string
	daemon *exec.Cmd
}

// mountStallable mounts a folder with bindfs. While the bindfs daemon is stopped, the
// file system does not respond.
func mountStallable(t testing.TB, folder string) *stallable {
	t.Helper()
	bindfs := need(t, "bindfs", "bindfs")
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	for _, path := range []string{folder, folder + ".real"} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var out output
	d := &stallable{t: t, folder: folder, daemon: exec.Command(bindfs, "-f", folder+".real", folder)}
	d.daemon.Stdout, d.daemon.Stderr = &out, &out
	if err := d.daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.resume()
		syscall.Unmount(folder, syscall.MNT_DETACH) //nolint:errcheck // it may not be mounted
		d.daemon.Process.Kill()                     //nolint:errcheck // it may have ended
		d.daemon.Wait()                             //nolint:errcheck // its status is that of the kill
	})
	for range 200 {
		if mounts, _ := os.ReadFile("/proc/mounts"); bytes.Contains(mounts, []byte(" "+folder+" ")) {
			return d
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Skipf("bindfs cannot mount here: %s", out.String())
	return nil
}

func (d *stallable) resume() { d.signal(syscall.SIGCONT) }

// stall returns once the daemon takes no more requests.
func (d *stallable) stall() {
	d.signal(syscall.SIGSTOP)
	eventually(d.t, "the daemon stops", func() bool {
		states := ofThreads(d.t, d.daemon.Process.Pid, "stat")
		return strings.Count(states, ") T ") == strings.Count(states, "\n")
	})
}

// stallUnused is stall while the server waits for no answer of the daemon. The kernel
// ends a process that waits for one only if the daemon has not taken the request.
func (d *stallable) stallUnused(s *server) {
	eventually(d.t, "the file system is not in use", func() bool {
		if d.stall(); !strings.Contains(ofThreads(d.t, s.cmd.Process.Pid, "wchan"), "request_wait_answer") {
			return true
		}
		d.resume()
		return false
	})
}

// ofThreads returns the text of a file of /proc for each thread of a process.
func ofThreads(t testing.TB, pid int, file string) (all string) {
	t.Helper()
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", pid, file))
	if err != nil || paths == nil {
		t.Fatalf("process %d has no threads: %v", pid, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err == nil { // the thread has not ended
			all += strings.TrimSpace(string(text)) + "\n"
		}
	}
	return all
}

func (d *stallable) signal(sig os.Signal) {
	if err := d.daemon.Process.Signal(sig); err != nil {
		d.t.Errorf("%s: %v", sig, err)
	}
}

// While its sources do not respond, the server starts, answers from the state file,
// reloads and ends.
func TestStalledSources(t *testing.T) {
	t.Parallel()
	s := prepare(t, strings.NewReplacer(
		"files {$DIR}/*.json", "files {$DIR}/share/*.json\n        state {$DIR}/state",
		"errors", "errors\n    ready 127.0.0.1:{$PORT_READY}",
	).Replace(reloading("r0.blob.core.windows.net 10.20.9.0")))
	s.env["UPSTREAM"] = azure(t).Addr
	share := mountStallable(t, filepath.Join(s.dir, "share"))
	s.write("share.real/vault.json", export(vault...))
	s.start()
	s.holds("state", "wepod01ecs114x.blob.core.windows.net")

	share.stallUnused(s)
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
	s.start()
	s.logs(`share/\*\.json: cannot be read yet, the start goes on without it`)
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	s.remains(blob, "NOERROR ra: CNAME wepod01ecs114x.privatelink.blob.core.windows.net., A 10.20.0.12")
	s.write("Corefile", strings.ReplaceAll(s.read("Corefile"), "10.20.9.0", "10.20.9.1"))
	s.becomes("r0.privatelink.blob.core.windows.net", "NOERROR aa ra: A 10.20.9.1")
	s.remains(fc1, "NOERROR aa ra: A 10.20.0.4")
	if got := s.ready(); got != http.StatusOK {
		t.Errorf("ready = %d; want 200", got)
	}
	s.write("share.real/vault.json", export(fc1+" 10.20.0.44"))
	share.resume()
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.44")
	share.stallUnused(s)
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
}

func (s *server) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// A state file on a disk that does not respond is reported and does not delay record
// changes.
func TestStalledState(t *testing.T) {
	t.Parallel()
	s := prepare(t, strings.Replace(corefile("prometheus 127.0.0.1:{$PORT_METRICS}"), "geo we", "geo we\n        state {$DIR}/disk/state", 1))
	s.env["UPSTREAM"] = azure(t).Addr
	disk := mountStallable(t, filepath.Join(s.dir, "disk"))
	s.write("vault.json", export(vault...))
	s.start()
	s.holds("disk.real/state", "10.20.0.4")
	disk.stall()
	for _, addr := range []string{"10.20.0.44", "10.20.0.45"} {
		s.write("vault.json", export(fc1+" "+addr))
		s.becomes(fc1, "NOERROR aa ra: A "+addr)
	}
	s.logs(`disk/state: not written within 10s, the disk does not respond`)
	if got := string(readURL(t, "http://"+s.addr("_METRICS")+"/metrics")); !strings.Contains(got, "\ncoredns_privatelink_unsaved_states 1\n") {
		t.Error("coredns_privatelink_unsaved_states is not 1")
	}
	disk.resume()
	s.logs(`disk/state is written again`)
	s.holds("disk.real/state", "10.20.0.45")
	s.write("vault.json", export(fc1+" 10.20.0.46"))
	s.holds("disk.real/state", "10.20.0.46")
	disk.stallUnused(s)
	s.write("vault.json", export(fc1+" 10.20.0.47"))
	s.becomes(fc1, "NOERROR aa ra: A 10.20.0.47")
	s.signal(t, syscall.SIGTERM)
	s.endsWith(t, 0)
}
