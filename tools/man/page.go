package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

// A page is a man page as Markdown without a title.
type page struct {
	name          string
	section       int
	version, date string
	markdown      string
}

var (
	title     = regexp.MustCompile(`^# .*\n+`)
	pageName  = regexp.MustCompile(`(?m)^## Name\n+\*[\w-]+\* - `)
	heading   = regexp.MustCompile(`(?m)^## .*$`)
	localLink = regexp.MustCompile(`\[([^\]]+)\]\(([^)]*)\)`)
	header    = regexp.MustCompile(`(?m)^\.TH.*\n`)
)

// programPage has a synopsis from the tables of commands and flags, so that a new
// command is in it.
func programPage(usage, commands string, also []string) string {
	commands = title.ReplaceAllString(commands, "## Description\n\n")
	return fmt.Sprintf("## Name\n\n%s - DNS server for the names of Azure private endpoints\n\n## Synopsis\n\n~~~ txt\n%s~~~\n\n%s\n%s\n## See also\n\n%s\n",
		program, usage, commands, files, strings.Join(also, ", "))
}

// files is about the packages, which no Markdown file describes for their user.
const files = `
## Files

- ` + "`/etc/privatelink-dns/Corefile`" + `: the configuration of the service.
- ` + "`/etc/privatelink-dns/*.json`" + `: exports of private endpoints.
- ` + "`/etc/privatelink-dns/environment`" + `: variables of the service, such as AZURE_CLIENT_ID.
- ` + "`/var/lib/privatelink-dns`" + `: the last good records.
`

// pluginPage renames a plugin to its page, as apropos expects it.
func pluginPage(plugin, text string) string {
	text = title.ReplaceAllString(text, "")
	return pageName.ReplaceAllString(text, "## Name\n\n"+program+"-"+plugin+" - ")
}

// roff returns the page for man.
func (p page) roff() []byte {
	text := lists(p.markdown)
	text = localLink.ReplaceAllStringFunc(text, func(link string) string {
		m := localLink.FindStringSubmatch(link)
		if strings.HasPrefix(m[2], "https://") {
			return link
		}
		return m[1] // a path of the repository leads nowhere from a man page
	})
	text = heading.ReplaceAllStringFunc(text, func(line string) string { return strings.ToUpper(line[1:]) })
	roff := md2man.Render([]byte("# title\n\n" + text)) // it makes the header of its first line
	roff = header.ReplaceAll(roff, nil)
	first := fmt.Sprintf(".TH %q %d %q %q\n", strings.ToUpper(p.name), p.section, p.date, program+" "+p.version)
	return append([]byte(first), bytes.TrimPrefix(roff, []byte(".nh\n"))...)
}

// lists turns tables into lists, because a cell with a paragraph is wider than any
// terminal.
func lists(text string) string {
	var out []string
	var head []string
	for _, line := range strings.Split(text, "\n") {
		cells := row(line)
		switch {
		case cells == nil:
			head = nil
			out = append(out, line)
		case head == nil:
			head = cells
		case !strings.HasPrefix(cells[0], "--"):
			out = append(out, item(head, cells))
		}
	}
	return strings.Join(out, "\n")
}

// row returns the cells of a table's row, or nil for another line.
func row(line string) (cells []string) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	line = strings.ReplaceAll(line, `\|`, "\x00")
	for _, cell := range strings.Split(strings.Trim(line, "|"), "|") {
		cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), "\x00", "|"))
	}
	return cells
}

// item returns a row as "- FIRST (SECOND: …; THIRD: …): LAST".
func item(head, cells []string) string {
	last := len(cells) - 1
	var between []string
	for i := 1; i < last; i++ {
		if cells[i] != "" && i < len(head) {
			between = append(between, head[i]+": "+cells[i])
		}
	}
	text := "- " + cells[0]
	if len(between) > 0 {
		text += " (" + strings.Join(between, "; ") + ")"
	}
	if last > 0 && cells[last] != "" {
		text += ": " + cells[last]
	}
	return text
}
