package why

import (
	"testing"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/verdict"
)

// Blocks that agree are one finding, although they published the name one after the
// other.
func TestAligned(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	finding := func(block string, kind verdict.Kind, after time.Duration) verdict.Finding {
		return verdict.Finding{Block: block, Verdict: verdict.Verdict{Name: "a.", Kind: kind, Since: at.Add(after)}}
	}
	found := []verdict.Finding{
		finding("1", verdict.Served, time.Second), finding("2", verdict.Served, 0),
		finding("3", verdict.Removed, time.Hour), finding("4", verdict.Served, time.Minute),
	}
	got := distinct(aligned(found))
	if len(got) != 2 || got[0].Since != at || got[1].Kind != verdict.Removed || got[1].Since != at.Add(time.Hour) || found[0].Since == at {
		t.Errorf("distinct(aligned) = %+v", got)
	}
}
