package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files returns the content of the project's files with the extensions.
func files(t *testing.T, extensions ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2:
			return fs.SkipDir
		case d.IsDir() && d.Name() == "dist":
			return fs.SkipDir
		}
		for _, extension := range extensions {
			if !d.IsDir() && filepath.Ext(path) == extension {
				text, err := os.ReadFile(path)
				all[filepath.ToSlash(strings.TrimPrefix(filepath.ToSlash(path), "../../"))] = string(text)
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
