package fastpath_test

import (
	"runtime"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/fastpath"
)

func TestObstacleOfCorefile(t *testing.T) {
	corefile := input(".:0 {\nfastpath\nlru\n}\nexample.org:0 {\nlru\n}\nexample.com:0 {\nfastpath\nlog\nlru\n}")
	on := ""
	if runtime.GOOS != "linux" {
		on = "it is available on Linux only"
	}
	for i, want := range []string{
		on, "fastpath is not in the server block", "plugin log is in the server block", "the server block is not in the Corefile any more",
	} {
		if on != "" && i == 2 {
			want = on
		}
		got := ""
		if err := fastpath.Obstacle(corefile, i); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("block %d: %q; want %q", i, got, want)
		}
	}
}
