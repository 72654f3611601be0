# Each target sets itself up: nothing but Python 3.11+ and make is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

DEMO_VENV ?= .venv-demo

.DEFAULT_GOAL := test

.PHONY: demo test unit faults lint format clean

demo: $(DEMO_VENV)/.ready
	$(DEMO_VENV)/bin/nightreid demo $(if $(DETECTOR),--detector $(DETECTOR))

# The tests at a real Kafka mostly wait: they run beside the others, those of training behind them, so that both
# take about as long; what these say is shown at the end.
test: $(READY)
	@said=$$(mktemp); failed=0; \
	{ $(BIN)/python -m pytest -m kafka --durations=10 || failed=$$?; \
	  $(BIN)/python -m pytest tests/training -m "not kafka" --durations=10 || failed=$$?; \
	  exit $$failed; } >"$$said" 2>&1 & beside=$$!; \
	$(BIN)/python -m pytest -m "not kafka" --ignore=tests/training --durations=10 || failed=$$?; \
	wait $$beside || failed=$$?; \
	echo "At a real Kafka, then in training:"; cat "$$said"; rm -f "$$said"; exit $$failed

unit: $(READY)
	$(BIN)/python -m pytest -m "not footage and not slow and not kafka"

# Every row of the fault table, tried; docs/faults.md says how it went.
faults: $(READY)
	NIGHTREID_REQUIRE=1 $(BIN)/python -m pytest tests/kafka/faults --fault-table docs/faults.md

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { echo "OpenCV does not load; on Debian and Ubuntu it needs: apt-get install libgl1 libglib2.0-0"; $(BIN)/python -c 'import cv2'; }
	touch $@

# The demo needs no development tools: a venv of its own, smaller than the tests'.
$(DEMO_VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
	test -x $(DEMO_VENV)/bin/python || $(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/python -m pip install --quiet --upgrade pip
	$(DEMO_VENV)/bin/python -m pip install --quiet --editable '.[synthetic]'
	@$(DEMO_VENV)/bin/python -c 'import cv2' 2>/dev/null || { echo "OpenCV does not load; on Debian and Ubuntu it needs: apt-get install libgl1 libglib2.0-0"; $(DEMO_VENV)/bin/python -c 'import cv2'; }
	touch $@

clean:
	rm -rf $(DEMO_VENV) nightreid-demo $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
