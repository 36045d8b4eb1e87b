package client

import (
	"slices"
	"testing"
)

func TestAddress(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"10.10.0.4", "10.10.0.4:53"},
		{"127.0.0.1:1053", "127.0.0.1:1053"},
		{"fd00::4", "[fd00::4]:53"},
		{"[fd00::4]", "[fd00::4]:53"},
		{"[fd00::4]:54", "[fd00::4]:54"},
		{"dns.corp.example", "dns.corp.example:53"},
		{"localhost:53", "localhost:53"},
		{"", ""},
		{"10.10.0.4,10.10.0.5", ""},
		{"10.10.0.4;10.10.0.5", ""},
		{"10.10.0", ""},
		{"10.10.0.256", ""},
		{"10.10.0.4:dns", ""},
		{"10.10.0.4:0", ""},
		{"10.10.0.4:65536", ""},
		{"tls://10.10.0.4", ""},
		{"dns\u212A.example", ""},
		{":53", ""},
	} {
		if got, _ := Address(tt.text); got != tt.want {
			t.Errorf("Address(%q) = %q; want %q", tt.text, got, tt.want)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"10.10.0.4", []string{"10.10.0.4"}},
		{"10.10.0.4,10.10.0.5", []string{"10.10.0.4", "10.10.0.5"}},
		{"10.10.0.4, [fd00::4]:54,", []string{"10.10.0.4", "[fd00::4]:54"}},
		{"", []string{""}},
		{",", []string{","}},
	} {
		if got := Split(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("Split(%q) = %q; want %q", tt.text, got, tt.want)
		}
	}
}
