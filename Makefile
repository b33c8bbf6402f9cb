# make demo, make test, make test-all: each makes .venv with $(PYTHON), 3.11 or newer, installs into it and runs.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest

.PHONY: demo test test-slow test-all readme

demo: .venv/.lib
	$(BIN)/tinybench demo

# one BLAS thread a process: the matrices are small, and the tests run in two processes
test test-slow: export OMP_NUM_THREADS = 1
test test-slow: export OPENBLAS_NUM_THREADS = 1
# compiled files are kept, whatever the shell says: every worker and each process that a test starts would compile all again
test test-slow: export PYTHONDONTWRITEBYTECODE =

# the files first: what does not agree there is said in seconds
test: .venv/.dev
	$(BIN)/ruff check --quiet --no-cache nbs tests tinybench
	$(PYTEST) -m "not slow" tests/project
	$(BIN)/nbdev_test --n_workers 2
	$(PYTEST) -m "not slow" --ignore=tests/project -n 2 --dist worksteal

# what `make test` leaves out; one test at a time to each worker, as few of these take as long as the next; and what
# another test beside it would spoil
test-slow: .venv/.dev
	$(PYTEST) -m "slow and not alone" -n 2 --dist loadgroup
	$(PYTEST) -m alone

test-all: test
	$(MAKE) test-slow

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
