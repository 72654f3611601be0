# Each target sets itself up: nothing but Python 3.11+ and make is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

DEMO_VENV ?= .venv-demo

ifneq ($(words $(VENV) $(DEMO_VENV)),2)
$(error VENV and DEMO_VENV are paths without spaces; the checkout itself may lie anywhere)
endif

# In a checkout that cannot be written, the tools keep their caches beside the venv's packages.
ifneq ($(shell test -w . && echo yes),yes)
export RUFF_CACHE_DIR := $(VENV)/cache/ruff
export MYPY_CACHE_DIR := $(VENV)/cache/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := $(VENV)/cache/hypothesis
export PYTEST_ADDOPTS += -o cache_dir=$(VENV)/cache/pytest
endif

.DEFAULT_GOAL := test

.PHONY: demo test unit faults lint format clean

demo: $(DEMO_VENV)/.ready
	$(DEMO_VENV)/bin/nightreid demo $(if $(DETECTOR),--detector $(DETECTOR)) $(if $(OUT),--out '$(OUT)')

# In three parts beside one another, which take about as long; what the first two say is shown at the end. The tests at a
# real Kafka keep time and mostly wait: they are served first.
UPPER := tests/console tests/training
test: $(READY)
	@said=$$(mktemp -d); failed=0; \
	$(BIN)/python -m pytest tests/kafka --durations=10 >"$$said/kafka" 2>&1 & kafka=$$!; \
	nice -n 3 $(BIN)/python -m pytest $(UPPER) --durations=10 >"$$said/upper" 2>&1 & upper=$$!; \
	trap 'kill $$kafka $$upper 2>/dev/null; exit 130' INT TERM; \
	nice -n 3 $(BIN)/python -m pytest $(patsubst %,--ignore=%,tests/kafka $(UPPER)) --durations=10 || failed=$$?; \
	wait $$upper || failed=$$?; wait $$kafka || failed=$$?; \
	echo "Of $(UPPER):"; cat "$$said/upper"; echo "At a real Kafka:"; cat "$$said/kafka"; rm -rf "$$said"; exit $$failed

unit: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not footage and not slow and not kafka"

# Every row of the fault table, tried; docs/faults.md says how it went.
faults: $(READY)
	@test -w docs/faults.md || { echo "docs/faults.md cannot be written, and this is what writes it"; exit 1; }
	NIGHTREID_REQUIRE=1 $(BIN)/python -m pytest tests/kafka/faults --fault-table docs/faults.md

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# $(call set_up,VENV,EXTRA,NAME OF THE VARIABLE): a venv with this checkout in it, ready for use. One that was left half
# made (no pip in it) is made again.
define set_up
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
@{ mkdir -p $(1) && test -w $(1); } 2>/dev/null || { echo "$(1) cannot be written; name another place: make $(3)=/path/to/venv"; exit 1; }
$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(1)
$(1)/bin/python -m pip install --quiet --upgrade pip
$(1)/bin/python -m pip install --quiet --editable '.[$(2)]'
@$(1)/bin/python -c 'import cv2' 2>/dev/null || { echo "OpenCV does not load; on Debian and Ubuntu it needs: apt-get install libgl1 libglib2.0-0"; $(1)/bin/python -c 'import cv2'; }
touch $@
endef

$(READY): pyproject.toml
	$(call set_up,$(VENV),dev,VENV)

# The demo needs no development tools: a venv of its own, smaller than the tests'.
$(DEMO_VENV)/.ready: pyproject.toml
	$(call set_up,$(DEMO_VENV),synthetic,DEMO_VENV)

clean:
	rm -rf $(DEMO_VENV) nightreid-demo $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
