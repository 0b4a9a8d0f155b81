# `make` lists the targets. Every target fetches what it needs, once.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Python for fetching; override with PYTHON=/path/to/python3.
FETCH = "$$(scripts/find-python.sh)"

export PKG_CONFIG_PATH := $(CURDIR)/.deps/onednn/lib/pkgconfig$(if $(PKG_CONFIG_PATH),:$(PKG_CONFIG_PATH))
# Without this, a new build plan sometimes recompiles unchanged dependencies.
export SWIFT_DETERMINISTIC_HASHING := 1

.PHONY: help
help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: deps
deps: ## unpack oneDNN into .deps (SYSTEM_ONEDNN=1: use the system's)
	@$(FETCH) scripts/deps.py

.PHONY: build
build: deps ## build the command-line tool (release)
	@echo "build: swift build -c release"
	@swift build -c release

.PHONY: build-server
build-server: build ## build the server (release); the first build takes 15 to 25 minutes
	@[ -f /usr/include/zlib.h ] || pkg-config --exists zlib || \
	  { echo "build-server: zlib's headers are missing: apt-get install zlib1g-dev" >&2; exit 1; }
	@echo "build-server: cd Server && swift build -c release"
	@cd Server && swift build -c release
	@# `fusedinf serve` looks for the server beside itself.
	@ln -sfn ../../../Server/.build/release/fusedinf-server .build/release/fusedinf-server

.PHONY: serve
serve: ## serve the demo's models under a budget too small for all of them (HTTP_PORT, GRPC_PORT, BUDGET)
	@$(MAKE) --no-print-directory -j2 build-server models
	@scripts/serve.sh $(SERVE_OPTIONS)

.PHONY: models
models: ## fetch the demo's ONNX models into .cache/models
	@$(FETCH) scripts/models.py

.PHONY: classifiers
classifiers: ## export the classifiers with torchvision into .cache/models
	@scripts/classifiers.sh

.PHONY: venv
venv: ## create .venv with onnxruntime, onnx and numpy
	@scripts/venv.sh

.PHONY: references
references: venv models classifiers ## compute reference answers with onnxruntime
	@.venv/bin/python scripts/make-references.py

.PHONY: demo
demo: ## run seven models on one picture, under a budget too small for all of them
	@# Models are fetched while the program is built.
	@$(MAKE) --no-print-directory -j3 build models venv
	@.venv/bin/python scripts/demo.py

.PHONY: accuracy
accuracy: build references real-models ## compare every output of every model with onnxruntime
	@.venv/bin/python scripts/accuracy.py
	@.venv/bin/python scripts/accuracy.py --real

.PHONY: accuracy-quick
accuracy-quick: build references
	@.venv/bin/python scripts/accuracy.py

.PHONY: real-models
real-models: venv ## export, fetch and quantise the real models into .cache/real, with answers (15 minutes)
	@scripts/real-models.sh $(REAL_MODELS)

.PHONY: acceptance
acceptance: build references ## check from outside: fused answers, swapping, budgets, bad input
	@.venv/bin/python scripts/acceptance.py

.PHONY: test
test: deps references ## run all tests
	@echo "test: swift build -c release --build-tests"
	@swift build -c release --build-tests
	@# Tests of the process's own memory and descriptors want no neighbours that open thousands of models.
	@FUSEDINF_REFERENCES="$(CURDIR)/.cache/references/manifest.json" \
	  swift test -c release --skip-build --disable-xctest --skip OperatorCaseTests
	@swift test -c release --skip-build --disable-xctest --filter OperatorCaseTests

# The runner of the cases is built in the same folder as the program, and by this target alone.
.PHONY: conformance
conformance: deps venv ## run ONNX's backend tests with FusedInf and onnxruntime (UPDATE=1: accept changes)
	@echo "conformance: FUSEDINF_CONFORMANCE=1 swift build -c release"
	@FUSEDINF_CONFORMANCE=1 swift build -c release
	@.venv/bin/python scripts/conformance.py $(if $(UPDATE),--update)

.PHONY: venv-clients
venv-clients: ## create .venv-clients with tritonclient, onnxruntime and pytest
	@scripts/venv.sh .venv-clients clients

.PHONY: test-server
test-server: build-server venv-clients ## run the server's tests, with real clients
	@if [ -d Server/Tests/ServingTests ]; then cd Server && swift build -c release --build-tests && \
	  swift test -c release --skip-build --disable-xctest; fi
	@.venv-clients/bin/python -m pytest -q Server/Tests/clients

