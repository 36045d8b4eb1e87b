package version

import (
	"runtime/debug"
	"testing"
)

func TestComplete(t *testing.T) {
	vcs := func(pairs ...string) (all []debug.BuildSetting) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	const revision, at = "6df8622314e0e70c991aba936c0e202e22c18e70", "2026-11-26T13:28:49Z"
	for _, tt := range []struct {
		name    string
		stamped Info
		build   *debug.BuildInfo
		want    Info
	}{
		{"no build information", Info{}, nil, Info{}},
		{"the linker's stamps win", Info{"v1.2.3", "abc", "d", "c"}, build("v0.0.1", vcs("vcs.revision", revision, "vcs.time", at)), Info{"v1.2.3", "abc", "d", "c"}},
		{"go build in a clone", Info{}, build("v1.2.4-0.20261126132849-6df8622314e0", vcs("vcs.revision", revision, "vcs.time", at)), Info{"v1.2.4-0.20261126132849-6df8622314e0", revision, at, ""}},
		{"a clone with changes", Info{}, build("v1.2.3+dirty", vcs("vcs.revision", revision, "vcs.modified", "true")), Info{"v1.2.3+dirty", revision + ", modified", "", ""}},
		{"go install of a tag", Info{}, build("v1.2.3", nil), Info{"v1.2.3", "", "", ""}},
		{"go install of a commit", Info{}, build("v0.0.0-20261126132849-6df8622314e0", nil), Info{"v0.0.0-20261126132849-6df8622314e0", "6df8622314e0", at, ""}},
		{"go run", Info{}, build("(devel)", nil), Info{"(devel)", "", "", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.stamped.Complete(tt.build); got != tt.want {
				t.Errorf("Complete\n got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func build(version string, settings []debug.BuildSetting) *debug.BuildInfo {
	return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
}
