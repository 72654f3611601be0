"""The fault table: what it says of rows that do not pass, and that docs/faults.md is the suite's."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT, command_environment
from tests.support.fault_table import PASSED, page, rows_on

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs/faults.md"
TRIES = """
import time
import pytest

KIND = "Tries"

def row(name, bound=5):
    return pytest.mark.fault(row=name, injected="nothing", promise="something", bound_s=bound)

@row("good")
def test_good(recovery):
    recovery.begins()
    recovery.over()

@row("wrong")
def test_wrong(recovery):
    recovery.begins()
    recovery.over()
    assert False

@row("slow", bound=0.01)
def test_slow(recovery):
    recovery.begins()
    time.sleep(0.05)
    recovery.over()

@row("unmeasured")
def test_unmeasured(recovery):
    recovery.begins()

@row("skipped")
def test_skipped(recovery):
    pytest.skip("why not")
"""


def write_table(to, *arguments):
    """The exit status and the rows of a run of pytest."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--fault-table", to, *arguments],
        cwd=ROOT,
        env=command_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert to.is_file(), done.stdout + done.stderr
    return done.returncode, rows_on(to.read_text())


def test_what_does_not_pass_does_not_look_passed(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.kafka.faults.conftest"]')
    (tmp_path / "test_tries.py").write_text(TRIES)
    status, rows = write_table(
        tmp_path / "page.md", tmp_path, "--rootdir", tmp_path, "-c", ROOT / "pyproject.toml"
    )
    assert status == 1
    results = {row.row: row.result for row in rows}
    assert results.pop("good") == PASSED
    assert results == {"wrong": "FAILED", "slow": "FAILED", "unmeasured": "FAILED", "skipped": "SKIPPED"}
    text = (tmp_path / "page.md").read_text()
    assert "1 of 5 rows passed." in text and text.count(PASSED) == 2


@pytest.fixture(scope="module")
def suite(module_tmp):
    """The rows that the suite has, none of them run."""
    status, rows = write_table(module_tmp("page") / "page.md", "tests/kafka/faults", "--collect-only")
    assert status == 0
    return rows


def test_the_page_has_the_rows_of_the_suite(suite):
    assert len(suite) > 20
    assert [row.told for row in rows_on(PAGE.read_text())] == [row.told for row in suite], "`make faults`"


def test_every_row_of_the_page_has_passed_in_time():
    text = PAGE.read_text()
    rows = rows_on(text)
    assert all(row.result == PASSED and 0 <= row.measured_s <= row.bound_s for row in rows)
    assert page(rows) == text, "nothing but `make faults` writes this page"
