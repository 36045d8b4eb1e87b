package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

// command runs the binary until it exits, in the folder and environment of the server.
func (s *server) command(args string) (stdout, stderr string, status int) {
	s.t.Helper()
	cmd := s.prepareCommand(args)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if e := cmd.Run(); e != nil && cmd.ProcessState == nil {
		s.t.Fatal(e)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

func (s *server) prepareCommand(args string) *exec.Cmd {
	cmd := exec.Command(built(s.t), strings.Fields(args)...)
	cmd.Dir, cmd.Env = s.dir, os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// prints checks the exit status and the standard output of a command.
func (s *server) prints(args string, status int, want string) {
	s.t.Helper()
	if stdout, stderr, got := s.command(args); got != status || stdout != want {
		s.t.Errorf("%s: status %d, stdout\n%s\nstderr\n%s\nwant %d\n%s", args, got, stdout, stderr, status, want)
	}
}

// Every zone file loads into BIND and NSD without a warning.
func TestRecordsZoneFiles(t *testing.T) {
	t.Parallel()
	bind, nsd := need(t, "named-checkzone", "bind9-utils"), need(t, "nsd-checkzone", "nsd")
	s := prepare(t, "")
	s.write("vault.json", export(slices.Concat(vault, []string{"4728190365512870934-asr-pod01-id1.ne.siterecovery.windowsazure.com 10.20.0.20"})...))
	stdout, stderr, status := s.command("records -files vault.json -format zone -out zones")
	want := "zones/" + blobZone + ".zone: 6 records\nzones/" + queueZone + ".zone: 31 records\n" +
		"zones/privatelink.siterecovery.windowsazure.com.zone: 1 record\nzones/" + weZone + ".zone: 2 records\n"
	if status != 0 || stdout != want || stderr != "" {
		t.Fatalf("status %d, stdout\n%s\nstderr\n%s\nwant\n%s", status, stdout, stderr, want)
	}
	paths, err := filepath.Glob(filepath.Join(s.dir, "zones", "*"))
	if err != nil || len(paths) != 4 {
		t.Fatalf("files %q, %v; want 4", paths, err)
	}
	for _, path := range paths {
		zone := strings.TrimSuffix(filepath.Base(path), ".zone")
		for _, program := range []string{bind, nsd} {
			out, err := exec.Command(program, zone, path).CombinedOutput()
			if err != nil || strings.Contains(strings.ToLower(string(out)), "warning") {
				t.Errorf("%s %s: %v\n%s", program, zone, err, out)
			}
		}
		// BIND's dump has the addresses of the hosts format
		out, err := exec.Command(bind, "-q", "-D", "-o", "-", zone, path).CombinedOutput()
		got, want := addresses(string(out), 0, 4), addresses(stdoutOf(t, s, "records -files vault.json -format hosts -zone "+zone), 1, 0)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s -D %s: %v, %q; want %q", bind, zone, err, got, want)
		}
	}
}

// addresses returns the sorted pairs of name and address in text. The arguments name
// and address are the columns.
func addresses(text string, name, address int) (all []string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if _, err := netip.ParseAddr(f[min(address, len(f)-1)]); err == nil {
			all = append(all, strings.TrimSuffix(f[name], ".")+" "+f[address])
		}
	}
	slices.Sort(all)
	return all
}

func stdoutOf(t *testing.T, s *server, args string) string {
	t.Helper()
	stdout, stderr, status := s.command(args)
	if status != 0 {
		t.Fatalf("%s: status %d\n%s", args, status, stderr)
	}
	return stdout
}

// A server with the hosts format returns the same answers as the server with the export.
func TestRecordsHostsRoundTrip(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, corefile())
	second := prepare(t, strings.Replace(corefile(), "files {$DIR}/*.json", "hosts {$DIR}/all.hosts", 1))
	second.env["UPSTREAM"] = s.env["UPSTREAM"]
	second.write("all.hosts", stdoutOf(t, s, "records -conf Corefile -format hosts"))
	second.start()
	for _, line := range vault {
		name := strings.Fields(line)[0]
		second.remains(name, dig(t, s.addr(""), name).String())
	}
	second.write("vault.json", export(vault...))
	second.prints("records -hosts all.hosts -diff files:vault.json", 0, "")
	if again := stdoutOf(t, second, "records -hosts all.hosts -format hosts"); again != stdoutOf(t, s, "records -files vault.json -format hosts") {
		t.Errorf("hosts format of the hosts format\n%s", again)
	}
}

// records compares yesterday's export with a server that has today's. The server first
// refuses the transfer, and allows it with the configuration that the error suggests.
func TestRecordsOfServer(t *testing.T) {
	t.Parallel()
	const later = "9-fc1.privatelink.eus.backup.windowsazure.com"
	s := prepare(t, corefile())
	s.env["UPSTREAM"] = azure(t).Addr
	s.write("vault.json", export(fc1+" 10.20.0.4", blob+" 10.20.0.99", queue+" 10.20.0.6", later+" 10.20.0.7"))
	s.write("yesterday/vault.json", export(fc1+" 10.20.0.4", blob+" 10.20.0.5", account+" 10.20.0.8"))
	s.start()
	args := "records -files yesterday/vault.json -diff server:" + s.addr("")

	const diff = "- " + privateBlob + " 10.20.0.99\n+ " + privateBlob + " 10.20.0.5\n+ wepod01prot121x." + blobZone + " 10.20.0.8\n"
	stdout, stderr, status := s.command(args)
	if status != 1 || stdout != diff {
		t.Errorf("transfer refused: status %d\n%s\nwant 1\n%s", status, stdout, diff)
	}
	_, remedy, ok := strings.Cut(stderr, "put this into the server block that privatelink is in:\n\n")
	if !ok || !strings.Contains(stderr, s.addr("")+" does not transfer privatelink.blob.core.windows.net, ") {
		t.Fatalf("transfer refused: stderr\n%s\nwant a remedy", stderr)
	}
	s.stop(t)
	s.write("Corefile", corefile(strings.Split(remedy, "\n")...))
	s.start()
	args = "records -files yesterday/vault.json -diff server:" + s.addr("")
	s.prints(args, 1, diff+"- 9-fc1.privatelink.eus.backup.windowsazure.com 10.20.0.7\n- wepod01ecs114x.privatelink.queue.core.windows.net 10.20.0.6\n")

	// the transferred records are those of its Corefile
	s.prints("records -conf Corefile -diff server:"+s.addr(""), 0, "")
	s.prints("records -conf Corefile -server "+s.addr("")+" -format hosts", 0, stdoutOf(t, s, "records -conf Corefile -format hosts"))
}

