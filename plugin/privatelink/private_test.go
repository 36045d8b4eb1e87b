package privatelink

import "testing"

// A name of a zone, or of the public zones that belong to it, is private.
func TestPrivate(t *testing.T) {
	p := start(t, `privatelink privatelink.fall.test {
	record a.privatelink.fall.test 10.0.0.1
	record v.we.backup.windowsazure.com 10.0.0.6
}`, nil)
	for name, want := range map[string]bool{
		"a.privatelink.fall.test.": true, "other.privatelink.fall.test.": true, "A.Fall.Test.": true,
		"v.we.backup.windowsazure.com.": true, "www.example.": false, "test.": false, ".": false,
	} {
		if got := p.Private(name); got != want {
			t.Errorf("Private(%s) = %t; want %t", name, got, want)
		}
	}
}
