# SPDX-License-Identifier: Apache-2.0
# Targets are described by the comment after ##; `make` prints them.

GO ?= go
FUZZTIME ?= 5s
PKGS = ./...
# Packages whose tests run under the race detector: those that own goroutines.
RACE = ./ledger/journal/... ./ledger/vault ./ledger/anchor ./ledger/timestamp/tsp ./serving/... ./models/forest ./models/gbdt ./features/...

.DEFAULT_GOAL := help
.PHONY: help
help: ## print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: test
test: build vet ## build, vet, and run every test: the README's test command
	$(GO) test -timeout 30m $(PKGS)

.PHONY: quick
quick: ## the tests that take a moment each, while you work: under three minutes of processor time from nothing, seconds for one package
	$(GO) test -short -vet=off $(PKGS)

.PHONY: build
build: ## compile everything
	$(GO) build $(PKGS)

.PHONY: vet
vet: ## gofmt, go vet
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt these:"; echo "$$out"; exit 1; fi
	$(GO) vet $(PKGS)

.PHONY: lint
lint: ## staticcheck, at the version pinned in tools/go.mod
	$(GO) tool -modfile=tools/go.mod staticcheck $(PKGS)

.PHONY: test-tools
test-tools: ## the tools' own tests: licences of what is linked, a release that builds twice to the same bytes, manifests of known fields
	cd tools && $(GO) vet ./... && $(GO) test ./...

.PHONY: release
release: ## static programs for linux amd64 and arm64 and darwin arm64 in dist/, with SPDX lists and SHA256SUMS
	cd tools && $(GO) run ./release -root .. -out ../dist

.PHONY: release-check
release-check: ## build the release again elsewhere, with an empty cache, and compare bytes
	cd tools && $(GO) run ./release -root .. -out ../dist -check

.PHONY: vuln
vuln: ## known vulnerabilities in what is called; skipped, and said, where their database cannot be reached
	tools/vuln.sh $(PKGS)

.PHONY: race
race: ## the concurrent packages under the race detector
	$(GO) test -race $(RACE)

.PHONY: fuzz
fuzz: ## fuzz every parser for FUZZTIME each
	.ci/fuzz $(FUZZTIME)

.PHONY: check-generated
check-generated: ## the generated code is what the .proto files say (needs protoc)
	serving/generate.sh --check

.PHONY: check-protocol
check-protocol: ## buf lint, and no breaking change of the protocol (needs npm)
	sh serving/proto.sh

.PHONY: purego
purego: ## the pure-Go twins of the assembly
	$(GO) test -tags purego ./models/forest ./models/gbdt

.PHONY: avx512
avx512: ## the AVX-512 kernels, on an emulated processor (Bochs) where this one lacks it; skipped, and said, where that is missing too
	cd tools && $(GO) run ./avx512 -root ..

# The interpreter that has the peers, and one training table; benchmarks/peers/setup DIR makes both.
PEERS_PYTHON ?= python3
FLIGHTS ?= $(wildcard $(patsubst %/bin/,%,$(dir $(PEERS_PYTHON)))/flights-3m.parquet)

.PHONY: bench
bench: ## every benchmark beside its peers, under 45 minutes; writes benchmarks/results, docs/performance.md and README.md
	$(GO) run ./benchmarks/bench -python "$(PEERS_PYTHON)" -flights "$(FLIGHTS)"

.PHONY: bench-train bench-predict bench-features bench-skew bench-training bench-serve bench-ledger bench-anchor bench-eval bench-endtoend bench-scale
bench-train: ## the trainer against LightGBM and XGBoost
	$(GO) run ./benchmarks/train -python $(PEERS_PYTHON) $(if $(FLIGHTS),-flights "$(FLIGHTS)")
bench-predict: ## the predictor against leaves, LightGBM's C API, ONNX Runtime and TL2cgen
	$(GO) run ./benchmarks/predict -python $(PEERS_PYTHON)
bench-features: ## the feature plan against polars, and one event at a time
	$(GO) run ./benchmarks/features -python $(PEERS_PYTHON)
bench-skew: ## the same of five million events, an eighth of them of one buyer: ten minutes, and thirteen gigabytes for polars, never more than there are
	$(GO) run ./benchmarks/features -python $(PEERS_PYTHON) -skew
bench-training: ## what folds and outcomes cost beside one replay of a log
	$(GO) run ./benchmarks/features -training
bench-serve: ## full decisions against an empty gRPC echo
	$(GO) run ./benchmarks/serve
bench-ledger: ## the journal against a raw fdatasync group commit
	$(GO) run ./benchmarks/ledger
bench-anchor: ## gas, time to proof, offline check
	$(GO) run ./benchmarks/anchor
bench-eval: ## a report of a million rows
	$(GO) run ./benchmarks/eval
bench-endtoend: ## whole servers: assayd beside MLServer, FastAPI and BentoML
	$(GO) run ./benchmarks/endtoend -python $(PEERS_PYTHON)
bench-scale: ## cost against rows, trees, columns, callers and the size of the log
	$(GO) run ./benchmarks/scale

# How long `make hammer` hammers.
HAMMER ?= 60s

.PHONY: hammer
hammer: ## load that verifies every receipt, under kills, swaps, chain faults and slow clients, for HAMMER
	$(GO) run ./benchmarks/hammer -for $(HAMMER)

.PHONY: torture
torture: ## a thousand kills, a thousand power cuts, every tamper fifty times, in parts: about an hour; writes docs/reliability.md
	$(GO) run ./benchmarks/torture -into docs/reliability.md

.PHONY: demo
demo: ## train, serve, anchor and verify on real data, in one command
	$(GO) run ./cmd/assay demo

.PHONY: tidy
tidy: ## go.mod and go.sum are what the imports say
	$(GO) mod tidy -diff
