# Every target sets up what it needs: a virtual environment in .venv, made again when pyproject.toml changes.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test check bench notebooks browser clean
.DEFAULT_GOAL := help

help:  ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[local,docs]" --group dev
	@touch $@

demo: $(READY)  ## a focus group on the embedded model, into out/demo
	$(BIN)/workbench demo --out out/demo

test: check  ## lint, types, rooms, and all tests
	$(BIN)/python -m pytest

check: $(READY)  ## lint, format, types and the rooms' imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## measure the engine against the scripted model server, a large memory, 10,000 people, 50 who are written, 1,200 scores, 50 who are read, and judges on the embedded model
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.populations
	$(BIN)/python -m benchmarks.scoring
	$(BIN)/python -m benchmarks.extraction
	$(BIN)/python -m benchmarks.similarity
	$(BIN)/python -m benchmarks.judging

notebooks: $(READY)  ## run every notebook on the embedded model
	$(BIN)/python -m pytest --nbval-lax --nbval-cell-timeout=600 notebooks

browser: $(READY)  ## only the tests that drive a real browser
	$(BIN)/python -m pytest -m browser

clean:  ## remove the environment and what was made
	rm -rf $(VENV) out build dist
