package client

import "testing"

func TestAddress(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"10.10.0.4", "10.10.0.4:53"},
		{"127.0.0.1:1053", "127.0.0.1:1053"},
		{"fd00::4", "[fd00::4]:53"},
		{"[fd00::4]", "[fd00::4]:53"},
		{"[fd00::4]:54", "[fd00::4]:54"},
		{"dns.corp.example", "dns.corp.example:53"},
		{"", ""},
		{":53", ""},
	} {
		if got, _ := Address(tt.text); got != tt.want {
			t.Errorf("Address(%q) = %q; want %q", tt.text, got, tt.want)
		}
	}
}
