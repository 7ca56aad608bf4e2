# Two commands: make demo, make test. They need python3 (3.11 or newer) and make; everything else comes into .venv.
SHELL := /bin/sh
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RECORDED ?=
# Two files of tests at a time: both cores are used, and tests that share a server still follow each other.
PYTEST_OPTIONS ?= -n 2 --dist loadfile
# By environment and unexpanded: a folder may be named with blanks, quotes and dollars.
override RECORDED := $(value RECORDED)
export RECORDED

.PHONY: help demo test up check bench faults soak format lock native native-clean protos clean
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make demo [RECORDED=DIR]  the whole platform once over recorded (or synthetic) transactions; ends by itself
demo: $(READY)
	@exec $(BIN)/oof demo

## make test                 every test
test: $(READY)
	@$(BIN)/python -m pytest $(PYTEST_OPTIONS)

## make up [RECORDED=DIR]    Postgres, feed, Dagster on http://127.0.0.1:3000 until Ctrl-C
up: $(READY)
	@exec $(BIN)/oof up

## make check                lint, format, types, import contracts, definitions; under a minute
check: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > $(VENV)/contracts.log 2>&1 || { cat $(VENV)/contracts.log; exit 1; }
	@$(BIN)/python -m dagster_dg_cli.cli check defs > $(VENV)/definitions.log 2>&1 || { cat $(VENV)/definitions.log; exit 1; }
	@echo "check: lint, format, types, contracts and definitions hold"

## make bench                measured ratios
bench: $(READY)
	@$(BIN)/oof bench

## make native               compile decoder and positions: the same results in half the time; needs a C compiler
native: $(READY)
	@$(BIN)/python native/build.py

## make native-clean         back to pure Python
native-clean: $(READY)
	@$(BIN)/python native/build.py --remove
	@rm -rf build/native

## make faults               the whole way under every fault, its tables beside those of a calm run (SEED=1)
faults: $(READY)
	@exec $(BIN)/oof faults --seed $(or $(SEED),1)

## make soak                 one hour: sockets drop, everything is persisted, memory stays flat (SOAK_MINUTES=60)
soak: $(READY)
	@exec $(BIN)/oof soak --minutes $(or $(SOAK_MINUTES),60)

## make format               format the code
format: $(READY)
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

## make lock                 write requirements.lock anew from pyproject.toml (needs uv)
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet --output-file requirements.lock

## make protos               make transport/geyser_wire's modules anew from their .proto files
protos: $(READY)
	@$(BIN)/python tests/geyser_protos.py

## make clean                remove the environment and caches; your store in .oof stays
clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Made in a folder beside and stamped last, so that an interrupted install is done again.
$(READY): requirements.lock pyproject.toml .ci/make_venv.sh
	@sh .ci/make_venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@
