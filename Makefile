# Every target first makes the virtual environment, or adds what is missing in it: for `run` and `demo` what the
# application needs, for all others the packages of its tests and tools, too.
NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c $(NEW_ENOUGH) >/dev/null 2>&1 && echo $$name && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
FOR_DEVELOPMENT := $(VENV)/.installed-for-development
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: setup run demo test test-oldest lint bench screenshots clean

setup: $(FOR_DEVELOPMENT)

$(INSTALLED): pyproject.toml constraints.txt tools/system_libraries.sh
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name yours: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh tools/system_libraries.sh venv $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) -e '.[metrics]'
	@sh tools/system_libraries.sh qt $(BIN)/python
# As pip does for an installed wheel: where Python may write no bytecode, the window starts in three quarters of the time.
	@$(BIN)/python -m compileall -q mindvis_gui
	@touch $@

$(FOR_DEVELOPMENT): $(INSTALLED)
	$(PIP_INSTALL) -e '.[dev,demo]'
	@touch $@

run: $(INSTALLED)
	@$(BIN)/mindvis view demo --model demo

demo: $(INSTALLED)
	@rm -rf out/demo
	$(BIN)/mindvis decode demo --model demo --trials 6,9,12 --seeds 0-3 --out out/demo
	$(BIN)/mindvis figure out/demo --out out/demo/figure.png

test: setup
	QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -n 2 -q

# With the oldest versions that pyproject.toml allows, in a virtual environment of its own. What newer packages
# below those warn of is no failure.
test-oldest:
	@mkdir -p build
	$(PYTHON) -m tools.oldest > build/oldest.txt
	$(PYTHON) -m venv build/oldest
	build/oldest/bin/pip install --quiet --disable-pip-version-check -c build/oldest.txt '.[dev,demo]'
	QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE build/oldest/bin/python -m pytest -n 2 -q -W default

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The benchmarks of benchmarks/report.py in one table; ARGS=--write puts their rows into benchmarks/RESULTS.md.
bench: setup
	@QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/python benchmarks/report.py $(ARGS)

clean:
	rm -rf $(VENV) out dist build

# The pictures of docs/, taken of the real window on a virtual screen (needs xvfb).
screenshots: setup
	xvfb-run -a -s '-screen 0 1440x900x24' $(BIN)/python -m tools.screenshots
