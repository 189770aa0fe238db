# Everything this repository can do. `make help` lists it. Needs python3 (3.11 to 3.13) with venv, and nothing else:
# uv, Node and PostgreSQL come from Python packages.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:

# An interpreter is never downloaded behind anyone's back; the one that is there is used.
export UV_PYTHON_DOWNLOADS := never
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
export COMPTOIR_UV := $(abspath $(UV))
PYTHON := .venv/bin/python
# What a newcomer reads while waiting is said in the language of the terminal, as the program itself does it.
FRENCH := $(filter fr%,$(firstword $(LC_ALL) $(LC_MESSAGES) $(LANG)))
setting-up = echo "$(if $(FRENCH),Préparation : $(2),Setting up: $(1))"
# A half-made environment leaves no stamp, so the next run makes it again.
READY := .venv/.ready

.PHONY: help
help: ## List what make can do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: $(READY) web ## Seed two businesses, serve everything, print every link and login
	@.venv/bin/comptoir demo

.PHONY: test
test: $(READY) web ## Run all tests, on PostgreSQL 18 and again on Debian's 15
	@tools/system_packages.sh
	@$(PYTHON) -m tools.run_tests

.PHONY: check
check: $(READY) ## Run all static checks, in parallel
	@$(PYTHON) -m tools.check

.PHONY: chaos
chaos: $(READY) web ## Kill web, worker and PostgreSQL under load, for longer than make test does
	@COMPTOIR_CHAOS_KILLS=$(or $(KILLS),120) $(PYTHON) -m pytest -rP -m chaos

.PHONY: fix
fix: $(READY) ## Let ruff format, and mend what it can
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format --quiet .

.PHONY: bench
bench: $(READY) web ## Run all benchmarks into benchmarks/results/latest.json
	@$(PYTHON) -m benchmarks

.PHONY: bench-quick
bench-quick: $(READY) web ## Run the benchmarks that fit in two minutes
	@$(PYTHON) -m benchmarks --quick

.PHONY: screens
screens: $(READY) web ## Make the pictures in docs/screens anew, from the demonstration
	@$(PYTHON) -m tools.screens

.PHONY: web
web: $(READY) ## Build the web apps into src/comptoir/static, if their sources changed
	@$(PYTHON) -m tools.web

.PHONY: wheel
wheel: $(READY) ## Build the wheel, web apps inside, into dist/
	@$(UV) build --quiet --wheel --out-dir dist

.PHONY: setup
setup: $(READY) ## Make the virtual environment, and do nothing else

.PHONY: update-lock
update-lock: | $(UV) ## Move requirements.lock to the newest versions that pyproject.toml allows
	@$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --group dev \
		--no-header --no-annotate --no-emit-index-url --output-file requirements.lock pyproject.toml

.PHONY: clean
clean: ## Throw away what was built; data/ stays
	@rm -rf .venv .venv-* .tools dist build src/comptoir/static web/node_modules web/apps/*/.svelte-kit \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.tools/bin/uv:
	@$(call setting-up,uv,uv)
	@python3 -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

$(READY): requirements.lock pyproject.toml | $(UV)
	@$(call setting-up,Python packages,paquets Python)
	@test -x $(PYTHON) || $(UV) venv --quiet --python '>=3.11,<3.14' .venv
	@$(UV) pip install --quiet --python $(PYTHON) --requirement requirements.lock
	@$(UV) pip install --quiet --python $(PYTHON) --no-deps --editable .
	@touch $@
