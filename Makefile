# What you can do here: make help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check format test-spark bench notebooks lab sample clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## set up, show the whole picture of the sample data, write report.html
	$(BIN)/trainview summary data/
	$(BIN)/trainview report data/ -o report.html --force

test: $(VENV)/.developing check ## set up, then lint, check types and run every test
	$(BIN)/python -m pytest --numprocesses auto --dist loadgroup

test-spark: $(VENV)/.developing ## try all cases and properties of the helpers on PySpark too (half an hour)
	TRAINVIEW_TEST_KINDS=pyspark $(BIN)/python -m pytest tests/analysis tests/plot/test_contract.py

check: $(VENV)/.developing ## lint and check types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.developing ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.developing ## measure against named peers
	$(BIN)/python -m tests.benchmarks

notebooks: $(VENV)/.developing ## run the notebooks and keep their outputs
	$(BIN)/python -m tests.notebooks

lab: $(VENV)/.developing ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=notebooks

sample: $(VENV)/.installed ## make data/ again
	$(BIN)/trainview sample data/ --force

clean: ## take away what was set up and built
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "trainview needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(PIP) install --constraint requirements.txt --editable .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(PIP) install --requirement requirements.txt
	@touch $@
