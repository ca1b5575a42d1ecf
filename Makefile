# Every target works from a bare checkout with Python >= 3.11 and make, and does only what is not done yet.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --quiet
DIVTOOL = $(BIN)/divtool
DATA = examples/data
KERNELS = $(wildcard divtool/numerics/*.c divtool/numerics/*.h)
INSTALLED = $(VENV)/.installed

export PIP_NO_INPUT = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test check data docs bench clean
.DEFAULT_GOAL := help

help: ## print the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

demo: $(INSTALLED) ## install into .venv and score the example files
	$(DIVTOOL) ce $(DATA)/preds.csv $(DATA)/labels.csv
	$(DIVTOOL) kl $(DATA)/digits_a.npy $(DATA)/digits_b.npy
	$(DIVTOOL) entropy $(DATA)/preds.csv --base 2
	$(DIVTOOL) mi $(DATA)/admissions.csv --target admitted --counts applicants
	@folder=$$(mktemp -d) && trap '{ set +x; } 2>/dev/null; rm -r "$$folder"' EXIT && set -ex && \
	$(DIVTOOL) softmax $(DATA)/digits_a.npy -T 2 -o "$$folder/probs.parquet" && \
	$(DIVTOOL) ce "$$folder/probs.parquet" $(DATA)/digits_labels.npy

test: $(INSTALLED) ## run the tests and the docstrings' examples (ARGS="-k ce -x" goes to pytest)
	@$(BIN)/python -m pytest --doctest-modules divtool tests $(ARGS)

check: $(INSTALLED) ## formatting, lint, types, and which module may import which
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

data: $(INSTALLED) ## train the example models again and rewrite examples/data
	$(BIN)/python examples/make_data.py $(DATA)

docs: $(INSTALLED) ## rewrite what the tool prints itself: the table of verbs, the reference pages
	$(BIN)/python -m divtool.cli.verbs --write
	$(BIN)/python docs/build.py

bench: $(INSTALLED) ## time divtool beside its peers (minutes, and gigabytes of temporary files)
	@for script in benchmarks/[!_]*.py; do echo "$$script"; $(BIN)/python "$$script" || exit 1; done

clean: ## remove what was built; .venv stays
	rm -rf build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	rm -f divtool/numerics/_rows*.so divtool/numerics/_rows*.pyd $(INSTALLED)
	find divtool tests examples docs benchmarks -name __pycache__ -prune -exec rm -r {} + 2>/dev/null || true

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "divtool needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)" >&2; \
	echo "hint: name another, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The old kernels go first: if the new ones do not compile, stale ones must not answer for them.
$(INSTALLED): $(BIN)/python pyproject.toml setup.py requirements.lock $(KERNELS)
	@echo "installing into $(VENV)"
	@rm -f divtool/numerics/_rows*.so divtool/numerics/_rows*.pyd
	@$(PIP) install --constraint requirements.lock setuptools
	@$(PIP) install --constraint requirements.lock --no-build-isolation --editable '.[dev]'
	@ls divtool/numerics/_rows*.so divtool/numerics/_rows*.pyd 2>/dev/null | grep -q . || \
	echo "note: the C kernels were not built ($(BIN)/python setup.py build_ext says why): NumPy does it, slower"
	@touch $@