# The benchmark's contender is built in the same folder as the program, and by these targets alone.
.PHONY: bench-contender
bench-contender: deps references
	@echo "bench: FUSEDINF_BENCH=1 swift build -c release"
	@FUSEDINF_BENCH=1 swift build -c release
	@scripts/venv.sh .venv-bench bench

.PHONY: bench
bench: bench-contender ## measure FusedInf and its peers (an hour; results go to bench/results)
	@scripts/venv.sh .venv-torch bench-torch || echo "bench: PyTorch is left out"
	@.venv-bench/bin/python bench/run.py $(BENCH_OPTIONS)

.PHONY: bench-quick
bench-quick: bench-contender ## measure fewer models and rounds (ten minutes)
	@.venv-bench/bin/python bench/run.py --quick $(BENCH_OPTIONS)

# A peer that cannot be installed is left out.
.PHONY: bench-serving
bench-serving: bench-contender ## measure the server, Triton, Ray Serve and LitServe (BENCH_OPTIONS=--quick: 12 minutes)
	@echo "bench: swift build -c release, in Server"
	@cd Server && swift build -c release
	@scripts/venv.sh .venv-clients clients
	@for peer in triton ray litserve; do scripts/venv.sh .venv-$$peer serving-$$peer || echo "bench: $$peer is left out"; done
	@.venv-clients/bin/python bench/run_serving.py $(BENCH_OPTIONS)

.PHONY: load
load: build references ## overload the server: one, two and four times its capacity (LOAD_SECONDS=300 each)
	@echo "load: swift build -c release, in Server"
	@cd Server && swift build -c release
	@scripts/venv.sh .venv-clients clients
	@.venv-clients/bin/python scripts/load.py

.PHONY: soak
soak: build-server venv-clients ## everything at once for half an hour, against the documented memory (SOAK_SECONDS=1800)
	@.venv-clients/bin/python scripts/soak.py

.PHONY: release
release: build-server models ## make dist/fusedinf.tar.gz, which needs no Swift, and try it in a bare Debian root
	@scripts/make-release.sh
	@scripts/check-release.sh

.PHONY: lint
lint: ## check the style of the Swift sources, comments and documents
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests bench/Contender Server/Package.swift Server/Sources Server/Tests examples/swift
	@$(FETCH) scripts/check-docs.py
	@$(FETCH) scripts/check-comments.py
	@$(FETCH) scripts/make-operator-list.py --check
	@echo "lint: clean"

.PHONY: format
format: ## format the Swift sources
	@swift format --in-place --recursive --parallel Package.swift Sources Tests bench/Contender Server/Package.swift Server/Sources Server/Tests examples/swift

.PHONY: mutants
mutants: deps ## check that the tests notice small faults: an hour (MUTANTS_OPTIONS=Linker: one stage's)
	@$(FETCH) scripts/mutants.py $(MUTANTS_OPTIONS)

.PHONY: sanitize
sanitize: deps ## run the tests under AddressSanitizer and ThreadSanitizer
	@scripts/sanitize.sh

.PHONY: fuzz
fuzz: deps ## feed mutated model files to the importer for a minute (FUZZ_SECONDS)
	@# Built like `make test`: plain `swift test` would build everything again.
	@echo "fuzz: swift build -c release --build-tests"
	@swift build -c release --build-tests
	@FUSEDINF_FUZZ_SECONDS="$${FUZZ_SECONDS:-60}" \
	  swift test -c release --skip-build --disable-xctest --filter Fuzz

.PHONY: fuzz-shapes
fuzz-shapes: build venv ## throw random and extreme sizes at every operator for three minutes (FUZZ_SECONDS, FUZZ_SEED)
	@.venv/bin/python scripts/fuzz-shapes.py --seconds "$${FUZZ_SECONDS:-180}" --seed "$${FUZZ_SEED:-1}"

.PHONY: fuzz-graphs
fuzz-graphs: deps venv ## compare random graphs of all operators with onnxruntime (FUZZ_SECONDS, FUZZ_SEED, FUZZ_COUNT)
	@echo "fuzz-graphs: FUSEDINF_CONFORMANCE=1 swift build -c release"
	@FUSEDINF_CONFORMANCE=1 swift build -c release
	@.venv/bin/python scripts/fuzz-graphs.py --seconds "$${FUZZ_SECONDS:-180}" --seed "$${FUZZ_SEED:-1}" \
	  $${FUZZ_COUNT:+--count "$$FUZZ_COUNT"}

.PHONY: clean
clean: ## remove build outputs; keep fetched files (make distclean removes them too)
	rm -rf .build Server/.build examples/swift/.build dist .cache/store

.PHONY: distclean
distclean: clean ## remove everything that is not in the repository
	rm -rf .deps .cache .venv .venv-* .swiftpm
