# Everything is made inside this clone: .venv, .cache and web/pages/node_modules; HOME stays as it is.
SHELL := /bin/sh
PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
CACHE := $(CURDIR)/.cache
PAGES := web/pages

export PIP_CACHE_DIR ?= $(CACHE)/pip
export npm_config_cache ?= $(CACHE)/npm
export npm_config_update_notifier ?= false
export npm_config_fund ?= false
export npm_config_audit ?= false
export PLAYWRIGHT_BROWSERS_PATH ?= $(CACHE)/playwright
export XDG_CACHE_HOME ?= $(CACHE)/xdg
export MYPY_CACHE_DIR ?= $(CACHE)/mypy
export RUFF_CACHE_DIR ?= $(CACHE)/ruff
export PARLOUR_DESKTOP ?= $(CACHE)/desktop
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

# pip asks rustc for its version, and a rustup without a home would make one in HOME.
ifeq ($(wildcard $(HOME)/.rustup),)
export RUSTUP_HOME ?= $(CACHE)/rustup
endif

INSTALLED := $(VENV)/.installed
PAGES_BUILT := $(CACHE)/.pages-built
PAGES_SOURCES := $(wildcard $(PAGES)/*.json $(PAGES)/*.mjs $(PAGES)/*/* web/desktop/tsconfig.json web/desktop/shell/*.ts)

.PHONY: demo test prove bench coverage lint clean install pages browser

demo: install pages ## Start everything with demo data; Ctrl-C ends it
	@$(BIN)/python scripts/foreground.py $(BIN)/parlour demo $(ARGS)

test: lint pages browser ## Lint, then every suite, with its seconds
	@$(BIN)/python scripts/test.py $(SUITES)

prove: install pages browser ## The full counts and the benchmarks, however long; docs/proof says what they showed
	@$(BIN)/python scripts/test.py --prove $(SUITES) $(addprefix --bench=,$(BENCHES))

bench: install ## The benchmarks, each with its floor
	@$(BIN)/python -m bench $(ARGS)

coverage: install ## Write docs/coverage.md from the traffic of the last `make test`
	@$(BIN)/python scripts/coverage.py --record $(CACHE)/traffic.jsonl $(ARGS)

lint: install ## ruff, mypy, import-linter
	@$(BIN)/python scripts/lint.py

install: $(INSTALLED)

pages: $(PAGES_BUILT)

browser:
	@scripts/chromium.sh

clean: ## Remove all that was made here, but not the data folder .parlour
	rm -rf .venv .cache $(PAGES)/node_modules dist build

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Parlour needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python has no venv here; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing Parlour and what its tests need into .venv …"
	@$(BIN)/python -m pip install --quiet --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(PAGES_BUILT): $(PAGES_SOURCES)
	@mkdir -p $(CACHE)
	@if [ ! -d $(PAGES) ]; then :; \
	elif ! command -v npm >/dev/null; then \
		echo "The pages need Node 20 or newer with npm; on Debian: apt-get install nodejs npm"; exit 1; \
	else echo "Building the pages …" && cd $(PAGES) && npm ci --silent && npm run --silent check && npm run --silent build; fi
	@touch $@
