// Command fakearm is an Azure on this machine, to try live sync without a
// subscription:
//
//	go run ./integration/fakearm/cmd/fakearm -estate integration/fakearm/estate.json
//
// It prints the variables to export in the shell of the server and the lines of its
// Corefile. Edit the estate file while it runs; package fakearm documents its format.
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
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, config, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, config fakearm.Config, w io.Writer) error {
	server, err := fakearm.Start(config)
	if err != nil {
		return err
	}
	defer server.Close()
	folder, err := os.MkdirTemp("", "fakearm-")
	if err != nil {
		return fmt.Errorf("write the CA: %w", err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a certificate stays behind
	ca := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(ca, server.CA, 0o600); err != nil {
		return fmt.Errorf("write the CA: %w", err)
	}
	fmt.Fprintf(w, "# either the client secret\nexport %s\n", strings.Join(server.Env(ca), "\nexport "))
	fmt.Fprintf(w, "# or the managed identity, without AZURE_CLIENT_SECRET\nexport %s\n", strings.Join(server.IdentityEnv(ca), "\nexport "))
	fmt.Fprintf(w, "# in the Corefile: cloud %s\n", server.URL)
	<-ctx.Done()
	return nil
}
