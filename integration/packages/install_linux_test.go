package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	sampleName = "4728190365512870934-ab-pod01-rec2.privatelink.we.backup.windowsazure.com"
	ask        = "dig +short +tries=1 +time=2 @127.0.0.1 " + sampleName
	inPackage  = "dpkg -L privatelink-dns | xargs -n 1 sh -c 'test -d $0 || echo $0'"
	pid        = "systemctl show --value -p MainPID privatelink-dns"
)

// folder returns a folder with the package, a newer one whose Corefile has one more
// line, and exports.
func folder(t testing.TB) string {
	t.Helper()
	need(t, "dpkg-deb", "dpkg")
	dir := t.TempDir()
	deb := find(t, "*_amd64.deb")
	content := filepath.Join(t.TempDir(), "newer")
	script := `set -eu
		cp "$1" "$3/old.deb"
		cp ../../corefile/quickstart.json "$3/endpoints.json"
		dpkg-deb -R "$1" "$2"
		sed -i 's/^Version: .*/Version: 99.0-1/' "$2/DEBIAN/control"
		echo '# newer' >>"$2/etc/privatelink-dns/Corefile"
		dpkg-deb -b --root-owner-group -Znone "$2" "$3/new.deb"
		chmod -R a+rX "$3"`
	if out, err := exec.Command("sh", "-c", script, "sh", deb, content, dir).CombinedOutput(); err != nil {
		t.Fatalf("make a newer package: %v\n%s", err, out)
	}
	return dir
}

// From the installation to the purge.
func TestLife(t *testing.T) {
	m := boot(t, folder(t))
	m.has("dpkg -i /srv/old.deb && systemctl is-enabled privatelink-dns && systemctl is-active privatelink-dns", `enabled\nactive\n$`)
	m.run("install -m 640 -g privatelink-dns /srv/endpoints.json /etc/privatelink-dns/")
	m.eventually(ask, `^10\.20\.0\.7\n$`)
	m.has("stat -c '%U %a' /var/lib/privatelink-dns /proc/$("+pid+")", `^privatelink-dns 700\nprivatelink-dns `)
	m.has("stat -c '%U %a' /etc/privatelink-dns/environment", `^root 600\n$`)
	m.has("systemctl reload privatelink-dns && echo reloaded", `reloaded`)

	m.run("echo '# edited' >> /etc/privatelink-dns/Corefile")
	before := m.run(pid)
	m.has("dpkg --force-confold -i /srv/new.deb && tail -1 /etc/privatelink-dns/Corefile", `# edited\n$`)
	m.eventually(ask, `^10\.20\.0\.7\n$`)
	if after := m.run(pid); after == before || after == "0\n" {
		t.Errorf("the process is %s after the upgrade and %s before; want another", after, before)
	}

	m.has("dpkg -r privatelink-dns; systemctl is-active privatelink-dns; ls /usr/bin/privatelink-dns", `inactive\nls: cannot access`)
	m.has("tail -1 /etc/privatelink-dns/Corefile && getent passwd privatelink-dns", `# edited\nprivatelink-dns:`)
	m.has("dpkg --force-confold -i /srv/new.deb && systemctl is-active privatelink-dns", `\nactive\n$`)

	m.has("dpkg -P privatelink-dns && echo purged", `purged\n$`)
	m.has("getent passwd privatelink-dns; getent group privatelink-dns; systemctl is-active privatelink-dns", `^inactive\n$`)
	m.has("find / -xdev -name '*privatelink-dns*' -not -path '/old*' -not -path '/proc/*' -not -path '/sys/*'; find /run /var/lib -name '*privatelink*'", `^$`)
}

// An upgrade replaces a Corefile that nobody has edited.
func TestUntouchedCorefile(t *testing.T) {
	m := boot(t, folder(t))
	m.run("dpkg -i /srv/old.deb")
	before := m.run(pid)
	m.has("dpkg -i /srv/new.deb && tail -1 /etc/privatelink-dns/Corefile && systemctl is-active privatelink-dns", `# newer\nactive\n$`)
	if after := m.run(pid); after == before {
		t.Errorf("the process is %s as before the upgrade; want another", after)
	}
}

