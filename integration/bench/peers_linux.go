package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const zone = "privatelink.blob.core.windows.net."

// A peer is a server in one configuration.
type peer struct {
	name      string
	workloads string // of W1 to W5
	program   string // must be installed
	debian    string // the package
	build     string // the Go package to build instead
	args      func(dir string) []string
	files     map[string]func(w *world) string
}

// world is what all peers serve.
type world struct {
	dir      string
	names    int
	port     int
	upstream netip.AddrPort
}

func (w *world) account(i int) string { return fmt.Sprintf("acct%07d", i) }

func address(i int) string { return fmt.Sprintf("10.%d.%d.%d", 20+i>>16, i>>8&255, i&255) }

func (w *world) hosts() string {
	var all strings.Builder
	for i := range w.names {
		fmt.Fprintf(&all, "%s %s.blob.core.windows.net\n", address(i), w.account(i))
	}
	return all.String()
}

func (w *world) zoneFile() string {
	var all strings.Builder
	fmt.Fprintf(&all, "$ORIGIN %s\n$TTL 60\n@ 10 SOA ns.invalid. nobody.invalid. 1 60 30 2419200 10\n@ NS ns.invalid.\n", zone)
	for i := range w.names {
		fmt.Fprintf(&all, "%s A %s\n", w.account(i), address(i))
	}
	return all.String()
}

func (w *world) localData() string {
	var all strings.Builder
	fmt.Fprintf(&all, "server:\nlocal-zone: \"%[1]s\" static\nlocal-data: \"%[1]s 10 SOA ns.invalid. nobody.invalid. 1 60 30 2419200 10\"\n", zone)
	for i := range w.names {
		fmt.Fprintf(&all, "local-data: \"%s.%s 60 A %s\"\n", w.account(i), zone, address(i))
	}
	return all.String()
}

// The default Corefile, with addresses and files of the test.
const corefile = `.:%[2]d {
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:%[3]d
    bufsize 1232
    cookies
%[5]s
    acl {
        allow net 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 127.0.0.0/8 fc00::/7 fe80::/10 ::1/128
        block
    }
    local
    any
    privatelink {
        hosts %[1]s/accounts.hosts
        strict privatelink.blob.core.windows.net
    }
    lru 65536
    upstream . %[4]s {
        max_concurrent 200
    }
}
`

const stockCorefile = `.:%[2]d {
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:%[3]d
    bufsize 1232
    acl {
        allow net 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 127.0.0.0/8 fc00::/7 fe80::/10 ::1/128
        block
    }
    local
    any
    cache
    file %[1]s/zone privatelink.blob.core.windows.net
    forward . %[4]s {
        max_concurrent 1000
    }
}
`

func ownCorefile(extra string) func(*world) string {
	return func(w *world) string {
		return fmt.Sprintf(corefile, w.dir, w.port, w.port+1, w.upstream, extra)
	}
}

func conf(program string) func(string) []string {
	return func(dir string) []string { return []string{"-conf", filepath.Join(dir, program)} }
}

