"""Ctrl-C in long work: finish what is begun, keep it, and leave."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from console.failing import INTERRUPTED


@contextmanager
def stopped_by_ctrl_c() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second Ctrl-C leaves at once."""
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            # Nothing is lost but the work since the last state that was kept.
            os._exit(INTERRUPTED)
        stop.set()
        print("Stopping after this step. Ctrl-C again leaves at once.", file=sys.stderr)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
