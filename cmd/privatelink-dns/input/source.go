package input

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/syncer"
)

// A Source is the summary of a source that the commands print: how many names it has,
// and how old they are.
type Source struct {
	Name  string `json:"source"`
	Asked bool   `json:"asked"`
	Names int    `json:"names"` // of records that it has; an earlier source may have them as well

	// Oldest and Newest are the times at which its files changed, or of the fetch.
	// Both are nil if nothing was read.
	Oldest *time.Time `json:"oldest,omitempty"`
	Newest *time.Time `json:"newest,omitempty"`

	Restored int        `json:"from_state,omitempty"` // names that are only in the state file
	State    string     `json:"state,omitempty"`      // path of the state file, if names are from there
	Saved    *time.Time `json:"saved,omitempty"`      // when it was written
	Failed   bool       `json:"failed,omitempty"`

	remote bool
}

// old is when a hint is due: Azure Backup adds names after the first backup.
const old = 7 * 24 * time.Hour

// describe returns the facts about a source that was fetched.
func (b *Block) describe(config source.Config, f *syncer.Fetched, saved time.Time) Source {
	s := Source{Name: f.Name, Asked: true, Names: b.count(f.List), Failed: f.Err != nil, remote: config.Remote}
	if s.Restored = b.countNames(f.Restored); s.Restored > 0 {
		s.State, s.Saved = b.State, &saved
	}
	if config.Remote {
		if now := time.Now(); f.Err == nil {
			s.add(now)
		}
		return s
	}
	if f.List == nil || s.Restored == s.Names && s.Restored > 0 { // nothing of it is from a file
		return s
	}
	for paths := range f.List.Parts {
		for path := range strings.SplitSeq(paths, "\n") {
			if info, err := os.Stat(path); err == nil { // one that vanished has no time
				s.add(info.ModTime())
			}
		}
	}
	if l, ok := b.stateOf(f.Name); ok {
		s.add(l.saved)
	}
	return s
}

// stateOf returns the source of an input that is a state file.
func (b *Block) stateOf(name string) (last, bool) {
	for _, src := range b.Block.Sources {
		if l, ok := src.(last); ok && l.name == name {
			return l, true
		}
	}
	return last{}, false
}

func (s *Source) add(at time.Time) {
	at = at.Truncate(time.Second)
	if s.Oldest == nil || at.Before(*s.Oldest) {
		s.Oldest = &at
	}
	if s.Newest == nil || at.After(*s.Newest) {
		s.Newest = &at
	}
}

// TimeOf returns when the data of an entry of a record was written, nil if that is
// not known, and whether it is from the state file.
func (b *Block) TimeOf(owner dnsname.Name, e source.Entry) (at *time.Time, restored bool) {
	i := b.Sourced[owner]
	if b.Preview.Sources[i].Restored[e.FQDN] {
		return b.Sources[i].Saved, true
	}
	return b.Sources[i].Oldest, false
}

// count returns the number of records that a list makes, alone.
func (b *Block) count(list *source.List) int {
	if list == nil {
		return 0
	}
	names := map[dnsname.Name]bool{}
	for _, e := range list.Entries {
		names[e.FQDN] = true
	}
	return b.countNames(names)
}

func (b *Block) countNames(names map[dnsname.Name]bool) int {
	owners := map[dnsname.Name]bool{}
	for name := range names {
		if owner, err := b.Snapshot.OwnerOf(name); err == nil {
			owners[owner.Name] = true
		}
	}
	return len(owners)
}

// String is the source on a line for people.
func (s Source) String() string {
	if !s.Asked {
		return "not asked, -live does"
	}
	text := command.Count(s.Names, "name")
	now := time.Now()
	switch {
	case s.remote && s.Oldest != nil:
		text += ", fetched now"
	case s.Oldest == nil:
	case s.Newest.Sub(*s.Oldest) >= 24*time.Hour:
		text += fmt.Sprintf(", files of %s to %s", at(*s.Oldest, now), at(*s.Newest, now))
	default:
		text += ", of " + at(*s.Oldest, now)
	}
	switch {
	case s.Restored == 0:
	case s.Restored == s.Names:
		text += fmt.Sprintf(", from the state file %s of %s", s.State, at(*s.Saved, now))
	default:
		text += fmt.Sprintf("; %d of them from the state file %s of %s", s.Restored, s.State, at(*s.Saved, now))
	}
	if s.Failed {
		text += "; it cannot be read as a whole"
	}
	return text
}

// restored is added to an error if the state file has names of the source.
func (s *Source) restored() string {
	if s.Restored == 0 {
		return ""
	}
	verb := "are"
	if s.Restored == 1 {
		verb = "is"
	}
	return fmt.Sprintf(" (%s of it %s from the state file %s of %s)", command.Count(s.Restored, "name"), verb, s.State, at(*s.Saved, time.Now()))
}

// Hint returns advice about old files, or "".
func (s *Source) Hint() string {
	now := time.Now()
	if s.remote || s.Oldest == nil || now.Sub(*s.Oldest) < old {
		return ""
	}
	return fmt.Sprintf("its oldest data is of %s: Azure Backup adds names after the first backup, export again and compare", at(*s.Oldest, now))
}

// At is a time with its age, for people.
func At(t time.Time) string { return at(t, time.Now()) }

// at is a time with its age.
func at(t, now time.Time) string {
	return fmt.Sprintf("%s (%s)", t.Format("2006-01-02 15:04"), age(now.Sub(t)))
}

func age(d time.Duration) string {
	switch {
	case d < -time.Minute:
		return "in the future"
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return command.Count(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return command.Count(int(d.Hours()), "hour") + " ago"
	}
	return command.Count(int(d.Hours()/24), "day") + " ago"
}
