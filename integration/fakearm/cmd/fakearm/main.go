// Command fakearm is an Azure on this machine, to try live sync without a
// subscription:
//
//	go run ./integration/fakearm/cmd/fakearm -estate integration/fakearm/estate.json
//
// It prints the variables to export in the shell of the server, a whole Corefile, which
// it also writes to a file, and the commands to start the server and to ask it. Edit the
// estate file while it runs; package fakearm documents its format. With
// -subscriptions 200, the estate file is a generated landing zone beside the Corefile.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/privatelink-dns/privatelink-dns/integration/fakearm"
)

func main() {
	log.SetFlags(log.Ltime)
	config := fakearm.Config{Logf: log.Printf}
	flag.StringVar(&config.EstateFile, "estate", "integration/fakearm/estate.json", "What exists; read again when it changes")
	flag.StringVar(&config.Addr, "listen", "127.0.0.1:0", "Address of ARM and of the authority")
	flag.IntVar(&config.PageSize, "page", 50, "Resources on a page")
	flag.DurationVar(&config.Delay, "delay", 0, "Before each answer of ARM")
	flag.DurationVar(&config.GraphLag, "lag", 0, "How much later a change shows in Resource Graph than in ARM")
	flag.IntVar(&config.GraphQuota, "quota", 0, "Queries of Resource Graph in 5 seconds; 0 is no limit")
	subscriptions := flag.Int("subscriptions", 0, "Generated subscriptions with 10 endpoints each, in place of the estate file")
	flag.Parse()
	if *subscriptions > 0 {
		config.EstateFile, config.Estate = "", fakearm.LandingZone(*subscriptions, 10).OfAccounts()
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, config, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, config fakearm.Config, w io.Writer) error {
	folder, err := os.MkdirTemp("", "fakearm-")
	if err != nil {
		return fmt.Errorf("write the CA: %w", err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a certificate stays behind
	if config.Estate != nil {
		config.EstateFile = filepath.Join(folder, "estate.json")
		if err := config.Estate.WriteFile(config.EstateFile); err != nil {
			return fmt.Errorf("write the estate: %w", err)
		}
	}
	server, err := fakearm.Start(config)
	if err != nil {
		return err
	}
	defer server.Close()
	ca := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(ca, server.CA, 0o600); err != nil {
		return fmt.Errorf("write the CA: %w", err)
	}
	if err := describe(w, server, folder, ca); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n# 5. a change: edit %s, and query for the new name\n", config.EstateFile)
	<-ctx.Done()
	return nil
}

// describe prints how to use the server.
func describe(w io.Writer, server *fakearm.Server, folder, ca string) error {
	ids, name := server.Subscriptions()
	text, path := corefile(server.URL, ids), filepath.Join(folder, "Corefile")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the Corefile: %w", err)
	}
	for _, id := range ids[:min(len(ids), 3)] {
		fmt.Fprintf(w, "# subscription %s\n", id)
	}
	if more := len(ids) - 3; more > 0 {
		fmt.Fprintf(w, "# and %d more\n", more)
	}
	fmt.Fprintf(w, "\n# 1. the identity: either the client secret\nexport %s\n", strings.Join(server.Env(ca), "\nexport "))
	fmt.Fprintf(w, "#    or the managed identity, without AZURE_CLIENT_SECRET\nexport %s\n", strings.Join(server.IdentityEnv(ca), "\nexport "))
	fmt.Fprintf(w, "\n# 2. the Corefile, also in %s\n%s", path, text)
	fmt.Fprintf(w, "\n# 3. the server\ngo run ./cmd/privatelink-dns -conf %s\n", path)
	if name != "" {
		fmt.Fprintf(w, "\n# 4. a query, and what the server knows about the name\ndig -p 1053 @127.0.0.1 %s\n", name)
		fmt.Fprintf(w, "go run ./cmd/privatelink-dns why -conf %s %s\n", path, name)
	}
	return nil
}

// corefile returns a whole Corefile for the server at the URL.
func corefile(url string, subscriptions []string) string {
	scope := "*"
	if len(subscriptions) == 1 {
		scope = subscriptions[0]
	}
	upstream := "/etc/resolv.conf"
	if _, err := os.Stat(upstream); err != nil {
		upstream = "168.63.129.16"
	}
	return `.:1053 {
    bind 127.0.0.1
    errors
    status
    privatelink {
        cloud ` + url + `
        azure ` + scope + `
        refresh 5s
    }
    upstream . ` + upstream + `
}
`
}
