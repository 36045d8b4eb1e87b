// Command image makes the container image without an engine, as a folder in the OCI
// layout, and pushes it. Equal binaries make equal images.
//
//	image -out FOLDER -version VERSION -commit COMMIT linux/amd64=FILE linux/arm64=FILE
//	image -push REGISTRY/NAME:TAG -out FOLDER
//	image -root FOLDER                          the files beside the binary, for the Dockerfile
//
// SOURCE_DATE_EPOCH is the time of every file. -push uses the logins of `docker login`.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func main() {
	log.SetFlags(0)
	out := flag.String("out", "", "`FOLDER` of the image")
	push := flag.String("push", "", "push the image in -out to `REFERENCE`")
	root := flag.String("root", "", "write the files beside the binary to `FOLDER`")
	version := flag.String("version", "", "`VERSION` of the program")
	commit := flag.String("commit", "", "`COMMIT` of the program")
	flag.Parse()
	if err := run(*out, *push, *root, about{*version, *commit}, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

func run(out, push, root string, a about, binaries []string) error {
	switch {
	case root != "":
		return writeRoot(root)
	case push != "":
		return pushImage(out, push)
	case out == "" || len(binaries) == 0:
		return errors.New("image: it needs -out and at least one binary, such as linux/amd64=FILE")
	}
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	at := time.Unix(seconds, 0).UTC()
	index, err := newIndex(a, at, binaries)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if _, err := layout.Write(out, index); err != nil {
		return err
	}
	digest, err := index.Digest()
	fmt.Printf("%s %s\n", digest, out)
	return err
}

// pushImage pushes all architectures and prints the digest, which is to be signed.
func pushImage(folder, reference string) error {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return err
	}
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return err
	}
	if err := remote.WriteIndex(ref, index, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return err
	}
	digest, err := index.Digest()
	fmt.Println(ref.Context().Digest(digest.String()))
	return err
}

// split returns the parts of "linux/amd64=FILE".
func split(binary string) (system, architecture, path string, err error) {
	platform, path, ok := strings.Cut(binary, "=")
	system, architecture, slash := strings.Cut(platform, "/")
	if !ok || !slash {
		return "", "", "", fmt.Errorf("%q is not of the form OS/ARCH=FILE", binary)
	}
	return system, architecture, path, nil
}
