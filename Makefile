# Two commands do everything on a fresh Debian machine with Swift: `make demo` and `make test`.
# `make help` lists the rest.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
SEEDS  ?= 10000
FIRST  ?= 1
SEED   ?=
LAB    := Tests/Lab/lab
SOURCES := Package.swift Sources Tests
PROGRAM := .build/release/matriarch

# The Swift runtime goes into the binary, so that it runs where no Swift is installed.
RELEASE := -c release --static-swift-stdlib
# Tests reach internal declarations, which the program is built without: a folder of its own.
RELEASE_TESTS := -c release -Xswiftc -enable-testing --scratch-path .build/release-tests

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install the system libraries that are missing (apt; says what to do elsewhere)
	@scripts/deps

.PHONY: test-deps
test-deps: ## The same, and the programs that the unit tests run against
	@scripts/deps --tests

.PHONY: build
build: deps ## Build the program: .build/release/matriarch
	swift build $(RELEASE) --product matriarch

.PHONY: check
check: test-deps lint unit fuzz-short ## Format lint, strict build, all tests but the lab's in debug and release, a short fuzzing

.PHONY: lint
lint: ## Lint the formatting
	swift format lint --strict --recursive --parallel $(SOURCES)

# Debug and release: the optimiser miscompiles an idiom that debug gets right, so both are run.
# Warnings are errors by Package.swift.
.PHONY: unit
unit: test-deps ## Unit, golden and simulation tests in debug and in release
	/usr/bin/python3 -B -m unittest discover --quiet --start-directory Tests/Lab
	swift test --skip LabTests
	swift test $(RELEASE_TESTS) --skip LabTests

.PHONY: test
test: check lab-test ## Everything: check, then the tests against the real lab

.PHONY: lab-test
lab-test: build ## The tests against the real lab (starts it, and ends what it started)
	$(LAB) deps
	scripts/with-lab swift test --filter LabTests

.PHONY: faults
faults: build ## Every fault on the lab, and the table of what became of each (40 minutes)
	$(LAB) deps
	MATRIARCH_FAULTS=all scripts/with-lab swift test --filter 'LabTests.(FaultTests|SecretsNowhereTests)'

.PHONY: lab-up
lab-up: ## Start the three-server lab (SHAPE=one: the single server)
	$(LAB) deps
	$(LAB) engine start
	$(LAB) build
	$(LAB) up $(or $(SHAPE),three)

.PHONY: lab-down
lab-down: ## Remove the lab's servers and stop its engine if we started it
	$(LAB) down
	$(LAB) engine stop

.PHONY: lab-status
lab-status: ## Show the lab's servers and clusters
	$(LAB) status

.PHONY: demo
demo: build ## The main job on three real servers, start to end
	$(LAB) deps
	scripts/with-lab scripts/demo

.PHONY: bench
bench: build ## Benchmarks on the lab, side by side with other tools
	$(LAB) deps
	scripts/with-lab Tests/Bench/run

# One seed is one story: the same in every process.
.PHONY: simulate
simulate: deps ## Play simulated clusters: SEEDS=10000 FIRST=1, or one with its story: SEED=123
	swift build -c release --product simulate
	.build/release/simulate $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(FIRST))

.PHONY: mutate
mutate: test-deps ## Take each guard away and show what sees it: a seed or a unit test (an hour)
	scripts/mutate

.PHONY: fuzz
fuzz: deps ## Coverage-guided fuzzing: TARGET=manifest TIME=600 (seconds; all targets by default)
	scripts/fuzz $(or $(TARGET),all) $(or $(TIME),60)

# Two seconds a parser on top of the kept inputs, which `unit` has replayed already.
.PHONY: fuzz-short
fuzz-short: deps
	scripts/fuzz all 2

.PHONY: format
format: ## Format the sources in place
	swift format --in-place --recursive --parallel $(SOURCES)

.PHONY: install
install: build ## Install the program and its completions under PREFIX
	install -D -s -m 0755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/matriarch
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(PROGRAM) completions bash \
	    > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/matriarch
	$(PROGRAM) completions zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_matriarch
	$(PROGRAM) completions fish \
	    > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/matriarch.fish

.PHONY: clean
clean: ## Remove what was built
	rm -rf .build .build-fuzz
