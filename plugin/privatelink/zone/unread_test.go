package zone

import "testing"

// A snapshot that passes unread names holds back what has no other address: names of strict zones
// and of Backup storage accounts, and what a wildcard decides.
func TestLookupUnread(t *testing.T) {
	set := newSet()
	b := NewBuilder(set, nil)
	add(t, b, set, "a.blob.core.windows.net.", "10.0.0.1")
	add(t, b, set, "*.w.blob.core.windows.net.", "10.0.0.2")
	s := b.Snapshot(false, at(1))
	s.PassUnread = true
	for _, tc := range []struct {
		name string
		want Result
	}{
		{"a.privatelink.blob.core.windows.net.", Success},
		{"a.blob.core.windows.net.", Alias},
		{"x.privatelink.blob.core.windows.net.", OutOfZone},
		{"x.blob.core.windows.net.", OutOfZone},
		{"x.z7.blob.storage.azure.net.", OutOfZone},
		{"x.privatelink.queue.core.windows.net.", OutOfZone},
		{"podcasts.blob.core.windows.net.", OutOfZone},
		{"tripod.blob.core.windows.net.", OutOfZone},
		{"x.w.blob.core.windows.net.", NotReady},
		{"x.w.privatelink.blob.core.windows.net.", NotReady},
		{"abcdeypod01ecs114.blob.core.windows.net.", NotReady},
		{"abcdeypod01ecs114.privatelink.blob.core.windows.net.", NotReady},
		{"abcdeypod01ecs114.privatelink.queue.core.windows.net.", NotReady},
		{"abcdeypod01ecs114.z7.blob.storage.azure.net.", NotReady},
		{"wepod01prot121.queue.core.windows.net.", NotReady},
		{"podeuspod2x1.blob.core.windows.net.", NotReady},
		{"1.privatelink.we.backup.windowsazure.com.", NotReady},
		{"1.we.backup.windowsazure.com.", NotReady},
		{"www.example.", OutOfZone},
	} {
		if got := s.Lookup(tc.name).Result; got != tc.want {
			t.Errorf("Lookup(%q) = %d; want %d", tc.name, got, tc.want)
		}
	}
	all := *set
	all.AllStrict = true
	strict := NewBuilder(&all, nil).Snapshot(false, at(1))
	strict.PassUnread = true
	if got := strict.Lookup("x.blob.core.windows.net.").Result; got != NotReady {
		t.Errorf("Lookup in a strict zone = %d; want not ready", got)
	}
	if n := testing.AllocsPerRun(100, func() { s.Lookup("abcdeypod01ecs114.blob.core.windows.net.") }); n > 0 {
		t.Errorf("Lookup allocates %g times", n)
	}
}
