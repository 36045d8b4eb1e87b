package arena

import (
	"fmt"
	"strings"
	"testing"
)

// A text that was kept stays as it is, whatever is kept after it.
func TestKeep(t *testing.T) {
	var texts Texts
	var all, want []string
	for i := range 5000 {
		text := strings.Repeat(fmt.Sprint(i), i%40)
		if i == 2500 {
			text = strings.Repeat("x", 2*mostOctets)
		}
		want = append(want, text)
		all = append(all, texts.Keep(text))
	}
	for i, text := range all {
		if text != want[i] {
			t.Fatalf("text %d = %.80q; want %.80q", i, text, want[i])
		}
	}
}

func TestKeepAllocatesRarely(t *testing.T) {
	var texts Texts
	if n := testing.AllocsPerRun(10000, func() { texts.Keep("account.blob.core.windows.net.") }); n != 0 {
		t.Errorf("Keep makes %v allocations; want less than 1", n)
	}
}
