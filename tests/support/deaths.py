"""Where a worker dies, or stands still: real objects wrapped in its own process, none of the product knows.

A point is ``what:when`` or ``what:when:number``, ``number`` being the how-manieth time counts, from 1; with
``freeze `` in front the process stops itself there (SIGSTOP) instead of ending (SIGKILL). What may be:

=========  ==================================================================================
crop       a closed tracklet becomes what is staged, crops and vectors among it, in the embedder's thread
ledger     what was found and how far its partitions are come, in one transaction, while somebody else is
           still followed in the same frame: the records are gone over again
offset     how far the partitions are come, where nothing was found
write      the same as ledger, as the shift sees it: whatever it takes to write it
kafka      the offsets that Kafka keeps for its own tools
admit      staged tracklets become the gallery's
infrared   the same, of an infrared tracklet
settle     the link of an infrared tracklet
announce   a transaction of Kafka with what happened
work       what the tally of `tests.support.tally` prepares, outside of every transaction
one        the part of it that is of a single event
mark       what it prepared is written, and its mark moves, in one transaction
alert      the same of the watcher, where a watch found somebody
say        the captioner's captions are made, outside of every transaction
caption    they are written, and its mark moves, in one transaction
=========  ==================================================================================

``when`` is ``before`` and ``after`` the call, and of what writes to the database also ``commit``: everything
is said to the database but the word to keep it; and ``kept``: the first word to keep it was said, whether or
not there are more.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from sqlalchemy import event
from sqlalchemy.orm import Session

from reid_core.gallery import Gallery
from reid_core.types import Modality
from stream.worker.worker import Worker
from tests.support.short_night import OVERLAPPING

_Call = Callable[..., Any]


def arm(worker: Worker, gallery: Gallery, deadly: str) -> None:
    """Have this process die, or stand still, at a point."""
    freezes = deadly.startswith("freeze ")
    what, when, *number = deadly.removeprefix("freeze ").split(":")
    act = _stand_still(gallery) if freezes else _die
    _POINTS[what](worker, _Point(when, int(number[0]) if number else 1, act))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stand_still(gallery: Gallery) -> Callable[[], None]:
    def act() -> None:
        # A writer that stands still in its transaction keeps every other writer waiting, on purpose: this
        # is about the others. So none of this process's threads is in one.
        with gallery.database._write_lock:
            # To this thread: sent to the process, another one may take it, and this one goes on until then.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    return act


class _Point:
    """Acts once, at the ``number``-th call that it is told of."""

    def __init__(self, when: str, number: int, act: Callable[[], None]) -> None:
        self._when = when
        self._number = number
        self._act = act
        self._inside = threading.local()
        if when == "commit":
            event.listen(Session, "before_commit", self._at_commit)
        if when == "kept":
            event.listen(Session, "after_commit", self._at_commit)

    def around(self, holder: Any, name: str, counts: Callable[..., bool] = lambda *_: True) -> None:
        """Wrap a method of an object, or of a class; only calls that count are counted."""
        real: _Call = getattr(holder, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if not counts(*args):
                return real(*args, **kwargs)
            self._number -= 1
            due = self._number == 0
            if due and self._when == "before":
                self._act()
            self._inside.due = due
            try:
                return real(*args, **kwargs)
            finally:
                self._inside.due = False
                if due and self._when == "after":
                    self._act()

        setattr(holder, name, call)

    def _at_commit(self, _session: Session) -> None:
        if getattr(self._inside, "due", False):
            self._act()


def _crop(worker: Worker, point: _Point) -> None:
    point.around(worker._shift._embedding, "_kept")


def _ledger(worker: Worker, point: _Point) -> None:
    def counts(batch: Any) -> bool:
        return any(one.camera == OVERLAPPING for one in batch.staged)

    point.around(worker._ledger, "save", counts)


def _offset(worker: Worker, point: _Point) -> None:
    def counts(batch: Any) -> bool:
        return not batch.staged and any(one.next > one.expected for one in batch.advances)

    point.around(worker._ledger, "save", counts)


def _write(worker: Worker, point: _Point) -> None:
    def counts(parts: Any) -> bool:
        return any(one.camera == OVERLAPPING for part in parts for one, _ in part.found.staged)

    point.around(worker._shift._commits, "_write", counts)


def _kafka(worker: Worker, point: _Point) -> None:
    point.around(KafkaConsumer, "commit_async")


def _admit(worker: Worker, point: _Point) -> None:
    point.around(worker._clerk._staging, "admit")


def _infrared(worker: Worker, point: _Point) -> None:
    def counts(records: Any, _policy: Any) -> bool:
        return any(one.modality is Modality.INFRARED for one in records)

    point.around(worker._clerk._staging, "admit", counts)


def _settle(worker: Worker, point: _Point) -> None:
    point.around(worker._clerk._linker, "link")


def _announce(worker: Worker, point: _Point) -> None:
    point.around(KafkaProducer, "commit_transaction")


def _tally(worker: Worker) -> Any:
    return worker._followers._following["follower/tally"]


def _work(worker: Worker, point: _Point) -> None:
    point.around(_tally(worker)._follower, "prepare")


def _one(worker: Worker, point: _Point) -> None:
    point.around(_tally(worker)._follower, "row")


def _mark(worker: Worker, point: _Point) -> None:
    point.around(_tally(worker), "_commit")


def _alert(worker: Worker, point: _Point) -> None:
    # Only where something was found: what was not is soon done again.
    point.around(worker._followers._following["follower/watcher"], "_commit", lambda _, work: work.findings)


def _say(worker: Worker, point: _Point) -> None:
    point.around(worker._followers._following["follower/captioner"]._follower, "prepare")


def _caption(worker: Worker, point: _Point) -> None:
    point.around(worker._followers._following["follower/captioner"], "_commit")


_POINTS: dict[str, Callable[[Worker, _Point], None]] = {
    "crop": _crop,
    "ledger": _ledger,
    "offset": _offset,
    "write": _write,
    "kafka": _kafka,
    "admit": _admit,
    "infrared": _infrared,
    "settle": _settle,
    "announce": _announce,
    "work": _work,
    "one": _one,
    "mark": _mark,
    "alert": _alert,
    "say": _say,
    "caption": _caption,
}
