package integration

import (
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The matrix has what real software made of us: a table for each role, a row
// for each peer, a column for each case. README.md of this folder shows it.
// Every run compares its results with that table; with
// INTEGRATION_MATRIX=write it writes it there.
var matrix = struct {
	sync.Mutex
	seen map[cell]string
}{seen: map[cell]string{}}

type cell struct{ table, peer, kase string }

const matrixPage = "README.md"

// note puts the result of a case into the matrix. A failed test notes nothing.
// Tables, peers and cases not in the page yet are added behind those it has.
func note(t testing.TB, table, peer, kase, result string) {
	t.Helper()
	if t.Failed() {
		return
	}
	matrix.Lock()
	defer matrix.Unlock()
	matrix.seen[cell{table, peer, kase}] = result
}

// closeMatrix prints what was noted in this run and returns how the page differs
// from it, or "". It prints nothing if a test failed: the failure is the end of the
// output.
func closeMatrix(w io.Writer, failed bool) string {
	matrix.Lock()
	defer matrix.Unlock()
	if len(matrix.seen) == 0 {
		return ""
	}
	fmt.Fprint(w, resultTables(matrix.seen, failed))
	page, err := os.ReadFile(matrixPage)
	if err != nil {
		return err.Error()
	}
	shown := parseMatrix(string(page))
	if os.Getenv("INTEGRATION_MATRIX") == "write" {
		maps.Copy(shown, matrix.seen)
		text := tables.ReplaceAllLiteralString(string(page), matrixStart+"\n\n"+render(shown)+"\n"+matrixEnd)
		if err := os.WriteFile(matrixPage, []byte(text), 0o600); err != nil {
			return err.Error()
		}
		return ""
	}
	var wrong []string
	for at, result := range matrix.seen {
		if shown[at] != result {
			wrong = append(wrong, fmt.Sprintf("%s: %s, %s, %s: the page says %q, this run %q", matrixPage, at.table, at.peer, at.kase, shown[at], result))
		}
	}
	slices.Sort(wrong)
	return strings.Join(wrong, "\n")
}

// resultTables returns the results of a run as Markdown.
func resultTables(cells map[cell]string, failed bool) string {
	if failed {
		return ""
	}
	return render(cells) + "\n"
}

const (
	matrixStart = "<!-- matrix: written by INTEGRATION_MATRIX=write go test ./integration -->"
	matrixEnd   = "<!-- end of matrix -->"
)

var tables = regexp.MustCompile("(?s)" + regexp.QuoteMeta(matrixStart) + ".*?" + regexp.QuoteMeta(matrixEnd))

// parseMatrix reads what render wrote.
func parseMatrix(page string) map[cell]string {
	cells := map[cell]string{}
	table, header := "", []string(nil)
	for line := range strings.Lines(tables.FindString(page)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "### "); ok {
			table, header = name, nil
		}
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") {
			continue
		}
		columns := strings.Split(strings.Trim(line, "|"), "|")
		for i := range columns {
			columns[i] = strings.TrimSpace(columns[i])
		}
		if header == nil {
			header = columns
			continue
		}
		for i, result := range columns[1:] {
			if result != "" {
				cells[cell{table, columns[0], header[i+1]}] = result
			}
		}
	}
	return cells
}

// render writes the cells as tables, in alphabetical order.
func render(cells map[cell]string) string {
	var text strings.Builder
	at := slices.Collect(maps.Keys(cells))
	for _, table := range values(at, func(c cell) string { return c.table }) {
		in := slices.DeleteFunc(slices.Clone(at), func(c cell) bool { return c.table != table })
		kases := values(in, func(c cell) string { return c.kase })
		fmt.Fprintf(&text, "### %s\n\n| peer | %s |\n|%s\n", table, strings.Join(kases, " | "), strings.Repeat("---|", len(kases)+1))
		for _, peer := range values(in, func(c cell) string { return c.peer }) {
			fmt.Fprintf(&text, "| %s |", peer)
			for _, kase := range kases {
				fmt.Fprintf(&text, " %s |", cells[cell{table, peer, kase}])
			}
			text.WriteString("\n")
		}
		text.WriteString("\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// values returns each value of a part of the cells once, sorted.
func values(cells []cell, part func(cell) string) []string {
	all := map[string]bool{}
	for _, c := range cells {
		all[part(c)] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func TestMatrixPage(t *testing.T) {
	t.Parallel()
	cells := map[cell]string{{"B", "two", "x"}: "yes", {"B", "one", "y"}: "no", {"A", "one", "z"}: "9 of 9"}
	page := matrixStart + "\n\n" + render(cells) + "\n" + matrixEnd
	if got := parseMatrix(page); !maps.Equal(got, cells) {
		t.Errorf("parseMatrix(render(%v)) = %v", cells, got)
	}
}

// A failure is the end of the output, not above the tables.
func TestResultTables(t *testing.T) {
	t.Parallel()
	cells := map[cell]string{{"B", "two", "x"}: "yes"}
	if got := resultTables(cells, true); got != "" {
		t.Errorf("after a failure: %q; want nothing", got)
	}
	if got := resultTables(cells, false); !strings.Contains(got, "| two | yes |") {
		t.Errorf("without a failure: %q; want the table", got)
	}
}
