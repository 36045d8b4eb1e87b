package source

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A vanished file is a failure unless a user deleted it on purpose. If one file of
// several vanishes, and it has few names, its names are removed. If the last file of
// a pattern vanishes, or many names do, the names are kept: the cause may be a share
// that is not mounted, a renamed folder, or a script that deletes everything before it
// fails. The alternative was to accept every deletion and to rely on the guard of the
// syncer. It lost the names of small sources within seconds, and of large ones later.
const (
	// maxLost is the number of names that may be removed with files that vanish together.
	maxLost = 5

	// goneAfter is the time after which files that are gone are dropped. A file may
	// be replaced by delete and create, and a fetch may run while all files are
	// deleted or a share is mounted again.
	goneAfter = 5 * time.Second
)

// A batch has the files that vanished together.
type batch struct {
	last  time.Time // when its last file vanished
	names int       // lost with its files that are still gone
}

// remember adds the files in the Parts of an earlier process. Files that match no
// pattern are ignored, because the Corefile changed.
func (s *fileSet[T]) remember(parts map[string]int) {
	for key, names := range parts {
		s.remembered[key] = max(names, 0)
		for _, path := range sharers(key) {
			f := s.files[path]
			if in := s.matching(path); f == nil && slices.Contains(in, true) {
				f = s.add(path)
				f.in = in
			}
			if f != nil {
				f.remembered = true
				f.names += max(names, 0)
			}
		}
	}
}

// matching reports for each pattern whether it matches the path. Both are cleaned,
// because a pattern may have "./" or "//", and the paths of glob have not.
func (s *fileSet[T]) matching(path string) []bool {
	in := make([]bool, len(s.patterns))
	for i, p := range s.patterns {
		in[i], _ = filepath.Match(filepath.Clean(p.text), filepath.Clean(path))
	}
	return in
}

// follow puts vanished files into a batch, removes reappeared files from their batch,
// and reports whether there are any.
func (s *fileSet[T]) follow(now time.Time) (moved bool) {
	for _, f := range s.files {
		switch {
		case f.gone && f.batch == nil:
			if !s.together() {
				s.vanished = new(batch)
			}
			s.vanished.last = now
			f.batch, moved = s.vanished, true
		case !f.gone && f.batch != nil:
			f.batch, s.grown, moved = nil, now, true
		}
	}
	return moved
}

// together reports whether a file that vanished since the last fetch belongs to the
// last batch, because goneAfter had not passed or the files of the batch are kept.
func (s *fileSet[T]) together() bool {
	b := s.vanished
	return b != nil && (s.fetched.Sub(b.last) < goneAfter || b.names <= maxLost && s.fetched.Sub(s.grown) < goneAfter)
}

// gone returns the paths of the files that are gone and fulfil the condition.
func (s *fileSet[T]) gone(which func(*file[T]) bool) map[string]bool {
	paths := map[string]bool{}
	for path, f := range s.files {
		if f.gone && which(f) {
			paths[path] = true
		}
	}
	return paths
}

// weigh counts the names that are lost with the files that are gone.
func (s *fileSet[T]) weigh() {
	weighed := map[*batch]bool{}
	for _, f := range s.files {
		if b := f.batch; b != nil && !weighed[b] {
			weighed[b] = true
			b.names = s.lost(s.gone(func(f *file[T]) bool { return f.batch == b }))
		}
	}
	for i := range s.patterns {
		if p := &s.patterns[i]; p.known {
			p.kept = s.lost(s.gone(func(f *file[T]) bool { return f.in[i] }))
		}
	}
}

// lost returns the number of names that only these files have.
func (s *fileSet[T]) lost(paths map[string]bool) (n int) {
	_, rest := s.values(paths)
	if all, _ := s.values(nil); len(rest) < len(all) {
		names := namesOf(s.list.Entries)
		n = len(names) - len(intersection(names, namesOf(s.format.unite(rest).Entries)))
	}
	for key := range s.remembered {
		n += s.missed(key, paths)
	}
	return n
}

