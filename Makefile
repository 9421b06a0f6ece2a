# Everything a fresh clone needs: Python 3.11 or newer, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WEB := $(shell find web -type f -not -path 'web/node_modules/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo run test lint types web web-test bench clean

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(READY) ## The whole service at work: one activity on air, comments coming in
	@exec $(BIN)/minsheng demo

run: $(READY) ## The bare service
	@exec $(BIN)/minsheng serve

test: $(READY) lint types web-test ## Everything that is checked: lint, types, pages, the whole test suite
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder || \
	{ echo "What failed is run once more, alone: a machine with too much to do breaks real media and outages." && \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures=none; }

lint: $(READY) ## Ruff, and ESLint for the pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python hatch_build.py --run lint

types: $(READY) ## mypy, strict (vue-tsc is part of building the pages)
	$(BIN)/mypy

web-test: $(READY) ## The tests of the pages' own logic
	$(BIN)/python hatch_build.py --run test

web: $(READY) ## Build the pages again where their source changed
	$(BIN)/python hatch_build.py

bench: $(READY) ## Measure this machine and print the table
	$(BIN)/minsheng bench

clean: ## Remove what make made; the data folder stays
	rm -rf $(VENV) server/static web/node_modules dist

# Installed once for each state of pyproject.toml; the build hook makes the pages.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Minsheng needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(READY): pyproject.toml hatch_build.py $(WEB) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python hatch_build.py
	@touch $@