// A machine had the unit of an earlier version, with a user that systemd made for each
// start. Its state is kept.
func TestDynamicUserBefore(t *testing.T) {
	m := boot(t, folder(t))
	m.run("mkdir -p -m 700 /var/lib/private/privatelink-dns; echo '{}' > /var/lib/private/privatelink-dns/kept; " +
		"chown -R 61234:61234 /var/lib/private/privatelink-dns; ln -s private/privatelink-dns /var/lib/privatelink-dns")
	m.has("dpkg -i /srv/old.deb; systemctl is-active privatelink-dns", `\nactive\n$`)
	m.has("stat -c '%F %U' /var/lib/privatelink-dns /var/lib/privatelink-dns/kept", `^directory privatelink-dns\nregular file privatelink-dns\n$`)
}

// An upgrade that does not accept the Corefile leaves the old process in service.
func TestRejectedCorefile(t *testing.T) {
	m := boot(t, folder(t))
	m.run("dpkg -i /srv/old.deb; cp /srv/endpoints.json /etc/privatelink-dns/; chmod 644 /etc/privatelink-dns/*.json")
	m.eventually(ask, `^10\.20\.0\.7\n$`)
	before := m.run(pid)
	m.has("echo '. { nope }' > /etc/privatelink-dns/Corefile; dpkg --force-confold -i /srv/new.deb",
		`privatelink-dns: not restarted, the old version continues to run, because the new one rejects /etc/privatelink-dns/Corefile:\nerror: .*nope`)
	m.has("dpkg -s privatelink-dns", `Status: install ok installed\n`)
	if after := m.run(pid); after != before {
		t.Errorf("the process is %s after the upgrade; want %s as before", after, before)
	}
	m.has(ask, `^10\.20\.0\.7\n$`)
}

// A DNS server that has port 53 keeps it, and the output names it. With `bind`, both run.
func TestPortInUse(t *testing.T) {
	const bind = "sed -i 's/^    # bind 10.10.0.4/    bind 10.10.0.4/' /etc/privatelink-dns/Corefile; " +
		"systemctl enable --now privatelink-dns; systemctl is-active privatelink-dns"
	const configureBIND = `printf 'options { directory "/var/cache/bind"; listen-on { 127.0.0.1; }; ` +
		`listen-on-v6 { ::1; }; recursion no; };\n' > /etc/bind/named.conf`
	for _, tt := range []struct{ name, unit, process, address, prepare string }{
		{"systemd-resolved", "systemd-resolved", "systemd-resolve", "127.0.0.53", "true"},
		{"BIND", "named", "named", "127.0.0.1", configureBIND},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := boot(t, folder(t))
			works := "dig +tries=1 +time=2 @" + tt.address + " localhost | grep -E 'status: (NOERROR|REFUSED)'"
			m.run(tt.prepare + "; systemctl start " + tt.unit)
			m.eventually(works, `status`)
			before := m.run("systemctl show --value -p MainPID " + tt.unit)
			m.has("dpkg -i /srv/old.deb; echo status $?",
				`(?s)privatelink-dns: port 53 is in use by `+tt.process+` \(process \d+\) *\n.*enable --now privatelink-dns\nstatus 0\n$`)
			m.has("systemctl is-active privatelink-dns; systemctl is-enabled privatelink-dns", `^inactive\ndisabled\n$`)
			m.has(works, `status`)
			m.has(bind, `\nactive\n$`)
			m.has("dig +tries=1 +time=2 @10.10.0.4 x.privatelink.blob.core.windows.net | grep status", `status: SERVFAIL`) // no source has been read
			m.has(works, `status`)
			m.has("dpkg -i /srv/new.deb </dev/null; systemctl is-active privatelink-dns", `active`)
			if after := m.run("systemctl show --value -p MainPID " + tt.unit); after != before {
				t.Errorf("%s is process %s; want %s as before", tt.unit, after, before)
			}
		})
	}
}

