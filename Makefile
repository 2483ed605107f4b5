# Few Labels. `make run` serves the explorer, `make test` proves it; both need Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.PHONY: help run test bench check format clean

help:
	@echo "make run     build .venv if needed and serve the explorer on this machine (port 8501 or the next free one)"
	@echo "make test    lint, then every test in random order, a real browser included if Chromium is installed;"
	@echo "             SEED=5 takes the order that was drawn with 5, as the last lines of a run say"
	@echo "make bench   measure a training step against a textbook implementation; about eight minutes, two cores at rest"
	@echo "make check   lint and format check only"
	@echo "make format  put every file into its format"
	@echo "make clean   remove .venv and caches; runs/ and data sets stay"

run: $(VENV)/.installed
	$(BIN)/streamlit run app.py

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile $(if $(SEED),--randomly-seed=$(SEED))

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench $(BENCH)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is %s. Name another one: make PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $(VENV)/.installed $@
