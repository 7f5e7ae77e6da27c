# What you can do here: make help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Hundreds of interpreters are started, and uv leaves the compiling to them: let each module be compiled once.
unexport PYTHONDONTWRITEBYTECODE

# of the contract of the helpers, what every engine gives; of the rest, all
CORE_TESTS := tests/reading tests/tables tests/analysis/test_contract.py tests/analysis/test_attention.py \
  tests/cli/test_cli.py tests/test_snapshot.py tests/test_public.py \
  -k "not test_contract or kind_given or documented"

# what takes most of the time: every helper and plot on every input, whole pages, commands, servers and processes
NOT_QUICK := $(addprefix --ignore=,tests/cli tests/cluster tests/docs tests/history tests/reporting tests/sampling \
  tests/story tests/typing tests/analysis/test_contract.py tests/analysis/test_fleet_contract.py \
  tests/analysis/test_dtypes.py tests/analysis/test_against_truth.py tests/plot/test_contract.py \
  tests/analysis/test_crossing.py tests/api/test_client.py tests/fetching/test_fetching.py \
  tests/fetching/test_whole_fleet.py tests/fetching/test_one_job.py tests/test_snapshot_compare.py \
  tests/test_packaging.py tests/test_workers.py)

.DEFAULT_GOAL := help
.PHONY: help demo test quick test-kinds test-spark test-cluster test-oldest check format bench notebooks docs dist lab sample clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## set up, show the whole picture of the sample data, write report.html
	$(BIN)/trainview summary data/
	$(BIN)/trainview report data/ -o report.html --force

test: $(VENV)/.developing check ## set up, then lint, check types and run every test (CI=1: properties try more)
	$(BIN)/python -m pytest --numprocesses auto --dist loadgroup --hypothesis-profile=$(if $(CI),ci,dev) --ignore tests/cluster

quick: $(VENV)/.developing ## run tests while you work, in a minute: by hand-made examples, on two kinds of tables
	TRAINVIEW_TEST_KINDS="polars lazy" $(BIN)/python -m pytest --numprocesses auto --dist loadgroup \
	  --hypothesis-profile=dev -m "not browser and not notebook and not spark" $(NOT_QUICK)

test-kinds: $(VENV)/.developing ## try all cases of the helpers and plots on all kinds of tables but PySpark
	TRAINVIEW_TEST_KINDS=all $(BIN)/python -m pytest --numprocesses auto --dist loadgroup tests/analysis tests/plot

test-spark: $(VENV)/.developing ## try all cases and properties of the helpers on PySpark too (half an hour)
	TRAINVIEW_TEST_KINDS=pyspark $(BIN)/python -m pytest tests/analysis tests/plot/test_contract.py

test-cluster: $(VENV)/.developing ## try helpers on a Spark cluster of one master and two workers on this machine
	$(BIN)/python -m pytest tests/cluster

test-oldest: $(VENV)/oldest/.installed ## run the core of the suite on the oldest versions that pyproject.toml allows
	$(VENV)/oldest/bin/python -m pytest --numprocesses auto --dist loadgroup --hypothesis-profile dev $(CORE_TESTS)

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

docs: $(VENV)/.developing ## build the documentation into docs/_build/html, and check the links in it
	$(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet --jobs auto docs docs/_build/html
	$(BIN)/python -m docs.extension.check_links docs/_build/html

dist: $(VENV)/.developing ## build the sdist and from it the wheel, check both, try the wheel by itself
	rm -rf dist
	$(BIN)/uv build --quiet
	$(BIN)/twine check --strict dist/*
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/wheel
	$(BIN)/uv pip install --quiet --python $(VENV)/wheel --constraint requirements.txt dist/*.whl
	$(VENV)/wheel/bin/python -P -c 'import trainview; print(trainview.__file__, trainview.__version__)'
	$(VENV)/wheel/bin/trainview --version
	$(VENV)/wheel/bin/trainview summary data/ >/dev/null
	$(VENV)/wheel/bin/trainview report data/ -o $(VENV)/wheel/report.html

lab: $(VENV)/.developing ## open JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir=notebooks

sample: $(VENV)/.installed ## make data/ again
	$(BIN)/trainview sample data/ --force

clean: ## take away what was set up and built
	rm -rf $(VENV) build dist docs/_build .pytest_cache .hypothesis .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "trainview needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements.txt | $(VENV)/bin/python
	$(PIP) install --constraint requirements.txt --editable .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(PIP) install --constraint requirements.txt uv
	$(BIN)/uv pip install --quiet --python $(VENV) --requirement requirements.txt \
	  || $(PIP) install --requirement requirements.txt # which knows the settings of pip, too
	@touch $@

# the oldest versions have no wheels for the newest Python
$(VENV)/oldest/.installed: pyproject.toml requirements-oldest.txt | $(VENV)/.developing
	$(BIN)/uv venv --quiet --clear --python 3.11 $(VENV)/oldest
	$(BIN)/uv pip install --quiet --python $(VENV)/oldest --requirement requirements-oldest.txt --editable .
	@touch $@
