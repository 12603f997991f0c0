# `make` lists the targets. Everything works from a clean checkout with Go and Node.

SHELL := /bin/sh
.DEFAULT_GOAL := help

BIN := bin/jobrunner
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/jobrunner-dev/jobrunner/internal/cli.version=$(VERSION)
LINT := go tool -modfile=tools/go.mod golangci-lint

# npm writes this file at the end of an installation.
NODE_MODULES := node_modules/.package-lock.json
WEB := .cache/web.stamp
WEB_SOURCES := $(shell find web sdk/js -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' -not -name '*.go' 2>/dev/null)
BOARD := .cache/board.stamp

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: tools-run build ## install what is missing, build, and start on http://127.0.0.1:8080 (options: ARGS="--listen :9000")
	$(BIN) dev $(ARGS)

.PHONY: build
build: $(WEB) $(BOARD) ## build the web client and bin/jobrunner
	go build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/jobrunner

.PHONY: check
check: $(NODE_MODULES) ## the fast loop: format, lint, types, unit tests
	$(MAKE) -j2 check-style check-go check-node check-python

.PHONY: check-style
check-style:
	$(LINT) run --allow-parallel-runners ./...
	npx biome check .
	npm run --silent --workspace web typecheck
	npm run --silent --workspace test/e2e typecheck
	npm run --silent --workspace sdk/js typecheck

.PHONY: check-go
check-go:
	go test $$(go list ./... | grep -v /test/)
	go -C bench vet ./...
	go -C bench test ./...

.PHONY: check-node
check-node:
	npm run --silent --workspace sdk/js test
	npm run --silent --workspace web test

.PHONY: check-python
check-python:
	python3 -m unittest discover -s sdk/python/tests -t sdk/python

.PHONY: fmt
fmt: $(NODE_MODULES) ## format all sources
	$(LINT) fmt ./...
	npx biome check --write .

.PHONY: test
test: tools-test build ## install what is missing, then run every test
	scripts/test

.PHONY: bench
bench: tools-run $(NODE_MODULES) ## compare the engine's speed with its peers'
	bench/run

.PHONY: generate
generate: $(NODE_MODULES) ## make the generated files again
	go generate ./...
	npm run --silent --workspace web generate
	node scripts/notices.mjs

.PHONY: verify
verify: $(NODE_MODULES) ## fail if a generated file is out of date
	scripts/verify

.PHONY: clean
clean: ## remove what was built; data in .jobrunner stays
	rm -rf bin .cache node_modules test/e2e/test-results
	find web/dist internal/backend/board/dist -mindepth 1 -not -name .gitkeep -delete

.PHONY: tools-run
tools-run: # what `make run` needs
	@scripts/require
	@scripts/install redis

.PHONY: tools-test
tools-test: # what `make test` needs
	@scripts/require
	@scripts/install redis postgres chromium compiler python curl

$(NODE_MODULES): package-lock.json
	@scripts/require
	npm ci
	@touch $@

$(WEB): $(NODE_MODULES) $(WEB_SOURCES)
	npm run --silent --workspace web build
	@mkdir -p $(@D) && touch $@

$(BOARD): $(NODE_MODULES)
	find internal/backend/board/dist -mindepth 1 -not -name .gitkeep -delete
	cp -R node_modules/@bull-board/ui/dist/. internal/backend/board/dist/
	@mkdir -p $(@D) && touch $@
