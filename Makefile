# Everything below is a short name for a script in tests/setup or for the go
# command; CONTRIBUTING.md says more.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Build tags: "pam" adds the authenticator pam, which needs a C compiler and libpam0g-dev.
TAGS ?=
LDFLAGS := -s -w -X github.com/caddyhub/caddyhub/caddyhub/version.linked=$(VERSION)

.DEFAULT_GOAL := help
.PHONY: run test bench lint build help

run: build ## Build, install JupyterLab beside it and start a hub at http://localhost:8000
	@tests/setup/run

test: ## Run every test; on Debian as root, install what they need first
	@tests/setup/test

bench: ## Run the benchmarks, and compare with JupyterHub and other proxies
	@tests/setup/bench

lint: ## Check format, vet, linters
	@tests/setup/lint

build: ## Build bin/caddyhub; TAGS=pam adds the authenticator pam
	go build -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o bin/caddyhub ./cmd/caddyhub

help: ## Show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
