# make demo, make test: each makes .venv with $(PYTHON), 3.11 or newer, installs into it and runs.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test readme

demo: .venv/.lib
	$(BIN)/tinybench demo

# one BLAS thread a process: the matrices are small, and the tests run in two processes
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: .venv/.dev
	$(BIN)/ruff check --quiet --no-cache nbs tests tinybench
	$(BIN)/python -m pytest tests/test_project.py
	$(BIN)/nbdev_test --n_workers 2
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

readme: .venv/.dev
	$(BIN)/python .ci/readme.py

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("tinybench needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.lib: .venv/.made pyproject.toml
	$(PIP) -e .
	@touch $@

.venv/.dev: .venv/.made pyproject.toml
	$(PIP) -e '.[dev]'
	@touch $@ .venv/.lib
