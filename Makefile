.DEFAULT_GOAL := help
.ONESHELL:
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
WORKERS ?= 2

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## Make .venv and install the pinned packages

$(STAMP): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer is needed, and $(PYTHON) is not that. Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	[ -w . ] || { echo "This folder cannot be written by you, so .venv cannot be made here. Clone the project into a folder of your own." >&2; exit 1; }
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || { echo "The virtual environment could not be made. On Debian: apt-get install python3-venv. Is the disk full?" >&2; exit 1; }
	echo "Installing the pinned packages into .venv (once, about a minute) ..." >&2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: -r requirements.txt || { echo "The packages could not be installed. Without a network, or with a full disk, they cannot be; nothing else was changed. Run the same command again once that is mended." >&2; exit 1; }
	touch $(STAMP)

run: setup ## Start everything and serve the dashboard until Ctrl-C
	@exec $(BIN)/python -m lib run

lint: setup ## ruff, strict types on lib and api, the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -p no:cacheprovider -n 0 tests/unit/test_imports.py

test: setup chromium ## The whole suite, a real browser included
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --ignore tests/browser tests
	# In a run of their own: Playwright keeps a loop in the main thread, in which no coroutine test can start.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/browser

coverage: setup ## The suite without a browser again, and the lines that no test reaches
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term --ignore tests/browser tests

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || [ -n "$${CHROMIUM:-}" ] || {
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
			echo "Installing Chromium for the browser tests ..." >&2
			{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || { echo "Chromium could not be installed: apt-get install chromium" >&2; exit 1; }
		else
			echo "The browser tests need Chromium, which only root can install: sudo apt-get install chromium" >&2
			exit 1
		fi
	}

prove: setup ## The drawn tests of the numbers and of who sees what, thousands of times instead of hundreds (an hour)
	@DRAWN_QUERIES=5000 DRAWN_AT_CHANGES=100 DRAWN_TEXTS=2000 ALTERNATIONS=5000 API_EXAMPLES=100 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/integration/insights tests/integration/mirror tests/integration/api

storm: setup ## Twenty accounts through a storm of faults while workers are killed; SEED=5 repeats one
	@$(BIN)/python -m tests.storm $(if $(SEED),--seed $(SEED))

bench: setup chromium ## Measure all that was promised on 11 million ad-days; ROWS=1000000 SECTIONS="queries pages"
	@BENCH_DIR="$(BENCH_DIR)" $(BIN)/python -m benchmarks $(if $(ROWS),--rows $(ROWS)) $(SECTIONS)

peers: setup ## Airbyte's connector and Singer's tap, from PyPI, read the sandbox (opt-in; needs the network)
	@PEERS=1 $(BIN)/python -m pytest -n 0 -p no:cacheprovider tests/peers

pictures: setup chromium ## Make every page's pictures anew: light, dark, phone
	@$(BIN)/python -m tests.browser.pictures

requirements: setup ## Compile requirements.in into requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-emit-index-url --no-annotate requirements.in -o requirements.txt

clean: ## Remove .venv and caches; the data in var/ stays
	@rm -rf .venv .peers .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*

.PHONY: help setup run lint test coverage prove storm bench peers pictures requirements clean
