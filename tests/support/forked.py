"""Processes that start at once: forks of one that has everything imported and no thread yet."""

import multiprocessing
from multiprocessing import forkserver

import pytest

from tests.conftest import ROOT

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "tests.support.night",
        "tests.support.shift",
        "torch",
        "ultralytics.trackers.byte_tracker",
        "ultralytics.trackers.bot_sort",
        "alembic.command",
        "psycopg",
        "pgvector.sqlalchemy",
    ]
)


def start_server() -> None:
    """Start that process while the rooms can be found: it imports before it is told this one's path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()
