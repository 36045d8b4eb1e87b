package spelling

import "testing"

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"check", "check", 0},
		{"", "check", 5},
		{"chek", "check", 1},
		{"check", "chek", 1},
		{"chexk", "check", 1},
		{"hceck", "check", 2},
		{"records", "forwarders", 7},
	} {
		if got := Distance(tt.a, tt.b); got != tt.want {
			t.Errorf("Distance(%q, %q) = %d; want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
