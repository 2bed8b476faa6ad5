# `make demo` and `make test` are all a new user needs; both set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-slow test-mpi fuzz lint notebooks bench clean

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev,mpi]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/decon compare

test: $(STAMP)
	$(BIN)/python -m pytest -q

test-slow: $(STAMP)
	$(BIN)/python -m pytest -q -m slow

test-mpi: $(STAMP)
	$(BIN)/python -m pytest -q -m "mpi and not slow"

fuzz: $(STAMP)
	$(BIN)/python -m pytest -q -m fuzz tests/fuzz

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: $(STAMP)
	$(BIN)/python -m pytest -q --nbmake notebooks -p no:randomly

bench: $(STAMP)
	$(BIN)/python -m pytest -q -m benchmark benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
