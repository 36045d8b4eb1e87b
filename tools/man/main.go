// Command man turns the project's Markdown manuals into man pages.
//
//	man -out FOLDER -version VERSION -date DATE -help FILE
//
// It runs in the project's folder. FILE has the output of `privatelink-dns -h`.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

const program = "privatelink-dns"

func main() {
	log.SetFlags(0)
	out := flag.String("out", "", "`FOLDER` for the pages")
	version := flag.String("version", "", "`VERSION` of the program")
	date := flag.String("date", "", "`DATE` of the pages")
	help := flag.String("help", "", "`FILE` with the output of -h")
	flag.Parse()
	pages, err := pages(*help)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range pages {
		p.version, p.date = *version, *date
		path := filepath.Join(*out, fmt.Sprintf("man%d", p.section), fmt.Sprintf("%s.%d", p.name, p.section))
		if err := write(path, p.roff()); err != nil {
			log.Fatal(err)
		}
	}
}

// pages returns the page of the program and one of each plugin.
func pages(help string) ([]page, error) {
	usage, err := os.ReadFile(help)
	if err != nil {
		return nil, err
	}
	commands, err := os.ReadFile("cmd/" + program + "/README.md")
	if err != nil {
		return nil, err
	}
	var all []page
	var also []string
	plugins, err := filepath.Glob("plugin/*/README.md")
	if err != nil {
		return nil, err
	}
	for _, path := range plugins {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		plugin := filepath.Base(filepath.Dir(path))
		all = append(all, page{name: program + "-" + plugin, section: 7, markdown: pluginPage(plugin, string(text))})
		also = append(also, program+"-"+plugin+"(7)")
	}
	return append(all, page{name: program, section: 8, markdown: programPage(string(usage), string(commands), also)}), nil
}

func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
