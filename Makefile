# Go and its module proxy are all that this needs; `docker` needs an engine.

VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT     ?= $(shell git rev-parse --short HEAD 2>/dev/null)
LDFLAGS    := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
# The release whose go.mod asks for our Go or an older one.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME   ?= 30s
PLATFORMS  := linux/amd64 linux/arm64 windows/amd64 darwin/arm64

.PHONY: help run build cross $(PLATFORMS) test check lint integration integration-fastpath fuzz differential bench bench-peers screenshots cover docker clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: ## the server with sample endpoints on 127.0.0.1:1053
	go run ./cmd/privatelink-dns -quickstart

build: ## ./privatelink-dns, static and stripped; GOOS and GOARCH as you like
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o privatelink-dns ./cmd/privatelink-dns

cross: $(PLATFORMS) ## the same for every platform, in dist/OS/ARCH

$(PLATFORMS):
	CGO_ENABLED=0 GOOS=$(@D) GOARCH=$(@F) go build -trimpath -ldflags '$(LDFLAGS)' -o dist/$@/ ./cmd/privatelink-dns

test: ## unit tests and the real server in process
	go test ./cmd/... ./corefile/... ./plugin/...

check: lint cross ## what CI runs
	INTEGRATION_INSTALL=1 go test -race -timeout 20m ./...
	go test -C deploy/kubernetes/check -count 1 ./... # it does not see that the manifests changed

lint: ## gofmt, vet and staticcheck
	@test -z "$$(gofmt -l .)" || { echo 'gofmt these:'; gofmt -l .; exit 1; }
	go vet ./...
	GOOS=windows go vet ./cmd/... ./corefile/... ./plugin/...
	go run $(STATICCHECK) ./...

integration: ## the built binary against real software, which it installs if it may
	INTEGRATION_INSTALL=1 go test -v ./integration/...

integration-fastpath: ## the same with fastpath in every Corefile
	INTEGRATION_INSTALL=1 INTEGRATION_FASTPATH=1 go test -v ./integration

fuzz: ## every fuzzer for FUZZTIME
	go test -run '^$$' -fuzz FuzzDecode -fuzztime $(FUZZTIME) -fuzzminimizetime 20x ./plugin/privatelink/privateendpoint
	go test -run '^$$' -fuzz FuzzDecodeHosts -fuzztime $(FUZZTIME) ./plugin/privatelink/source
	go test -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME) ./plugin/privatelink
	go test -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME) ./plugin/privatelink/state
	go test -run '^$$' -fuzz FuzzAnswer -fuzztime $(FUZZTIME) ./plugin/lru
	go test -run '^$$' -fuzz FuzzResponse -fuzztime $(FUZZTIME) ./plugin/upstream
	go test -run '^$$' -fuzz FuzzSplice -fuzztime $(FUZZTIME) ./plugin/privatelink
	go test -run '^$$' -fuzz FuzzAnswer -fuzztime $(FUZZTIME) ./plugin/fastpath

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

docker: ## an image for GOOS=linux and the engine's architecture
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) -t privatelink-dns:$(VERSION) .

clean: ## removes what the other targets build
	rm -rf privatelink-dns coverage.out dist
