# SPDX-License-Identifier: Apache-2.0
# Targets are described by the comment after ##; `make` prints them.

GO ?= go
FUZZTIME ?= 5s
PKGS = ./...
# Packages whose tests run under the race detector: those that own goroutines.
RACE = ./ledger/journal/... ./ledger/vault ./ledger/anchor ./ledger/timestamp/tsp ./serving/... ./models/forest \
	./models/gbdt ./features/...

.DEFAULT_GOAL := help
.PHONY: help
help: ## print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: test
test: build vet ## build, vet, and run every test: the README's test command
	$(GO) test -timeout 30m $(PKGS)

.PHONY: quick
quick: ## every package, but not the tests that take seconds: about 80 s of two cores once built
	$(GO) test -short -vet=off -ldflags="-s -w" $(PKGS)

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
test-tools: ## the tools' own tests: licences, reproducible release, manifests, keys in SoftHSM, an S3 store
	cd tools && $(GO) vet ./... && $(GO) test ./...
	cd tools/pkcs11keys && $(GO) vet ./... && $(GO) test ./...
	cd tools/archive && $(GO) vet ./... && $(GO) test ./...

.PHONY: release
release: ## static programs for Linux (amd64, arm64) and macOS (arm64) in dist/, with SPDX lists and SHA256SUMS
	cd tools && $(GO) run ./release -root .. -out ../dist

.PHONY: release-check
release-check: ## build the release again in another folder, with an empty cache, and compare the bytes
	cd tools && $(GO) run ./release -root .. -out ../dist -check

.PHONY: vuln
vuln: ## known vulnerabilities in code that is called; skips if their database cannot be reached, and says so
	tools/vuln.sh $(PKGS)

.PHONY: race
race: ## the concurrent packages under the race detector
	$(GO) test -race $(RACE)

.PHONY: fuzz
fuzz: ## fuzz every parser for FUZZTIME each
	.ci/fuzz $(FUZZTIME)

.PHONY: check-generated
check-generated: ## check that the generated code is current with the .proto files (needs protoc)
	serving/generate.sh --check

.PHONY: check-protocol
check-protocol: ## check the protocol: buf lint, and no breaking change (needs npm)
	sh serving/proto.sh

.PHONY: purego
purego: ## test the pure-Go twins of the assembly
	$(GO) test -tags purego ./models/forest ./models/gbdt

.PHONY: avx512
avx512: ## test the AVX-512 kernels, emulated (Bochs) if this processor lacks them; skips without Bochs
	cd tools && $(GO) run ./avx512 -root ..

# The Python that has the peers, and one training table; benchmarks/peers/setup DIR makes both.
PEERS_PYTHON ?= python3
FLIGHTS ?= $(wildcard $(patsubst %/bin/,%,$(dir $(PEERS_PYTHON)))/flights-3m.parquet)

.PHONY: bench
bench: ## every benchmark and its peers, under 45 minutes; writes benchmarks/results, docs/performance.md, README.md
	$(GO) run ./benchmarks/bench -python "$(PEERS_PYTHON)" -flights "$(FLIGHTS)"

.PHONY: bench-train bench-predict bench-features bench-skew bench-training bench-serve bench-ledger bench-anchor \
	bench-eval bench-endtoend bench-scale
bench-train: ## the trainer against LightGBM and XGBoost
	$(GO) run ./benchmarks/train -python $(PEERS_PYTHON) $(if $(FLIGHTS),-flights "$(FLIGHTS)")
bench-predict: ## the predictor against leaves, LightGBM's C API, ONNX Runtime and TL2cgen
	$(GO) run ./benchmarks/predict -python $(PEERS_PYTHON)
bench-features: ## the feature plan against polars, in batches and one event at a time
	$(GO) run ./benchmarks/features -python $(PEERS_PYTHON)
bench-skew: ## the same with five million events, an eighth from one buyer: ten minutes, polars takes 13 GB
	$(GO) run ./benchmarks/features -python $(PEERS_PYTHON) -skew
bench-training: ## folds and outcomes against one replay of a log
	$(GO) run ./benchmarks/features -training
bench-serve: ## full decisions against an empty gRPC echo
	$(GO) run ./benchmarks/serve
bench-ledger: ## the journal against a raw fdatasync group commit
	$(GO) run ./benchmarks/ledger
bench-anchor: ## gas, time to proof, time of an offline check
	$(GO) run ./benchmarks/anchor
bench-eval: ## an evaluation report of a million rows
	$(GO) run ./benchmarks/eval
bench-endtoend: ## whole servers: assayd against MLServer, FastAPI and BentoML
	$(GO) run ./benchmarks/endtoend -python $(PEERS_PYTHON)
bench-scale: ## how cost grows with rows, trees, columns, callers and the size of the log
	$(GO) run ./benchmarks/scale

# How long `make hammer` runs.
HAMMER ?= 60s

.PHONY: hammer
hammer: ## load with kills, swaps, chain faults and slow clients, every receipt verified, for HAMMER
	$(GO) run ./benchmarks/hammer -for $(HAMMER)

.PHONY: torture
torture: ## 1,000 kills, 1,000 power cuts, every tamper 50 times: about an hour; writes docs/reliability.md
	$(GO) run ./benchmarks/torture -into docs/reliability.md

.PHONY: demo
demo: ## train, serve, anchor and verify on real data
	$(GO) run ./cmd/assay demo

.PHONY: tidy
tidy: ## check that go.mod and go.sum match the imports
	$(GO) mod tidy -diff
	cd tools/archive && $(GO) mod tidy -diff
	cd tools/pkcs11keys && $(GO) mod tidy -diff