// missed returns how many names of a key of Parts this process lacks, if all files of the
// key that it has not read completely are among the paths, or paths is nil. The files that
// it has read may have lost the names that they shared.
func (s *fileSet[T]) missed(key string, paths map[string]bool) int {
	all := sharers(key)
	var read []string
	for _, path := range all {
		switch f := s.files[path]; {
		case f == nil, !f.remembered:
			return 0
		case f.good:
			read = append(read, path)
		case paths != nil && !paths[path]:
			return 0
		}
	}
	if len(read) == len(all) {
		return 0
	}
	names := s.remembered[key]
	for _, path := range read {
		names -= s.namesIn(path)
	}
	return max(names, 0)
}

// namesIn returns the number of names that a file has.
func (s *fileSet[T]) namesIn(path string) (n int) {
	for key, names := range s.counted {
		if slices.Contains(sharers(key), path) {
			n += names
		}
	}
	return n
}

// drop forgets the files that were deleted on purpose and reports whether there
// are any.
func (s *fileSet[T]) drop(now time.Time) bool {
	after := goneAfter
	for _, f := range s.files {
		if f.open && !f.gone { // it keeps names that it may have lost
			after = goneAfter + quietAfter
		}
	}
	deleted := s.gone(func(f *file[T]) bool {
		return !s.isLast(f) && f.batch.names <= maxLost && now.Sub(f.batch.last) >= after && now.Sub(s.grown) >= goneAfter
	})
	for path := range deleted {
		delete(s.files, path)
	}
	if len(deleted) > 0 {
		s.unshare(deleted)
	}
	return len(deleted) > 0
}

// unshare assigns the remembered names that deleted files shared to the files that
// shared them.
func (s *fileSet[T]) unshare(deleted map[string]bool) {
	rest := map[string]int{}
	for key, names := range s.remembered {
		paths := slices.DeleteFunc(sharers(key), func(path string) bool { return deleted[path] })
		if len(paths) > 0 {
			rest[strings.Join(paths, "\n")] += names
		}
	}
	s.remembered = rest
}

// isLast reports whether one of the patterns that match f matches no existing file.
func (s *fileSet[T]) isLast(f *file[T]) bool {
	for i, p := range s.patterns {
		if f.in[i] && !p.live {
			return true
		}
	}
	return false
}

// losses returns an error for each batch with too many names to drop.
func (s *fileSet[T]) losses() (errs []error) {
	paths := map[*batch][]string{}
	for path := range s.gone(func(f *file[T]) bool { return f.known() && f.batch.names > maxLost && !s.isLast(f) }) {
		b := s.files[path].batch
		paths[b] = append(paths[b], path)
	}
	for b, all := range paths {
		slices.Sort(all)
		errs = append(errs, s.filesGone(all, b.names))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

func (s *fileSet[T]) noMatch(p *pattern) error {
	return fmt.Errorf("%s: no longer matches a file, its last %s kept: restore its files; "+
		"if there are no endpoints, write %s into each, or remove the pattern from the Corefile", p.text, countNames(p.kept), s.format.none())
}

func (s *fileSet[T]) filesGone(paths []string, names int) error {
	if len(paths) == 1 {
		return fmt.Errorf("%s: the file is gone, the last %s kept: restore it; if it has no endpoints, write %s into it",
			paths[0], countNames(names), s.format.none())
	}
	shown := strings.Join(paths[:min(len(paths), 5)], ", ")
	if more := len(paths) - 5; more > 0 {
		shown += fmt.Sprintf(", %d more", more)
	}
	return fmt.Errorf("%s: the files are gone, their last %s kept: restore them; if they have no endpoints, write %s into each",
		shown, countNames(names), s.format.none())
}

func countNames(n int) string {
	if n == 1 {
		return "name is"
	}
	return fmt.Sprintf("%d names are", n)
}

func namesOf(entries []Entry) map[dnsname.Name]bool {
	names := make(map[dnsname.Name]bool, len(entries))
	for _, e := range entries {
		names[e.FQDN] = true
	}
	return names
}

func intersection(a, b map[dnsname.Name]bool) map[dnsname.Name]bool {
	both := maps.Clone(a)
	maps.DeleteFunc(both, func(name dnsname.Name, _ bool) bool { return !b[name] })
	return both
}
