# Needs only make and Python 3.11 or newer with its venv module; everything else is installed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Named by what is locked: another branch's lock is installed, whatever the times of files are.
STAMP := $(VENV)/.installed-$(shell cat requirements.lock pyproject.toml | cksum | tr -cd '0-9')
# What draws the letters of PDFs; Debian's names. Without it the product runs, and PDFs are refused.
TYPE := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core
ARGS ?=
# Workflow modules are imported anew for each run; without bytecode they are compiled each time.
unexport PYTHONDONTWRITEBYTECODE
# Each has servers of its own, and spends much of its time waiting for deadlines to pass.
TEST_PROCESSES ?= 4

.PHONY: help install run demo test gate soak bench check format lock clean histories screenshots

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Install everything into .venv, exactly as locked

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Python's venv module is missing; installing it with apt-get." >&2; \
			apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null; \
		else \
			echo "Python's venv module is missing. On Debian or Ubuntu:" >&2; \
			echo "  sudo apt-get install python3-venv" >&2; exit 1; \
		fi; }
	@$(PYTHON) -m venv $(VENV)

$(STAMP): | $(BIN)/python
	@echo "Installing (a minute or two at the first time) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation -e .
	@$(BIN)/python -c 'import weasyprint' >/dev/null 2>&1 || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing what PDFs need with apt-get." >&2; \
			{ apt-get update -qq && apt-get install -qq -y $(TYPE) >/dev/null; } || \
				echo "It did not work; without it there are no PDFs." >&2; \
		else \
			echo "PDFs need the system's libraries for type. On Debian or Ubuntu:" >&2; \
			echo "  sudo apt-get install $(TYPE)" >&2; \
			echo "Everything else works without them." >&2; \
		fi; }
	@rm -f $(VENV)/.installed*; touch $@

run: $(STAMP) ## Start everything on this machine; Ctrl-C stops it
	@exec $(BIN)/parker up $(ARGS)

demo: $(STAMP) ## Watch a wish being booked, in a throwaway installation
	@exec $(BIN)/parker demo $(ARGS)

test: $(STAMP) ## Run all tests (ARGS="-k name" for some)
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

# What money, states and sign-in depend on is held against all tests, never against some.
gate: $(STAMP) ## Run all tests and name each branch of the critical modules that none took
	@$(MAKE) test COVERAGE_GATE=1

soak: $(STAMP) ## Play 1,000 random schedules (ARGS="--schedules N --seed S")
	@PYTHONPATH=.:tests/support $(BIN)/python -m tests.soak $(ARGS)

bench: $(STAMP) ## Measure it beside the alternatives (ARGS="saga" for one)
	$(BIN)/python -m benchmarks $(ARGS)

check: $(STAMP) ## Lint, formatting, types and the walls between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Put the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## Resolve the dependencies again into requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes \
		--python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links --upgrade \
		-o requirements.lock

histories: $(STAMP) ## Record histories of real runs that are not recorded yet
	PYTHONPATH=.:tests/support $(BIN)/python tests/replay/record.py $(ARGS)

screenshots: $(STAMP) ## Take the README's pictures from the running product
	PYTHONPATH=.:tests/support $(BIN)/python scripts/screenshots.py

clean: ## Remove what tools leave behind; .venv and .parker stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