// The commands read Azure, and the error for a missing permission names the remedy.
func TestRecordsLive(t *testing.T) {
	t.Parallel()
	s, arm := serveLive(t, live("state {$DIR}/state.json"), true, vaultEndpoint(fc1, blob, account))
	s.becomes(blob, blobServed)
	table := stdoutOf(t, s, "records -conf Corefile")
	for _, want := range []string{
		"privatelink.blob.core.windows.net: 2 records\n",
		"wepod01prot121x.privatelink.blob.core.windows.net  A     10.20.0.6  60   pe-vault-we (vault pe-vault-we)  " +
			"wepod01prot121x.blob.core.windows.net wepod01prot121x.z17.blob.storage.azure.net\n",
		"\nprivatelink.queue.core.windows.net: no records\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("records:\n%s\nwant\n%s", table, want)
		}
	}
	eventually(t, "a current state file", func() bool {
		stdout, _, status := s.command("records -conf Corefile -diff state:state.json")
		return status == 0 && stdout == ""
	})
	if stdout, _, status := s.command("validate -conf Corefile"); status != 0 || !strings.Contains(stdout, "not asked, -live does\nvalid\n") {
		t.Errorf("validate: status %d\n%s", status, stdout)
	}
	if stdout, _, status := s.command("validate -conf Corefile -live"); status != 0 || !strings.Contains(stdout, "3 names, fetched now\nvalid\n") {
		t.Errorf("validate -live: status %d\n%s", status, stdout)
	}

	arm.SetFaults(fakearm.Fault{Kind: fakearm.Forbidden, Path: "Microsoft.Network/"})
	const remedy = "grant Reader on subscription " + subscription
	// The server serves its last good records, which are in its state file.
	stdout, stderr, status := s.command("records -conf Corefile -format csv")
	restored := "(3 names of it are from the state file " + s.dir + "/state.json of "
	if status != 2 || strings.Count(stdout, "\n") != 4 || !strings.Contains(stderr, remedy) || !strings.Contains(stderr, restored) {
		t.Errorf("records, not allowed: status %d\n%s%s", status, stdout, stderr)
	}
	s.checks(1, "-conf Corefile -no-resolver", "3 names, from the state file "+s.dir+"/state.json of ",
		"21 of 21 answers as expected", "a source cannot be read: azure ", "grant Reader on subscription "+subscription)
	s.prints("records -conf Corefile -diff state:state.json", 2, "")
	if stdout, _, status := s.command("validate -conf Corefile -live"); status != 2 || !strings.Contains(stdout, remedy) {
		t.Errorf("validate -live, not allowed: status %d\n%s", status, stdout)
	}
}

// If the reader of the output closes the pipe, the command ends without an error
// message.
func TestRecordsOfPipeThatEnds(t *testing.T) {
	t.Parallel()
	s := prepare(t, "")
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "10.%d.%d.%d acct%d.blob.core.windows.net\n", i>>16, i>>8&255, i&255, i)
	}
	s.write("many.hosts", text.String())
	cmd := s.prepareCommand("records -hosts many.hosts -format hosts")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(pipe).ReadString('\n')
	if want := "10.0.0.0 acct0.privatelink.blob.core.windows.net acct0.blob.core.windows.net # many.hosts:1\n"; line != want || err != nil {
		t.Errorf("first line %q, %v; want %q", line, err, want)
	}
	pipe.Close()
	_ = cmd.Wait() // it may be SIGPIPE
	if stderr.Len() > 0 {
		t.Errorf("stderr %q; want none", stderr.String())
	}
}

// The help of each command has an example, and an unknown flag is reported.
func TestHelpOfRecordsAndValidate(t *testing.T) {
	t.Parallel()
	s := prepare(t, "")
	for _, name := range []string{"records", "validate"} {
		stdout, stderr, status := s.command(name + " -h")
		if status != 0 || stderr != "" || !strings.Contains(stdout, "\nExample:\n  privatelink-dns "+name) ||
			slices.ContainsFunc(strings.Split(stdout, "\n"), tooLong) {
			t.Errorf("%s -h: status %d\n%s%s", name, status, stdout, stderr)
		}
		stdout, stderr, status = s.command(name + " -xml")
		if status != 2 || stdout != "" || !strings.HasPrefix(stderr, "privatelink-dns "+name+": flag provided but not defined: -xml\n") {
			t.Errorf("%s -xml: status %d\n%s%s", name, status, stdout, stderr)
		}
	}
}

// tooLong reports whether a line of prose exceeds 80 columns. Indented lines describe
// flags and may be longer.
func tooLong(line string) bool { return len(line) > 80 && !strings.HasPrefix(line, " ") }
