package journal

import (
	"fmt"
	"testing"
)

func TestJournal(t *testing.T) {
	for _, tc := range []struct {
		name        string
		batches     []int // events that are added together
		first, last int   // of the events that Events returns
	}{
		{"empty", nil, -1, -1},
		{"some", []int{1, 2}, 2, 0},
		{"as many as it keeps", []int{Size}, Size - 1, 0},
		{"one more", []int{Size, 1}, Size, 1},
		{"many in one batch", []int{1, 3 * Size}, 3 * Size, 2*Size + 1},
		{"many batches", []int{300, 300, 300}, 899, 400},
	} {
		var j Journal
		n := 0
		for _, size := range tc.batches {
			var batch []Event
			for range size {
				batch = append(batch, Event{Text: fmt.Sprint(n)})
				n++
			}
			j.Add(batch...)
		}
		all, total := j.Events()
		if len(all) == 0 && tc.first < 0 && total == 0 {
			continue
		}
		if len(all) != tc.first-tc.last+1 || all[0].Text != fmt.Sprint(tc.first) || all[len(all)-1].Text != fmt.Sprint(tc.last) || total != uint64(n) {
			t.Errorf("%s: %d events from %s to %s of %d; want %d to %d of %d", tc.name, len(all), all[0].Text, all[len(all)-1].Text, total, tc.first, tc.last, n)
		}
	}
}
