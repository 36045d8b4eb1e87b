package printable

import "testing"

func TestText(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"a terminal's cursor", "pe\x1b[2J\r\npé 1", "pe\uFFFD[2J\uFFFD\uFFFDpé 1"},
		{"the direction of a line", "pe\u202Egpj.\u2066x", "pe\uFFFDgpj.\uFFFDx"},
		{"letters of other scripts", "Größe 東京 רשת", "Größe 東京 רשת"},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
	} {
		if got := Text(tc.in); got != tc.want {
			t.Errorf("%s: Text(%q) = %q; want %q", tc.name, tc.in, got, tc.want)
		}
	}
}
