// Package corefile embeds the Corefiles that the binary has with it.
package corefile

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/coredns/caddy"
)

var (
	//go:embed default.corefile
	defaultText []byte
	//go:embed quickstart.corefile
	quickstartText []byte
	//go:embed quickstart.json
	quickstartEndpoints []byte
)

// Input is the text of a Corefile with the path that its errors name.
func Input(path string, text []byte) caddy.Input {
	return caddy.CaddyfileInput{Filepath: path, Contents: text, ServerTypeName: "dns"}
}

// The paths of the Corefiles that are no files.
const (
	embedded = "default.corefile (embedded)"
	pipe     = "stdin" // as in CoreDNS
)

// Default is the Corefile for real use.
func Default() caddy.Input { return Input(embedded, defaultText) }

// installed returns the path at which a package installs the Corefile of the service.
var installed = func() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "privatelink-dns", "Corefile")
	}
	return "/etc/privatelink-dns/Corefile"
}

// Find returns the Corefile at path. Without a path, it is that of the working folder,
// as in CoreDNS, else that of the installed service, else the default one. The path
// "stdin" is a pipe.
func Find(path string) (caddy.Input, error) {
	if path == pipe {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, err
		}
		return read(path, text)
	}
	paths := []string{path}
	if path == "" {
		paths = []string{"Corefile", installed()}
	}
	for _, one := range paths {
		text, err := os.ReadFile(one)
		if err == nil {
			return read(one, text)
		}
		if path != "" || !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return Default(), nil
}

// Quickstart is the Corefile to try the server with. It and its sample endpoints
// are files in a new temporary folder, to be edited while the server runs.
func Quickstart() (caddy.Input, error) {
	folder, err := quickstartFolder()
	if err != nil {
		return nil, fmt.Errorf("quick start: %w", err)
	}
	return Find(filepath.Join(folder, "Corefile"))
}

var quickstartFolder = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "privatelink-dns-")
	if err != nil {
		return "", err
	}
	servers, err := resolvers()
	corefile, note := withResolvers(quickstartText, servers, err)
	for name, text := range map[string][]byte{"Corefile": corefile, "endpoints.json": quickstartEndpoints} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return "", err
		}
	}
	// The Corefile finds its endpoints by this variable.
	if err := os.Setenv("QUICKSTART", filepath.ToSlash(folder)); err != nil {
		return "", err
	}
	fmt.Print(greeting(folder), note)
	return folder, nil
})

// quickstartStatus is the address of the page. It is not the default one, which the
// installed service may have: the command why would ask the service.
const quickstartStatus = "127.0.0.1:8054"

func greeting(folder string) string {
	return fmt.Sprintf(`Try it: %s holds the Corefile and the endpoints; what you change there is served within two seconds.
The page is http://%[2]s/, and privatelink-dns why -status %[2]s NAME explains the answers for a name.
`, folder, quickstartStatus)
}
