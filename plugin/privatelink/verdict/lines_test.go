package verdict

import (
	"testing"
	"time"
)

// Blocks that agree are one finding, although they published the name one after the
// other.
func TestDistinct(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	finding := func(block string, kind Kind, after time.Duration) Finding {
		return Finding{Block: block, Verdict: Verdict{Name: "a.", Kind: kind, Since: at.Add(after)}}
	}
	found := []Finding{
		finding("1", Served, time.Second), finding("2", Served, 0),
		finding("3", Removed, time.Hour), finding("4", Served, time.Minute),
	}
	got := Distinct(found)
	if len(got) != 2 || got[0].Since != at || got[1].Kind != Removed || got[1].Since != at.Add(time.Hour) || found[0].Since == at {
		t.Errorf("Distinct = %+v", got)
	}
}
