"""Work on several processes that each keep to one core; what they report comes back as it is made."""

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from typing import Any

_reports: "SimpleQueue[int] | None" = None


def calm() -> None:
    """One thread for everything in this process: processes share the cores, threads would fight."""
    import cv2
    import torch

    # Ctrl-C is the parent's to handle: it stops us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _begin(reports: "SimpleQueue[int]") -> None:
    global _reports
    _reports = reports
    calm()


def _all(work: Callable[..., Iterator[int]], task: Sequence[Any]) -> None:
    assert _reports is not None
    for done in work(*task):
        _reports.put(done)


def processes_of(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    """The pool's workers, to be stopped in mid-work; `concurrent.futures` has no word for that."""
    return list((getattr(pool, "_processes", None) or {}).values())


def relayed(
    work: Callable[..., Iterator[int]], tasks: Sequence[Sequence[Any]], processes: int
) -> Iterator[int]:
    """Run ``work(*task)`` for every task and yield how much was done, as it is done.

    Args:
        work: a function of a module that yields how much it did.
        tasks: its arguments, picklable.
        processes: at the same time.
    """
    context = get_context("spawn")
    reports: SimpleQueue[int] = context.SimpleQueue()
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(reports,)) as pool:
        pending: set[Future[None]] = {pool.submit(_all, work, task) for task in tasks}
        try:
            while pending:
                finished, pending = wait(pending, timeout=0.3)
                while not reports.empty():
                    yield reports.get()
                for one in finished:
                    one.result()
            while not reports.empty():
                yield reports.get()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes_of(pool):
                process.terminate()
            raise
