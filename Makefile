# Every target sets itself up: the first one that runs creates .venv and installs the package into it.
PYTHON ?= python3
PYTEST_ARGS ?=
PIP_ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
TORCH := $(shell sed -n '/^torch==/p' constraints.txt)
TORCHVISION := $(shell sed -n '/^torchvision==/p' constraints.txt)

.DEFAULT_GOAL := help
.PHONY: help install demo quick test test-slurm lint types bench docs build clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(INSTALLED) ## create .venv with the package and its tools

demo: $(INSTALLED) ## train, evaluate and show a DCGAN on real handwritten digits
	$(VENV)/bin/gan-train experiment=demo

# The rooms whose tests are computations; commands, processes and whole trainings are left to the suite.
QUICK = augment config core losses networks regularizers sampling
quick: $(INSTALLED) ## run the tests of single parts, in less than three minutes
	$(PY) -m pytest -n 2 -m "not slow" $(QUICK:%=tests/%) $(PYTEST_ARGS)

test: $(INSTALLED) ## run the test suite
	$(PY) -m pytest -n 2 $(PYTEST_ARGS)

test-slurm: $(INSTALLED) ## run jobs on a SLURM of our own, installing Debian's packages for it
	.ci/test-slurm $(PY) $(PYTEST_ARGS)

lint: $(INSTALLED) ## check style, format and which room imports which
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(VENV)/bin/lint-imports --no-cache

types: $(INSTALLED) ## check types
	$(PY) -m mypy

bench: $(INSTALLED) ## measure the training step against a bare PyTorch loop
	$(PY) -m pytest -o addopts="-ra --strict-markers" tests/benchmarks --benchmark-only $(PYTEST_ARGS)

docs: $(INSTALLED) ## build the documentation site, in build/site; a warning is an error
	$(PY) -m pip install $(PIP_ARGS) --quiet -e ".[docs]" -c constraints.txt
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

build: $(INSTALLED) ## make the wheel and the source distribution, in dist/
	$(PY) -m hatchling build

clean: ## remove .venv, builds and caches; runs are kept
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find gan_lightning tests -name __pycache__ -type d -prune -exec rm -rf {} +

# torch comes first, so that nothing else chooses its build. torchvision comes without its dependencies, because
# its wheel asks for a CUDA build of torch; what it really needs is among our own dependencies.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install $(PIP_ARGS) "$(TORCH)" -c constraints.txt
	$(PY) -m pip install $(PIP_ARGS) "$(TORCHVISION)" --no-deps
	$(PY) -m pip install $(PIP_ARGS) -e ".[dev]" -c constraints.txt
	@touch $@
