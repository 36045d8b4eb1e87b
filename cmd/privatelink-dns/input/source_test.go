package input

import (
	"testing"
	"time"
)

func TestAt(t *testing.T) {
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.Local)
	for _, tt := range []struct {
		before time.Duration
		want   string
	}{
		{0, "2026-03-20 12:00 (now)"},
		{59 * time.Second, "2026-03-20 11:59 (now)"},
		{time.Minute, "2026-03-20 11:59 (1 minute ago)"},
		{3 * time.Hour, "2026-03-20 09:00 (3 hours ago)"},
		{47 * time.Hour, "2026-03-18 13:00 (47 hours ago)"},
		{12*24*time.Hour + time.Hour, "2026-03-08 11:00 (12 days ago)"},
		{-time.Hour, "2026-03-20 13:00 (in the future)"},
	} {
		if got := at(now.Add(-tt.before), now); got != tt.want {
			t.Errorf("%s before: %s; want %s", tt.before, got, tt.want)
		}
	}
}

func TestSourceString(t *testing.T) {
	now := time.Now()
	yesterday := now.Add(-30 * time.Hour)
	day, fresh := at(yesterday, now), at(now, now)
	for _, tt := range []struct {
		name   string
		source Source
		want   string
	}{
		{"not asked", Source{}, "not asked, -live does"},
		{"no file", Source{Asked: true, Failed: true}, "no names; it cannot be read as a whole"},
		{"one file", Source{Asked: true, Names: 1, Oldest: &yesterday, Newest: &yesterday}, "1 name, of " + day},
		{"files of two days", Source{Asked: true, Names: 2, Oldest: &yesterday, Newest: &now}, "2 names, files of " + day + " to " + fresh},
		{"Azure", Source{Asked: true, Names: 2, Oldest: &now, Newest: &now, remote: true}, "2 names, fetched now"},
		{"the state file", Source{Asked: true, Names: 2, Restored: 2, State: "s", Saved: &yesterday, Failed: true}, "2 names, from the state file s of " + day + "; it cannot be read as a whole"},
		{"the state file in part", Source{Asked: true, Names: 2, Oldest: &now, Newest: &now, Restored: 1, State: "s", Saved: &yesterday, Failed: true},
			"2 names, of " + fresh + "; 1 of them from the state file s of " + day + "; it cannot be read as a whole"},
	} {
		if got := tt.source.String(); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}

func TestHint(t *testing.T) {
	week, sixDays := time.Now().Add(-7*24*time.Hour), time.Now().Add(-6*24*time.Hour)
	for _, tt := range []struct {
		name   string
		source Source
		want   bool
	}{
		{"a week old", Source{Oldest: &week}, true},
		{"six days old", Source{Oldest: &sixDays}, false},
		{"Azure", Source{Oldest: &week, remote: true}, false},
		{"records of the Corefile", Source{}, false},
	} {
		if got := tt.source.Hint() != ""; got != tt.want {
			t.Errorf("%s: hint %v; want %v", tt.name, got, tt.want)
		}
	}
}