// systemd accepts the unit of the package, and rates its exposure.
func TestUnitOfThePackage(t *testing.T) {
	m := boot(t, folder(t))
	m.run("dpkg -i /srv/old.deb")
	m.has("systemd-analyze verify --man=no privatelink-dns.service; echo status $?", `^status 0\n$`)
	m.has("systemd-analyze security --no-pager --threshold=15 privatelink-dns.service >/dev/null; echo status $?", `^status 0\n$`)
	m.has(inPackage, `/usr/lib/systemd/system/privatelink-dns.service\n`)
	m.has("privatelink-dns version", `^privatelink-dns .+\ncommit (unknown|[0-9a-f]{12})\ndate (unknown|20\S+Z)\n`)
}

// The files of the .rpm for both architectures are those of the .deb, but for the places
// that the distributions have for completion and licenses.
func TestSameFiles(t *testing.T) {
	rpm := need(t, "rpm", "rpm")
	list := func(program string, args ...string) map[string]bool {
		out, err := exec.Command(program, args...).Output()
		if err != nil {
			t.Fatalf("%s %q: %v", program, args, err)
		}
		files := map[string]bool{}
		for _, line := range strings.Split(string(out), "\n") {
			path := strings.TrimPrefix(line[strings.LastIndex(line, " ")+1:], ".")
			if path != "" && !strings.HasSuffix(path, "/") && !strings.Contains(path, "zsh") {
				files[path] = true
			}
		}
		return files
	}
	only := map[string]bool{
		"/usr/share/doc/privatelink-dns/changelog.Debian.gz": true, "/usr/share/doc/privatelink-dns/copyright": true,
		"/usr/share/lintian/overrides/privatelink-dns": true,
	}
	deb := list("dpkg-deb", "-c", find(t, "*_amd64.deb"))
	for _, pattern := range []string{"*.x86_64.rpm", "*.aarch64.rpm"} {
		files := list(rpm, "-qlp", "--nosignature", find(t, pattern))
		for path := range deb {
			if !files[path] && !only[path] {
				t.Errorf("%s lacks %s", pattern, path)
			}
		}
	}
	if len(deb) < 20 {
		t.Errorf("%d files in the .deb; want 20 or more", len(deb))
	}
}

// The scripts of the .rpm work under systemd. Its dependencies have other names in Debian.
func TestRPM(t *testing.T) {
	dir := folder(t)
	if err := os.Link(find(t, "*.x86_64.rpm"), filepath.Join(dir, "new.rpm")); err != nil {
		t.Skipf("no second name for the package: %v", err)
	}
	m := boot(t, dir)
	m.has("rpm -i --nodeps /srv/new.rpm; echo status $?; getent passwd privatelink-dns", `status 0\nprivatelink-dns:`)
	m.has("rpm -qc privatelink-dns", `^/etc/privatelink-dns/Corefile\n/etc/privatelink-dns/environment\n$`)
	m.run("cp /srv/endpoints.json /etc/privatelink-dns/; chmod 644 /etc/privatelink-dns/*.json")
	m.has("systemctl enable --now privatelink-dns; systemctl is-active privatelink-dns", `(^|\n)active\n$`)
	m.eventually(ask, `^10\.20\.0\.7\n$`)
	m.run("echo '# edited' >> /etc/privatelink-dns/Corefile")
	before := m.run(pid)
	m.has("rpm -U --force --nodeps /srv/new.rpm; tail -1 /etc/privatelink-dns/Corefile; systemctl is-active privatelink-dns", `# edited\nactive\n$`)
	if after := m.run(pid); after == before {
		t.Errorf("the process is %s as before the upgrade; want another", after)
	}
	m.has("rpm -e privatelink-dns; systemctl is-active privatelink-dns; ls /usr/bin/privatelink-dns", `inactive\nls: cannot access`)
	m.has("tail -1 /etc/privatelink-dns/Corefile.rpmsave", `# edited`)
}

// extract unpacks the .deb without installing it.
func extract(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command(need(t, "dpkg-deb", "dpkg"), "-x", find(t, "*_amd64.deb"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // G302: man runs as another user
		t.Fatal(err)
	}
	return dir
}
