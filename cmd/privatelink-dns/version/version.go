// Package version identifies the build: from the linker's stamps, otherwise from the
// build information that Go itself adds.
package version

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

// Info identifies a build. The zero value is completed by [Info.Complete].
type Info struct {
	Version string // of the release, or a pseudo-version
	Commit  string
	Date    string // of the commit, in RFC 3339
	CoreDNS string
}

// pseudo is the end of a version that Go makes of a commit without a tag.
var pseudo = regexp.MustCompile(`[-.](\d{14})-([0-9a-f]{12})(\+[a-z]+)?$`)

// Complete returns i with the empty fields read from the build information, which
// may be nil. `go build` in a clone records the commit; `go install` of a commit
// records a pseudo-version, which has the commit and its date.
func (i Info) Complete(build *debug.BuildInfo) Info {
	if build == nil {
		return i
	}
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	if i.Commit == "" && settings["vcs.modified"] == "true" {
		settings["vcs.revision"] += ", modified"
	}
	i.Version = cmp.Or(i.Version, build.Main.Version)
	i.Commit = cmp.Or(i.Commit, settings["vcs.revision"])
	i.Date = cmp.Or(i.Date, settings["vcs.time"])
	if m := pseudo.FindStringSubmatch(i.Version); m != nil {
		i.Commit = cmp.Or(i.Commit, m[2])
		if at, err := time.Parse("20060102150405", m[1]); err == nil {
			i.Date = cmp.Or(i.Date, at.Format(time.RFC3339))
		}
	}
	return i
}

// Text returns the lines that are printed for people and scripts: a word and its value.
func (i Info) Text(program string) string {
	return fmt.Sprintf("%s %s\ncommit %s\ndate %s\nCoreDNS %s\nGo %s %s/%s\n", program, cmp.Or(i.Version, "(unknown version)"),
		cmp.Or(i.Commit, "unknown"), cmp.Or(i.Date, "unknown"), i.CoreDNS, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// Command returns the command version, which prints text.
func Command(text string) command.Command {
	return command.Command{
		Name:    "version",
		Summary: "print version, commit, date, CoreDNS version and Go version",
		Text: `Prints one line for each. The flag -version prints the same.
A build with go build or go install has what Go recorded of its commit.`,
		Example: "privatelink-dns version",
		Setup: func(*flag.FlagSet) command.Run {
			return func(_ context.Context, out command.Output) (int, error) {
				command.Fprintf(out.Stdout, "%s", command.Safe(text))
				return command.Done, nil
			}
		},
	}
}
