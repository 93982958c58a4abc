# Everyday verbs. `make demo` and `make test` need Python 3.11+, git, make and a package index.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test test-slow test-pulumi pulumi lint lock docs bench acceptance clean

help: ## List the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: .venv/.ready ## Make the environment in .venv

.venv/.ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Terrace needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# MLflow lives in an environment of its own, in the user's cache; quick when it is there.
.venv/.tracking: .venv/.ready src/terrace/sandbox/tracking/requirements.txt
	$(BIN)/python -m terrace.sandbox.tracking.install
	@touch $@

demo: setup .venv/.tracking ## Run the whole story in the sandbox
	$(BIN)/terrace demo

test: lint .venv/.tracking ## Style, types and every ring but its dear half
	$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "not slow"

# The SageMaker SDK weighs a gigabyte; definitions that it makes are tried with it.
.venv/.sdk: .venv/.ready templates/model/project/requirements/pipeline.txt
	$(BIN)/python tools/sagemaker_sdk.py
	@touch $@

test-slow: setup .venv/.tracking .venv/.sdk ## The dear half: generated projects, wheels, killed runs
	$(BIN)/python -m pytest -n 2 --dist loadfile -q -m slow

test-pulumi: setup ## The ring of Pulumi's own engine; builds its command line where there is none
	PATH="$$(tools/pulumi/build):$$PATH" $(BIN)/python -m pytest -n 2 --dist loadfile -q tests/pulumi_engine tests/changes -k pulumi

pulumi: ## Print the folder of Pulumi's command line; build it from its Go module where there is none
	@tools/pulumi/build

lint: setup ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: setup ## Pin every dependency again, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--extra sandbox --group dev pyproject.toml --output-file requirements/dev.txt

docs: setup ## Write the reference pages and the README's table from the code
	$(BIN)/python -m terrace.cli.reference

bench: setup ## Measure the ratios that the docs quote
	PATH="$$(tools/pulumi/build):$$PATH" $(BIN)/python -m benchmarks

acceptance: setup ## An environment's whole life on your own account: ENV=trial CAP=5 [HOURS=3] [ACKNOWLEDGE=use]
	@PATH="$$(tools/pulumi/build):$$PATH" $(BIN)/python -m terrace.acceptance $(ENV) --cap $(CAP) \
		$(if $(HOURS),--hours $(HOURS)) $(if $(ACKNOWLEDGE),--acknowledge "$(ACKNOWLEDGE)") $(ARGS)

clean: ## Remove what the verbs above made
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
