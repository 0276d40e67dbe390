# The targets for everything that a developer does in this project; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
PURE := tests/unit tests/model tests/contract faults/tests

# Tests start thousands of processes: without written bytecode, each of them compiles all its modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup clients demo up down status check format lint types imports rules surface unit fuzz test test-long test-bench bench bench-growth bench-against rivals faults faults-planted faults-peers bare-machine lock clean-local

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/ready .venv/compiled .local/kafka/ready ## install everything the project needs, into .venv and .local

.venv/ready: requirements/build.txt requirements/dev.txt requirements/install.sh pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: set PYTHON=python3.11"; exit 1; }
	@echo "installing Python packages into .venv"
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@requirements/install.sh .venv requirements/dev.txt
	@.venv/bin/uv pip install --quiet --python $(PY) --offline --no-deps --no-build-isolation --editable .
	@touch $@

# Without a C compiler, the target file is not written. So a compiler that is installed later is used.
.venv/compiled: $(wildcard services/aggregator/decoding/compiled/*.p[yx][xd]) .venv/ready
	@$(PY) -m deploy.local compile && touch $@ || [ $$? -eq 2 ]

.local/kafka/ready: requirements/kafka.txt .venv/ready
	@echo "fetching Kafka into .local/kafka"
	@$(PY) -m deploy.local fetch
	@touch $@

clients: .local/clients/python/ready .local/clients/typescript/ready ## the generators of API clients that a test uses (TypeScript: npm is needed)

.local/clients/python/ready: requirements/clients.txt .venv/ready
	@echo "installing the generator of Python clients into an environment of its own"
	@$(PYTHON) -m venv --clear .local/clients/python
	@requirements/install.sh .local/clients/python requirements/clients.txt
	@touch $@

# Without npm, the target file is not written. So an npm that is installed later is used.
.local/clients/typescript/ready: tests/support/generated_clients/package-lock.json
	@command -v npm >/dev/null || exit 0; \
	  echo "installing the generator of TypeScript clients into .local/clients"; \
	  mkdir -p $(@D) && cp $(<D)/package.json $< $(@D) && npm ci --prefix $(@D) --silent --ignore-scripts --no-audit --no-fund && touch $@

demo: setup ## the whole programme on this machine: DURATION=60 ends it with a report, else Ctrl-C
	@$(PY) -m simulator demo $(if $(DURATION),--duration $(DURATION)) $(if $(RATE),--rate $(RATE))

up: setup ## start Kafka, PostgreSQL and all services in the background
	@$(PY) -m deploy.local up

down: setup ## stop them
	@$(PY) -m deploy.local down

status: setup ## show what runs, and how it is
	@$(PY) -m deploy.local status

format: setup ## format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

lint: setup
	@.venv/bin/ruff format --check . && .venv/bin/ruff check .

types: setup
	@echo "checking types"
	@.venv/bin/mypy services tests faults simulator deploy contract bench checks

imports: setup
	@.venv/bin/lint-imports --no-logo

unit: setup
	@$(PY) -m pytest -q -n 2 $(PURE)

rules: setup
	@echo "checking the house rules"
	@$(PY) -m checks.size_limits && $(PY) -m checks.nondeterminism && $(PY) -m checks.sql_lower_case && $(PY) -m checks.migration_sql && $(PY) -m checks.plain_english

surface: setup ## refuse breaking changes; compare OpenAPI, AsyncAPI, metrics and settings with recordings: FULL=1 also databases
	@$(PY) -m checks.surface compare $(if $(FULL),--full)

check: lint types imports rules surface unit ## format, lint, types, import rules, unit and contract tests: two minutes

fuzz: setup ## feed the compiled decoder arbitrary bytes under sanitizers, and imports damaged files: SECONDS=60, SEED=n
	@$(PY) -m tests.fuzz.decoder $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))
	@$(PY) -m tests.fuzz.import_files $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

test: check clients ## everything but the long tests, on a real broker and database, in Chromium and in containers; says what it could not run
	@$(PY) -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder -m "not long" tests/e2e tests/integration tests/ports tests/browser --ignore tests/integration/bench $(PYTEST_ARGS)
	@$(PY) -m pytest -q tests/containers $(PYTEST_ARGS)
	@$(PY) -m tests.support.required_programs

test-long: setup ## long outages, kills at every point of the notifier, many bursts of milestones: five minutes
	@$(PY) -m pytest -q -m long tests/e2e tests/browser $(PYTEST_ARGS)

test-bench: rivals ## each path and its rivals with little work: they run, and their counts agree (Maven and a JDK are needed)
	@$(PY) -m pytest -q tests/integration/bench $(PYTEST_ARGS)

bare-machine: ## make demo and make test on a minimal Debian made for it (as root, with debootstrap): ONLY=demo or test
	@$(PYTHON) checks/bare_debian.py $(if $(ONLY),--only $(ONLY))

bench-growth: setup ## cost and memory as work grows: GROWTH=name for one
	@$(PY) -m bench.growth $(if $(GROWTH),--only $(GROWTH)) $(if $(LARGE),--large)

bench: setup rivals ## every path beside its rivals: QUICK=1 (five minutes), COMPARE=file, BENCH_PATH=name, PAIRS=n
	@$(PY) -m bench $(if $(QUICK),--quick) $(if $(COMPARE),--compare $(COMPARE)) $(if $(BENCH_PATH),--path $(BENCH_PATH)) $(if $(PAIRS),--pairs $(PAIRS))

bench-against: setup ## this version beside another commit on one path, without rivals: REF=commit, BENCH_PATH=name, PAIRS=5, MIN=0.95, FIGURE=name, QUICK=1
	@$(PY) -m bench.comparison $(REF) $(if $(BENCH_PATH),--path $(BENCH_PATH)) $(if $(PAIRS),--pairs $(PAIRS)) $(if $(MIN),--min $(MIN)) $(if $(FIGURE),--figure "$(FIGURE)") $(if $(QUICK),--quick)

rivals: setup .local/bench/streams/ready .local/bench/quix/ready

.local/bench/streams/ready: bench/rivals/kafka_streams/pom.xml $(wildcard bench/rivals/kafka_streams/src/main/java/bench/*.java)
	@echo "building the Kafka Streams rivals (half a minute the first time)"
	@rm -rf .local/bench/streams
	@mvn -q -B -f $< compile dependency:copy-dependencies
	@touch $@

.local/bench/quix/ready: requirements/quix.txt .venv/ready
	@echo "installing Quix Streams into an environment of its own"
	@$(PYTHON) -m venv --clear .local/bench/quix
	@requirements/install.sh .local/bench/quix requirements/quix.txt
	@.venv/bin/hatchling build -t wheel:editable -d .local/bench/wheel >/dev/null
	@.venv/bin/uv pip install --quiet --python .local/bench/quix/bin/python --offline --no-deps .local/bench/wheel/*.whl
	@touch $@

faults: setup ## inject faults into the running system for 32 minutes and check its guarantees: SHORT=1, ROUNDS=n
	@$(PY) -m faults $(if $(SHORT),--short) $(if $(ROUNDS),--rounds $(ROUNDS)) --report .local/faults/report.json

faults-planted: setup ## find seventeen planted bugs, each by a short campaign: BUG=name, HEALTHY=1
	@$(PY) -m faults --planted $(or $(BUG),all) $(if $(HEALTHY),--healthy) --report .local/faults/$(if $(HEALTHY),healthy,planted).json

faults-peers: setup .local/bench/streams/ready ## compare lost and doubled events after kills: our aggregator, a stock Faust Table, Kafka Streams
	@$(PY) -m faults.counter_comparison --report .local/faults/peers.json

LOCK := .venv/bin/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11

lock: setup ## pin and hash the requirements again, of Python, Kafka and TypeScript clients (npm is needed)
	@for set in dev quix clients; do $(LOCK) requirements/$$set.in -o requirements/$$set.txt || exit; done
	@for set in registration aggregator notifier board deploy build decoder; do \
	  $(LOCK) -c requirements/dev.txt requirements/$$set.in -o requirements/$$set.txt || exit; done
	@$(PY) -m deploy.local lock
	@npm install --prefix tests/support/generated_clients --package-lock-only --omit-lockfile-registry-resolved --silent --no-audit --no-fund

clean-local: ## forget what the local stack has stored
	@if [ -x $(PY) ]; then $(PY) -m deploy.local forget; else rm -rf .local; fi
