# Go and its module proxy are all that this needs; `docker` needs an engine, and the
# installer for Windows needs wixl and msitools.

VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT     ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)
DATE       ?= $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
LDFLAGS    := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
# The stamps above take the place of -buildvcs, which depends on the kind of checkout.
BUILDFLAGS := -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
# The time of everything in the packages is that of the commit, without a clone that of the last version.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date -u -d "$$(sed -n 's/^.. [0-9][0-9.]* - //p' CHANGELOG.md | head -1)" +%s)
# The release whose go.mod asks for our Go or an older one.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME   ?= 30s
PLATFORMS  := linux/amd64 linux/arm64 windows/amd64 darwin/arm64

.PHONY: help run build cross $(PLATFORMS) packages check-packages image push test check lint integration integration-fastpath fuzz differential bench bench-peers screenshots cover docker clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: ## the server with sample endpoints on 127.0.0.1:1053
	go run ./cmd/privatelink-dns -quickstart

build: ## ./privatelink-dns, static and stripped; GOOS and GOARCH as you like
	CGO_ENABLED=0 go build $(BUILDFLAGS) -o privatelink-dns ./cmd/privatelink-dns

cross: $(PLATFORMS) ## the same for every platform, in dist/OS/ARCH

$(PLATFORMS):
	CGO_ENABLED=0 GOOS=$(@D) GOARCH=$(@F) go build $(BUILDFLAGS) -o dist/$@/ ./cmd/privatelink-dns

packages: cross ## .deb, .rpm, .apk, .msi, archives, checksums and SBOM in dist/packages
	VERSION='$(VERSION)' SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) deploy/packages/build.sh

image: linux/amd64 linux/arm64 ## a reproducible image for both in dist/image, without an engine
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) go run -C tools ./image -out $(CURDIR)/dist/image -version '$(VERSION)' -commit '$(COMMIT)' \
		linux/amd64=$(CURDIR)/dist/linux/amd64/privatelink-dns linux/arm64=$(CURDIR)/dist/linux/arm64/privatelink-dns

push: ## pushes dist/image to IMAGE, with the logins of docker, and prints its digest
	go run -C tools ./image -out $(CURDIR)/dist/image -push $(IMAGE)

check-packages: packages image ## both in a clean Debian, and a second build of the packages
	INTEGRATION_INSTALL=1 INTEGRATION_PACKAGES=$(CURDIR)/dist/packages go test -v -count 1 -timeout 40m ./integration/packages

test: ## unit tests and the real server in process
	go test ./cmd/... ./corefile/... ./plugin/...

check: lint cross ## what CI runs
	INTEGRATION_INSTALL=1 go test -race -timeout 20m ./...
	go test -C tools -count 1 ./... # the cache does not see that the files in deploy changed
	go test -C deploy/kubernetes/check -count 1 ./...

lint: ## gofmt, vet, staticcheck and actionlint
	@test -z "$$(gofmt -l .)" || { echo 'gofmt these:'; gofmt -l .; exit 1; }
	go vet ./...
	GOOS=windows go vet ./cmd/... ./corefile/... ./plugin/...
	go run $(STATICCHECK) ./...
	go vet -C tools ./...
	go tool -modfile=tools/go.mod actionlint -shellcheck= -pyflakes= .github/workflows/*.yml

integration: ## the built binary against real software, which it installs if it may
	INTEGRATION_INSTALL=1 go test -v ./integration/...

integration-fastpath: ## the same with fastpath in every Corefile
	INTEGRATION_INSTALL=1 INTEGRATION_FASTPATH=1 go test -v ./integration

fuzz: ## every fuzzer for FUZZTIME
	go test -run '^$$' -fuzz FuzzDecode -fuzztime $(FUZZTIME) -fuzzminimizetime 20x ./plugin/privatelink/privateendpoint
	go test -run '^$$' -fuzz FuzzDecodeHosts -fuzztime $(FUZZTIME) ./plugin/privatelink/source
	go test -run '^$$' -fuzz FuzzDecodeZoneFile -fuzztime $(FUZZTIME) ./plugin/privatelink/source
	go test -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME) ./plugin/privatelink
	go test -run '^$$' -fuzz FuzzAddressOf -fuzztime $(FUZZTIME) ./plugin/privatelink/zone
	go test -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME) ./plugin/privatelink/state
	go test -run '^$$' -fuzz FuzzAnswer -fuzztime $(FUZZTIME) ./plugin/lru
	go test -run '^$$' -fuzz FuzzResponse -fuzztime $(FUZZTIME) ./plugin/upstream
	go test -run '^$$' -fuzz FuzzSplice -fuzztime $(FUZZTIME) ./plugin/privatelink
	go test -run '^$$' -fuzz FuzzAsk -fuzztime $(FUZZTIME) ./plugin/privatelink/verdict
	go test -run '^$$' -fuzz FuzzAnswer -fuzztime $(FUZZTIME) ./plugin/fastpath
	go test -run '^$$' -fuzz FuzzMessages -fuzztime $(FUZZTIME) ./plugin/fastpath/stream

differential: ## the fast path beside the chain, with many packets
	FASTPATH_PACKETS=400000 go test -race -run TestDifferential -v -timeout 30m ./plugin/fastpath

bench: ## answers beside stock plugin file, and the snapshot of 100,000 records
	go test -run '^$$' -bench . -benchmem ./plugin/...

bench-peers: ## CPU time per query beside other DNS servers, which it installs if it may; writes docs/peers.md
	INTEGRATION_INSTALL=1 go run ./integration/bench -out docs/peers.md

screenshots: ## the status page in Chromium, for plugin/status/README.md; installs what it needs if it may
	INTEGRATION_INSTALL=1 SCREENSHOTS=$(CURDIR)/plugin/status go test -count 1 -run TestPageScreenshots ./integration

cover: ## test coverage of everything outside integration
	go test -coverprofile coverage.out -coverpkg ./cmd/...,./corefile/...,./plugin/... ./cmd/... ./corefile/... ./plugin/...
	go tool cover -func coverage.out | tail -1

docker: ## the same content for the engine's architecture, with an engine
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --build-arg DATE=$(DATE) -t privatelink-dns:$(VERSION) .

clean: ## removes what the other targets build
	rm -rf privatelink-dns coverage.out dist
