package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A person types in a terminal and presses Tab. tmux is the terminal.
func TestCompletion(t *testing.T) {
	tmux := need(t, "tmux", "tmux")
	root := extract(t)
	share := filepath.Join(root, "usr/share")
	home := t.TempDir()
	rc := map[string]string{
		"bash": "PS1='> '; source " + share + "/bash-completion/completions/privatelink-dns",
		"zsh":  "PS1='> '; fpath=(" + share + "/zsh/vendor-completions $fpath); autoload -U compinit; compinit -u -D",
		"fish": "function fish_prompt; echo '> '; end; source " + share + "/fish/vendor_completions.d/privatelink-dns.fish",
	}
	start := map[string]string{"bash": "bash --norc --noprofile", "zsh": "zsh -f", "fish": "fish --no-config"}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		for _, tt := range []struct{ name, typed, want string }{
			{"a command", "privatelink-dns val", `privatelink-dns validate`},
			{"a flag", "privatelink-dns records -form", `privatelink-dns records -format`},
			{"a value", "privatelink-dns records -format zo", `privatelink-dns records -format zone`},
			{"an argument", "privatelink-dns completion fi", `privatelink-dns completion fish`},
			{"a flag for serving", "privatelink-dns -quicks", `privatelink-dns -quickstart`},
			{"a file", "privatelink-dns validate -conf " + root + "/etc/privatelink-dns/Core", `/Corefile`},
		} {
			t.Run(shell+"/"+tt.name, func(t *testing.T) {
				need(t, shell, shell)
				socket := filepath.Join(t.TempDir(), "tmux")
				run := func(args ...string) string {
					cmd := exec.Command(tmux, append([]string{"-S", socket, "-f", "/dev/null"}, args...)...)
					cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home,
						"LC_ALL=C.UTF-8", "TERM=screen", "PATH="+root+"/usr/bin:"+os.Getenv("PATH"))
					out, err := cmd.CombinedOutput()
					if err != nil {
						t.Fatalf("tmux %q: %v\n%s", args, err, out)
					}
					return string(out)
				}
				run("new-session", "-d", "-x", "200", "-y", "20", start[shell])
				defer run("kill-server")
				run("send-keys", "-l", rc[shell]+"; clear; echo re''ady")
				run("send-keys", "Enter")
				screen(t, run, `(?m)^ready`)
				run("send-keys", "-l", tt.typed)
				run("send-keys", "Tab")
				screen(t, run, tt.want)
			})
		}
	}
}

// screen waits until the terminal shows it. Long lines are joined.
func screen(t *testing.T, run func(...string) string, want string) {
	t.Helper()
	line := regexp.MustCompile(want)
	deadline := time.After(15 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got := run("capture-pane", "-p", "-J")
		if line.MatchString(got) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the terminal shows %s; want %s", strings.TrimSpace(got), want)
		case <-tick.C:
		}
	}
}
