# Everything a person does here; `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
PURE := tests/unit tests/contract

.PHONY: help setup demo up down status check format lint types imports unit test bench bench-growth bench-against rivals faults faults-planted faults-peers lock clean-local

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/ready .venv/compiled .local/kafka/ready ## install everything the project needs, into .venv and .local

.venv/ready: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: set PYTHON=python3.11"; exit 1; }
	@echo "installing Python packages into .venv (a minute the first time)"
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --require-hashes -r requirements/dev.txt
	@$(PY) -c 'import site, pathlib; pathlib.Path(site.getsitepackages()[0], "jakpreneur.pth").write_text("$(CURDIR)/services\n$(CURDIR)\n")'
	@touch $@

# Without a compiler nothing is marked as done: one that comes later is used.
.venv/compiled: services/aggregator/compiled/runs.pyx .venv/ready
	@$(PY) -m deploy.local compile && touch $@ || [ $$? -eq 2 ]

.local/kafka/ready: deploy/local/pom.xml .venv/ready
	@echo "fetching Kafka into .local/kafka (half a minute the first time)"
	@$(PY) -m deploy.local fetch
	@touch $@

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
	@.venv/bin/mypy services tests simulator deploy contract bench

imports: setup
	@.venv/bin/lint-imports --no-logo

unit: setup
	@$(PY) -m pytest -q $(PURE)

check: lint types imports unit ## format, lint, types, import rules, unit and contract tests: under a minute

test: check rivals ## everything, on a real broker and database, in Chromium and in containers
	@$(PY) -m pytest -q -n 2 --dist loadscope tests/e2e tests/integration tests/ports tests/browser $(PYTEST_ARGS)
	@$(PY) -m pytest -q tests/containers $(PYTEST_ARGS)

bench-growth: setup ## cost and memory as work grows: GROWTH=name for one
	@$(PY) -m bench.growth $(if $(GROWTH),--only $(GROWTH)) $(if $(LARGE),--large)

bench: setup rivals ## every path beside its rivals: QUICK=1 (five minutes), COMPARE=file, BENCH_PATH=name, PAIRS=n
	@$(PY) -m bench $(if $(QUICK),--quick) $(if $(COMPARE),--compare $(COMPARE)) $(if $(BENCH_PATH),--path $(BENCH_PATH)) $(if $(PAIRS),--pairs $(PAIRS))

bench-against: setup ## this version beside another commit on one path, without rivals: REF=commit, BENCH_PATH=name, PAIRS=5, MIN=0.95, FIGURE=name, QUICK=1
	@$(PY) -m bench.against $(REF) $(if $(BENCH_PATH),--path $(BENCH_PATH)) $(if $(PAIRS),--pairs $(PAIRS)) $(if $(MIN),--min $(MIN)) $(if $(FIGURE),--figure "$(FIGURE)") $(if $(QUICK),--quick)

rivals: setup .local/bench/streams/ready .local/bench/quix/ready

.local/bench/streams/ready: bench/rivals/streams/pom.xml $(wildcard bench/rivals/streams/src/main/java/bench/*.java)
	@echo "building the Kafka Streams rivals (half a minute the first time)"
	@rm -rf .local/bench/streams
	@mvn -q -B -f $< compile dependency:copy-dependencies
	@touch $@

.local/bench/quix/ready: requirements/quix.txt
	@echo "installing Quix Streams into an environment of its own (half a minute the first time)"
	@rm -rf .local/bench/quix
	@$(PYTHON) -m venv .local/bench/quix
	@.local/bench/quix/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

faults: setup ## break the running system for 20 minutes and judge it from outside: SHORT=1, ROUNDS=n
	@$(PY) -m tests.faults $(if $(SHORT),--short) $(if $(ROUNDS),--rounds $(ROUNDS)) --report .local/faults/report.json

faults-planted: setup ## catch eight planted bugs, each in a short campaign of its own: BUG=name, HEALTHY=1
	@$(PY) -m tests.faults --planted $(or $(BUG),all) $(if $(HEALTHY),--healthy) --report .local/faults/$(if $(HEALTHY),healthy,planted).json

faults-peers: setup .local/bench/streams/ready ## kill our aggregator, a stock Faust Table and Kafka Streams alike: lost, doubled
	@$(PY) -m tests.faults.peers --report .local/faults/peers.json

lock: ## pin and hash the requirements again
	@for set in service dev quix; do \
	  .venv/bin/uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	    --python-version 3.11 requirements/$$set.in -o requirements/$$set.txt; done

clean-local: ## forget what the local stack has stored
	@if [ -x $(PY) ]; then $(PY) -m deploy.local forget; else rm -rf .local; fi
