# Soundings: everything there is to do, from nothing. `make help` lists it.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; looked for only when the environment is made.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell \
	$p -c 'import sys; sys.version_info >= (3, 11) and print("$p")' 2>/dev/null)))
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate $(UPGRADE)

# What stands in the environment, each remembered by a file in it.
MADE := $(VENV)/.made
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.tools

ifdef PORT
export SOUNDINGS_PORT := $(PORT)
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test test-long check fix migration migrate strings lock benchmark needs clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Run the application with demo data on 127.0.0.1:8000 (PORT=8123 make run)
	@$(BIN)/soundings demo
	@exec $(BIN)/soundings serve --with-worker

test: needs check ## Run everything that the main branch must pass
	@$(BIN)/python -m pytest

test-long: needs $(TOOLS) ## Run the tests that take minutes, too
	@$(BIN)/python -m pytest -m ''

check: $(TOOLS) ## Check form, types and the order of rooms
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

fix: $(TOOLS) ## Format the code and mend what can be mended by a machine
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format

migration: $(TOOLS) ## Write a migration from the models: make migration M="add invitations"
	@test -n "$(M)" || { echo 'Say what it does: make migration M="add invitations"' >&2; exit 2; }
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && export SOUNDINGS_DATA_DIR=$$folder && \
		$(BIN)/soundings db upgrade && $(BIN)/soundings db revise "$(M)"

migrate: $(INSTALLED) ## Bring the database's schema up to date
	@$(BIN)/soundings db upgrade

strings: $(TOOLS) ## Collect the texts to translate and bring the catalogues up to date
	@$(BIN)/pybabel --quiet extract --mapping-file=locales/babel.cfg --keywords=_l \
		--keywords=lazy_gettext --sort-by-file --add-location=file --width=100 \
		--project=Soundings --copyright-holder='the Soundings authors' \
		--output-file=locales/messages.pot .
	@for catalogue in $(wildcard locales/*/LC_MESSAGES/messages.po); do \
		$(BIN)/pybabel --quiet update --input-file=locales/messages.pot --output-file=$$catalogue \
			--locale=$$(basename $${catalogue%/LC_MESSAGES/*}) --no-fuzzy-matching --width=100 \
			--ignore-obsolete --ignore-pot-creation-date || exit 1; \
	done

lock: $(TOOLS) ## Lock the dependencies; UPGRADE=--upgrade takes the newest
	@$(LOCK) --extra postgres --group build --output-file requirements.lock
	@$(LOCK) --extra postgres --extra accurate --extra polars --extra spark --group dev --output-file requirements-dev.lock

benchmark: $(INSTALLED) $(TOOLS) ## Measure what the project promises (ROWS=100M make benchmark)
	@$(BIN)/python tests/benchmarks/run.py $(if $(ROWS),--rows $(ROWS))

clean: ## Remove what was made, but for the data
	@rm -rf $(VENV) dist build .*_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

needs:
	@tests/tools/needs.sh

$(MADE):
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed: install python3' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo "Python's venv is missing: install the package python3-venv" >&2; exit 1; }
	@echo 'Making the environment in $(VENV) …'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(INSTALLED): requirements.lock pyproject.toml | $(MADE)
	@echo 'Installing what the application needs …'
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(TOOLS): requirements-dev.lock pyproject.toml | $(MADE)
	@echo 'Installing what the tests need …'
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
