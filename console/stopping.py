"""Ctrl-C in long work: finish what is begun, keep it, and leave."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from console.statuses import INTERRUPTED


@contextmanager
def stopped_by_ctrl_c(what: str = "finishing this step") -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second Ctrl-C leaves at once.

    Args:
        what: is still done, for the message.
    """
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            # What was kept stays; what came after it is done again by the next run.
            os._exit(INTERRUPTED)
        stop.set()
        print(f"Stopping: {what}. Ctrl-C again exits at once.", file=sys.stderr)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
