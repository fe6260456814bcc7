# Two commands do everything: `make run` and `make test`. Another Python: `make PYTHON=python3.12 run`.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3; do command -v $$p >/dev/null 2>&1 && $$p -c pass >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# setuptools explains to everybody that folders may shadow packages; tests/test_layout.py holds that none does.
PIP := PYTHONWARNINGS=ignore $(BIN)/pip
SOURCES := app core models tests benchmarks assets
# The window is tested on a virtual screen where there is one, and offscreen otherwise.
SCREEN := $(shell if command -v xvfb-run >/dev/null && command -v xauth >/dev/null; then echo "xvfb-run -a -s '-screen 0 1600x1000x24'"; else echo "env QT_QPA_PLATFORM=offscreen"; fi)

.PHONY: run test check format bench clean preflight

run: $(VENV)/.run
	@if $(BIN)/python -c "import sys; from app.preflight import has_screen; sys.exit(not has_screen())"; \
	then $(BIN)/mienscope; \
	else echo "There is no display here: analysing the demo clip instead."; \
	     $(BIN)/mienscope analyze demo --overlay --out out/demo; fi

test: $(VENV)/.test check
	$(SCREEN) $(BIN)/python -m pytest -q

check: $(VENV)/.test
	$(BIN)/pip check
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(VENV)/.test
	$(BIN)/mienscope bench

preflight:
	@[ -n "$(PYTHON)" ] || { echo "Python is missing. Debian and Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) app/preflight.py

$(VENV)/bin/pip: | preflight
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip

$(VENV)/.run: pyproject.toml constraints.txt | preflight $(VENV)/bin/pip
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | preflight $(VENV)/bin/pip
	$(PIP) install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build dist out *.egg-info
