# Everything goes through .venv, which `make env` makes from constraints.txt. Nothing outside it is changed but the
# user's model cache (VESTIGE_CACHE, by default ~/.cache/vestige).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help env demo test test-slow check lint types contracts format reference freeze-keys constraints clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp is written last, so an interrupted installation is taken up again. Constraints pin torch: without them pip
# may choose a build that brings several GB of GPU libraries along.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned dependencies into $(VENV); the first time this takes some minutes"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

env: $(READY) ## make .venv with the pinned dependencies and fetch the default model
	@$(BIN)/vestige models get smollm2-135m

demo: env ## run studies/demo.toml and write runs/demo/report.html
	$(BIN)/vestige run studies/demo.toml

test: env ## run the tests, without the slow ones, one process per core
	$(BIN)/python -m pytest --numprocesses logical --dist worksteal

test-slow: env ## run the slow tests: simulations, downloads
	$(BIN)/python -m pytest -m slow --timeout 3600

check: lint types contracts test ## lint, types, import contracts and tests

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY) ## mypy, strict
	$(BIN)/mypy

contracts: $(READY) ## import contracts: layers, torch-free packages
	$(BIN)/lint-imports

format: $(READY) ## mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

reference: $(READY) ## write docs/reference/study-file.md, and the tables of README.md and docs/checks/, from what there is
	$(BIN)/python -m vestige.study.reference > reference.tmp
	mv reference.tmp docs/reference/study-file.md
	$(BIN)/python -m vestige.study.readme README.md docs/checks/README.md

freeze-keys: env ## write tests/golden/keys.json: the keys of every task of every file in studies/
	$(BIN)/python tests/golden/freeze_keys.py

constraints: $(READY) ## write constraints.txt from what .venv holds now
	{ sed -n '/^#/p' constraints.txt; \
	  $(BIN)/python -m pip freeze --all --exclude pip --exclude-editable --local | sed 's/+[A-Za-z0-9.]*$$//'; } > constraints.tmp
	mv constraints.tmp constraints.txt

clean: ## remove caches of the tools; .venv, runs/ and the model cache stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
