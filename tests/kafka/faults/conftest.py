"""The fault suite: its marker, its clock, its table, and a deployment to hurt."""

import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.broker import external
from tests.support.crew import Deployment
from tests.support.fault_table import PASSED, Row, page
from tests.support.forked import PROCESSES, start_server
from tests.support.galleries import gallery_rows
from tests.support.night import Night, run_night

# The table


_ROWS = pytest.StashKey[dict[str, Row]]()


def pytest_addoption(parser):
    parser.addoption("--fault-table", metavar="PAGE", help="write the fault table to this file")


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "fault(row, injected, promise, bound_s): a row of the fault table; its heading is the module's KIND",
    )
    config.stash[_ROWS] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        mark = item.get_closest_marker("fault")
        if mark is None:
            continue
        if "recovery" not in item.fixturenames:
            raise pytest.UsageError(f"{item.nodeid} is a row of the fault table and measures nothing")
        config.stash[_ROWS][item.nodeid] = Row(item.module.KIND, *mark.args, **mark.kwargs)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    rows = item.config.stash.get(_ROWS, {})
    if item.nodeid in rows:
        row = rows[item.nodeid]
        if not report.passed:
            row = replace(row, result=report.outcome)
        elif report.when == "call":
            row = replace(row, result=PASSED)
        clock = item.funcargs.get("recovery")
        rows[item.nodeid] = replace(row, measured_s=clock.seconds if clock is not None else None)
    for maker in ("deploy", "plain"):
        if report.failed and maker in getattr(item, "funcargs", {}):
            logs = "\n".join(made.logs() for made in item.funcargs[maker].made)
            report.sections.append(("logs of the workers", logs))
    return report


def pytest_sessionfinish(session):
    path = session.config.getoption("--fault-table", None)
    if path:
        Path(path).write_text(page(session.config.stash[_ROWS].values()), encoding="utf-8")


class Recovery:
    """A row's clock: from `begins` to `over`, which must be within the row's bound.

    Attributes:
        bound: seconds.
        seconds: what it took; ``None`` before it is over.
    """

    def __init__(self, bound: float) -> None:
        self.bound = bound
        self.seconds: float | None = None
        self._begun: float | None = None

    def begins(self) -> None:
        """The fault, or its end where the row says so, is now; the last call counts."""
        self._begun, self.seconds = time.monotonic(), None

    @property
    def left(self) -> float:
        """Seconds until the bound."""
        assert self._begun is not None, "the fault has not begun"
        return max(0.1, self.bound - (time.monotonic() - self._begun))

    def over(self) -> None:
        """All is well again."""
        assert self._begun is not None, "the fault has not begun"
        self.took(time.monotonic() - self._begun)

    def took(self, seconds: float) -> None:
        """What was measured elsewhere."""
        self.seconds = seconds
        assert self.seconds <= self.bound, f"took {self.seconds:.1f} s, promised are {self.bound:g} s"


@pytest.fixture
def recovery(request):
    """The row's clock: ``recovery.begins()`` at the fault, ``recovery.over()`` when all is well again."""
    row = request.config.stash[_ROWS][request.node.nodeid]
    clock = Recovery(row.bound_s)
    yield clock
    passed = request.config.stash[_ROWS][request.node.nodeid].result == PASSED
    assert clock.seconds is not None or not passed, "nothing was measured"


# The world


@pytest.fixture(scope="session")
def undisturbed_gallery(tmp_path_factory, short_videos, colour_checkpoint):
    """The file of the gallery that `nightreid run` makes of the short night."""
    start_server()
    database = tmp_path_factory.mktemp("undisturbed") / "x.db"
    process = PROCESSES.Process(target=run_night, args=(Night(short_videos, colour_checkpoint, database),))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    return database


@pytest.fixture(scope="session")
def undisturbed(undisturbed_gallery):
    """`gallery_rows` of `nightreid run` on the short night, for galleries on SQLite and on PostgreSQL.

    These are ``undisturbed["sqlite"]`` and ``undisturbed["postgresql"]``.
    """
    database = undisturbed_gallery
    rows = gallery_rows(f"sqlite:///{database}")
    sizes = {name: len(rows[name]) for name in ("tracklets", "identities", "links")}
    assert sizes == {"tracklets": 6, "identities": 3, "links": 2}
    return {"sqlite": rows, "postgresql": gallery_rows(f"sqlite:///{database}", numbers=False)}


@pytest.fixture
def deploy(request, tmp_path, missing, colour_checkpoint):
    """``deploy(broker=None, database=None, partitions=2, **defaults) -> Deployment`` with its topics made.

    On the shared broker and an SQLite file where nothing else is named; ``defaults`` are of every worker's
    `Post`. Its workers are ended after the test.
    """
    if external():
        missing("the fault suite needs brokers of its own: their limits are tighter than others'")
    start_server()

    def make(broker=None, database=None, partitions=2, **defaults):
        if broker is None:
            bootstrap = request.getfixturevalue("kafka").bootstrap
            prefix = request.getfixturevalue("topic_prefix")
        else:
            bootstrap, prefix = broker.bootstrap, f"f{uuid.uuid4().hex[:8]}."
        database = database or f"sqlite:///{tmp_path / f'gallery{len(make.made)}.db'}"
        # A group of its own: whoever was killed by another test is a member of its group for a while.
        defaults = {"session_seconds": 2.0, "group": f"{prefix}night"} | defaults
        defaults["limits"] = {"records": 8, "lease_seconds": 1.0, "idle_seconds": 8.0} | defaults.get(
            "limits", {}
        )
        made = Deployment(bootstrap, prefix, database, colour_checkpoint, tmp_path, defaults)
        make.made.append(made)
        made.make_topics(partitions)
        return made

    make.made = []
    yield make
    for made in make.made:
        made.close()
