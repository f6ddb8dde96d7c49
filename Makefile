# Everything a newcomer types. `make demo` and `make test` set themselves up; run them as often as you like.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test check docs bench clean

help:
	@echo "make demo   install into $(VENV), train 16 seeds of the pocket world, show the effect (a few minutes)"
	@echo "make test   install into $(VENV), run the tests"
	@echo "make check  format, lint and types"
	@echo "make docs   the guide as a site: docs/_build/index.html"
	@echo "make bench  speed, as ratios"
	@echo "make clean  remove $(VENV) and caches (results are kept)"

$(STAMP): pyproject.toml constraints.txt
	@echo "== Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
		|| { echo "sayso needs Python 3.11 to 3.14; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "== Installing sayso and what it needs (torch is large; a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/sayso demo

test: $(STAMP)
	@echo "== Running the tests"
	@$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(STAMP)
	$(BIN)/python -m sphinx -W --keep-going --quiet docs docs/_build
	@echo "docs/_build/index.html"

bench: $(STAMP)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
