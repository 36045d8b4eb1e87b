package privatelink

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/coredns/caddy"
)

// Each spelling of a path is one state file.
func TestStatePath(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, root, value, want string }{
		{"absolute", "/etc", "/d/state", "/d/state"},
		{"with a dot", "/etc", "/d/./state", "/d/state"},
		{"with two separators", "/etc", "/d//state", "/d/state"},
		{"with two dots", "/etc", "/d/e/../state", "/d/state"},
		{"relative to root", "/etc/", "./state", "/etc/state"},
		{"relative to a relative root", "etc", "state", filepath.Join(here, "etc/state")},
		{"relative without root", "", "d/../state", filepath.Join(here, "state")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg, err := parse(caddy.NewTestController("dns", "privatelink {\nfiles /a\nstate "+tc.value+"\n}"), tc.root)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := absolute(cfg.state); err != nil || got != tc.want {
				t.Errorf("state %s = %s, %v; want %s", tc.value, got, err, tc.want)
			}
		})
	}
}

// A state file must not be a file of a source of the same block.
func TestStateIsNotASource(t *testing.T) {
	const outside = ", which is not a source: write the state to another folder"
	for _, tc := range []struct{ name, root, properties, want string }{
		{"another folder", "", "files /d/*.json\nstate /e/state.json", ""},
		{"another form of name", "", "files /d/*.json\nhosts /d/*.hosts\nstate /d/state", ""},
		{"a folder below", "", "files /d/*.json\nstate /d/e/state.json", ""},
		{"files", "", "files /d/*.json\nstate /d/state.json", `Testfile:3 - Error during parsing: state: "/d/state.json": files /d/*.json matches /d/state.json` + outside},
		{"files below", "", "state /d/state.json\nfiles /a /d/*", `Testfile:2 - Error during parsing: state: "/d/state.json": files /d/* matches /d/state.json` + outside},
		{"hosts", "", "files /a\nhosts /d/*\nstate /d/state", `Testfile:4 - Error during parsing: state: "/d/state": hosts /d/* matches /d/state` + outside},
		{"the same path", "", "files /d/a.json\nstate /d/a.json", `Testfile:3 - Error during parsing: state: "/d/a.json": files /d/a.json matches /d/a.json` + outside},
		{"other spellings", "", "files /d//./*.json\nstate /d/e/../state.json", `Testfile:3 - Error during parsing: state: "/d/e/../state.json": files /d//./*.json matches /d/state.json` + outside},
		{"both relative to root", "/d", "files *.json\nstate state.json", `Testfile:3 - Error during parsing: state: "state.json": files *.json matches /d/state.json` + outside},
		{"one relative to root", "/d", "files *.json\nstate /d/state.json", `Testfile:3 - Error during parsing: state: "/d/state.json": files *.json matches /d/state.json` + outside},
		{"the temporary file", "", "files /d/*.tmp\nstate /d/state", `Testfile:3 - Error during parsing: state: "/d/state": files /d/*.tmp matches /d/state.tmp` + outside},
		{"no path", "", "files /a\nstate \"\"", `Testfile:3 - Error during parsing: state: the path of a file is expected`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parse(caddy.NewTestController("dns", "privatelink {\n"+tc.properties+"\n}"), tc.root)
			if got := text(err); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}

// Without root, both begin at the working directory, whose name may have wildcards.
func TestStateIsNotASourceOfTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	for pattern, want := range map[string]bool{"*.json": true, "./*": true, "x/*.json": false, "../*/*.json": true} {
		for _, folder := range []string{"", "a[b"} {
			if folder != "" {
				if err := os.MkdirAll(folder, 0o700); err != nil {
					t.Fatal(err)
				}
				t.Chdir(folder)
			}
			_, err := parse(caddy.NewTestController("dns", "privatelink {\nfiles "+pattern+"\nstate state.json\n}"), "")
			if (err != nil) != want {
				t.Errorf("files %s beside state.json: %v; want an error %t", pattern, err, want)
			}
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
