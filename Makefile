# Every target first does what `setup` does: the virtual environment and whatever is missing in it.
PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3,$(shell command -v $(name) 2>/dev/null)))
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: setup run demo test lint bench clean

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt tools/system_libraries.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %d.%d; try: make PYTHON=python3.12" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh tools/system_libraries.sh venv $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,demo]'
	@sh tools/system_libraries.sh qt $(BIN)/python
	@touch $@

run: setup
	@$(BIN)/mindvis view demo --model demo

demo: setup
	@rm -rf out/demo
	$(BIN)/mindvis decode demo --model demo --trials 3,7,12 --seeds 0-3 --out out/demo
	$(BIN)/mindvis figure out/demo --out out/demo/figure.png

test: setup
	QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@for script in benchmarks/*.py; do QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) out dist build