var peers = []peer{
	{
		name: "privatelink-dns", workloads: "W1 W2 W3 W4 W5 paced connections", build: "./cmd/privatelink-dns", args: conf("Corefile"),
		files: map[string]func(*world) string{"Corefile": ownCorefile("    fastpath"), "accounts.hosts": (*world).hosts},
	},
	{
		name: "privatelink-dns without fastpath", workloads: "W1 W2 W3 W4 W5 paced connections", build: "./cmd/privatelink-dns", args: conf("Corefile"),
		files: map[string]func(*world) string{"Corefile": ownCorefile(""), "accounts.hosts": (*world).hosts},
	},
	{
		name: "CoreDNS (file, cache)", workloads: "W1 W2 W3 W4 paced", build: "./integration/bench/stock", args: conf("Corefile"),
		files: map[string]func(*world) string{"zone": (*world).zoneFile, "Corefile": func(w *world) string {
			return fmt.Sprintf(stockCorefile, w.dir, w.port, w.port+1, w.upstream)
		}},
	},
	{
		name: "NSD", workloads: "W1 W2 paced", program: "nsd", debian: "nsd",
		args: func(dir string) []string { return []string{"-d", "-c", filepath.Join(dir, "nsd.conf")} },
		files: map[string]func(*world) string{"zone": (*world).zoneFile, "nsd.conf": func(w *world) string {
			return fmt.Sprintf(`server:
  ip-address: 127.0.0.1@%[2]d
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "%[1]s"
  pidfile: "%[1]s/nsd.pid"
  xfrdfile: "%[1]s/xfrd.state"
  zonelistfile: "%[1]s/zone.list"
  xfrdir: "%[1]s"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: %[3]s
  zonefile: zone
`, w.dir, w.port, zone)
		}},
	},
	{
		name: "Knot DNS", workloads: "W1 W2 paced", program: "knotd", debian: "knot",
		args: func(dir string) []string { return []string{"-c", filepath.Join(dir, "knot.conf")} },
		files: map[string]func(*world) string{"zone": (*world).zoneFile, "knot.conf": func(w *world) string {
			return fmt.Sprintf(`server:
    rundir: %[1]s
    listen: 127.0.0.1@%[2]d
    udp-workers: 2
database:
    storage: %[1]s
zone:
  - domain: %[3]s
    file: %[1]s/zone
    zonefile-sync: -1
`, w.dir, w.port, zone)
		}},
	},
	{
		name: "Unbound", workloads: "W1 W2 W3 W4 W5 paced", program: "unbound", debian: "unbound",
		args: func(dir string) []string { return []string{"-d", "-c", filepath.Join(dir, "unbound.conf")} },
		files: map[string]func(*world) string{"local.conf": (*world).localData, "unbound.conf": func(w *world) string {
			return unboundConf(w, "")
		}},
	},
}

func unboundConf(w *world, extra string) string {
	return fmt.Sprintf(`server:
  interface: 127.0.0.1@%[2]d
  num-threads: 2
  so-reuseport: yes
  username: ""
  chroot: ""
  directory: "%[1]s"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  do-not-query-localhost: no
  msg-cache-size: 64m
  rrset-cache-size: 64m
  access-control: 127.0.0.0/8 allow
  %[5]s
include: "%[1]s/local.conf"
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: %[3]s@%[4]d
`, w.dir, w.port, w.upstream.Addr(), w.upstream.Port(), extra)
}

// The caches alone, in blocks without other plugins.
const bareCorefile = `.:%d {
    bind 127.0.0.1
    %s
    forward . %s {
        max_concurrent 1000
    }
}
`

func init() {
	for _, p := range []struct{ name, build, cache string }{
		{"lru, in a block with forward only, without fastpath", "./cmd/privatelink-dns", "lru 65536"},
		{"stock cache, in a block with forward only", "./integration/bench/stock", "cache"},
	} {
		peers = append(peers, peer{
			name: p.name, workloads: "W3", build: p.build, args: conf("Corefile"),
			files: map[string]func(*world) string{"Corefile": func(w *world) string {
				return fmt.Sprintf(bareCorefile, w.port, p.cache, w.upstream)
			}},
		})
	}
}

// prepare returns the path of the peer's program, which it builds or installs.
func (p *peer) prepare(dir string) (string, error) {
	if p.build != "" {
		path := filepath.Join(dir, filepath.Base(p.build))
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, p.build) //nolint:gosec // G204: of the list above
		cmd.Stderr = os.Stderr
		return path, cmd.Run()
	}
	path, err := exec.LookPath(p.program)
	if err != nil && os.Getenv("INTEGRATION_INSTALL") == "1" && os.Geteuid() == 0 {
		cmd := exec.Command("apt-get", "install", "-y", "--no-install-recommends", p.debian) //nolint:gosec // G204: of the list above
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if err = cmd.Run(); err == nil {
			path, err = exec.LookPath(p.program)
		}
	}
	if err != nil {
		return "", fmt.Errorf("%s is not installed (Debian package %s): %w", p.program, p.debian, err)
	}
	return path, nil
}
