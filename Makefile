# make run    start Fourfold on this machine, with the CRM example and demo data on the first start
# make test   everything that must hold: format, lint, types, import contracts, tests on both databases
# make bench  measurements (never part of the tests)
# make lock   renew the locked versions after a change of pyproject.toml or package.json

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
VENDOR := templates/static/vendor/LICENSES.txt
WORKERS ?= 2

.PHONY: run test format check bench lock vendor clean

run: $(VENV)/run.stamp $(VENDOR)
	@$(BIN)/fourfold migrate
	@$(BIN)/fourfold demo
	@exec $(BIN)/fourfold serve

test: check
	$(BIN)/pytest -n $(WORKERS)

check: $(VENV)/test.stamp $(VENDOR)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/test.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/test.stamp $(VENDOR)
	@set -e; for script in tests/benchmarks/bench_*.py; do echo "== $$script"; PYTHONPATH=. $(BIN)/python $$script; done

lock: $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra build $(LOCK) -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra build --extra test -c requirements.txt $(LOCK) -o requirements-test.txt
	npm install --package-lock-only --ignore-scripts

LOCK := --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
        --no-emit-index-url --no-emit-find-links --quiet

vendor: $(VENDOR)

$(VENDOR): package-lock.json templates/vendor.mjs templates/icons.txt
	npm ci --ignore-scripts --silent
	npm run --silent vendor

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Fourfold needs Python 3.11 or newer; say which: make run PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/run.stamp: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/test.stamp: requirements-test.txt $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.txt
	@touch $@

clean:
	rm -rf build dist node_modules templates/static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis
