# Two commands matter: `make demo` and `make test`. Both set up what is missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN     := $(CURDIR)/bin/parley
TOOLS   := $(CURDIR)/.tools/bin
# One test binary a core: the databases and brokers they start need the rest.
GOTEST  := go test -race -shuffle=on -p 2 -timeout 20m
FUZZ    ?= 60s
SOAK    ?= 10m
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# What tests read: the real programs to start, and that none may be missing.
export PARLEY_TEST_BIN         := $(BIN)
export PARLEY_TEST_NATS_SERVER := $(TOOLS)/nats-server
export MAKE

section = @printf '\n--- %s\n' "$(1)"

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z%-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: setup-build build ## build, run the main job on the example shop, then serve it on a local port
	@exec $(BIN) demo

.PHONY: build
build: setup-build ## build bin/parley
	@mkdir -p bin
	@if [ -d cmd/parley ]; then go build -trimpath -ldflags '-X main.version=$(VERSION)' -o $(BIN) ./cmd/parley; \
	 else echo 'build: there is no cmd/parley yet'; fi

.PHONY: test
test: setup-test build check-format check-vet check-static check-generated check-fuzz check-tests ## set up what is missing and run every check and test
	@printf '\nmake test: all checks passed\n'

.PHONY: setup-build setup-test
setup-build:
	@scripts/setup.sh build
setup-test:
	$(call section,what is missing is installed)
	@scripts/setup.sh test

.PHONY: check-format
check-format:
	$(call section,formatted (gofmt))
	@bad=$$(git ls-files -co --exclude-standard -z -- '*.go' | while IFS= read -r -d '' f; do if [ -f "$$f" ]; then printf '%s\0' "$$f"; fi; done | xargs -0r gofmt -l); \
	 if [ -n "$$bad" ]; then printf 'not formatted, run gofmt -w on:\n%s\n' "$$bad"; exit 1; fi

.PHONY: check-vet
check-vet:
	$(call section,vetted (go vet))
	@go vet ./...

.PHONY: check-static
check-static:
	$(call section,staticcheck)
	@$(TOOLS)/staticcheck ./...

.PHONY: check-generated
check-generated:
	$(call section,generated files are committed)
	@scripts/check-generated.sh

.PHONY: check-fuzz
check-fuzz:
	$(call section,fuzz targets (5 s each))
	@scripts/fuzz.sh 5s

# Last, so that the run ends with the tests' own closing lines.
.PHONY: check-tests
check-tests: export PARLEY_TEST_REQUIRE := 1
check-tests:
	$(call section,tests (race detector; shuffled; PostgreSQL and NATS for real))
	@scripts/with-postgres.sh $(GOTEST) ./...

.PHONY: fuzz
fuzz: setup-build ## fuzz every target for FUZZ (60s)
	@scripts/fuzz.sh $(FUZZ)

.PHONY: soak
soak: setup-test build ## run the soak tests (named TestSoak…) for SOAK (10m)
	@PARLEY_SOAK=$(SOAK) PARLEY_TEST_REQUIRE=1 scripts/with-postgres.sh go test -race -count=1 -p 1 -timeout 6h -run '^TestSoak' ./...

bench-%: setup-build build ## measure accept, endtoend, import or footprint, one JSON object a line
	@go run ./bench $*

.PHONY: generate
generate: ## make the generated files again
	@go generate ./...
	@go run ./scripts/notices -out THIRD_PARTY_NOTICES.md $(if $(wildcard cmd/parley/*.go),./cmd/parley,./internal/...)

.PHONY: clean
clean: ## remove what was built (not .tools, not data)
	@rm -rf bin
