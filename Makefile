# Everything from a fresh clone: `make demo` or `make test` first makes the environment. Needs Python 3.11 or newer.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test faults bench fmt check schemas lock clean

DATA ?= .drawdown
BIN := .venv/bin
STAMP := .venv/.made-from-these-requirements

# The first Python that is new enough, and can make an environment.
NEW_ENOUGH := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then command -v $$p; break; fi; done)

help: ## show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the environment (.venv), once

# Every file is checked against its hash. The last step needs no network: what builds us is among the requirements.
$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Drawdown needs Python 3.11 or newer with venv (Debian: apt install python3-venv);" \
		"none was found. Name yours: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv
	@echo "installing what Drawdown needs into .venv, once …"
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

demo: $(STAMP) ## from nothing to fund totals that you can check by hand
	$(BIN)/drawdown demo --data $(DATA)

check: $(STAMP) ## format, lint, types, who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## check, then every test on a real broker and database
	$(BIN)/pytest --numprocesses 2 --dist loadfile

faults: $(STAMP) ## the long proof: a thousand kills, every crash point, every seeded bug; writes docs/faults.md
	DRAWDOWN_FAULTS=full $(BIN)/pytest tests/faults/test_network.py tests/faults/test_disk.py
	$(BIN)/python -m tests.faults.seeded --report docs/seeded-bugs.json
	$(BIN)/python -m tests.faults --report docs/faults.md

bench: $(STAMP) ## measure it beside what others would use, on a quiet machine; writes docs/performance.md
	$(BIN)/python -m bench

fmt: $(STAMP) ## format, and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(STAMP) ## write the committed contracts anew from the models
	$(BIN)/python -m shared.contracts.generate
	DRAWDOWN_REWRITE_SNAPSHOTS=1 $(BIN)/pytest -q tests/tidy/test_migrations.py tests/contracts/test_openapi.py -k committed

lock: ## pin every requirement anew, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv" >&2; exit 1; }
	for name in services dev java; do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
			requirements/$$name.in --output-file requirements/$$name.txt || exit 1; \
	done

clean: ## stop what runs, and remove its data and every cache, but not the environment
	@if test -x $(BIN)/drawdown && test -d $(DATA); then $(BIN)/drawdown down --data $(DATA) --remove-data; fi
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
