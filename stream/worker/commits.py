"""What is written when: what was found in front of one point of every partition, in one transaction.

A commit is *sealed* where it begins: it holds how far the partitions have come, the checkpoints of their
recordings and the tracklets that closed in front of them. It is *written* once all of those tracklets are
embedded, and looking goes on meanwhile. So an offset or a checkpoint is never in the ledger before a tracklet
that lies in front of it. There is one such commit at a time; what is found behind it is in the next.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from reid_core.gallery.ledger import Advance, Batch, FencedError, Ledger
from stream.service.patience import Patience
from stream.service.telemetry import Telemetry
from stream.worker.config import LimitSettings
from stream.worker.partitions import Found, Partitions, Share


@dataclass(frozen=True, slots=True)
class _Part:
    """A partition's part of a commit."""

    share: Share
    advance: Advance
    found: Found

    @property
    def embedded(self) -> bool:
        return all(content is None or content.done() for _, content in self.found.staged)


class Commits:
    """Seals and writes, in the thread that looks.

    Args:
        ledger: to write to.
        partitions: whose findings are written; told of those that are another's.
        patience: for a ledger that is away.
        telemetry: told how long writing takes.
        limits: how long and how many records may wait to be written.

    Attributes:
        taken: records taken in since the last commit was sealed.
    """

    def __init__(
        self,
        ledger: Ledger,
        partitions: Partitions,
        patience: Patience,
        telemetry: Telemetry,
        limits: LimitSettings,
    ) -> None:
        self._ledger = ledger
        self._partitions = partitions
        self._patience = patience
        self._telemetry = telemetry
        self._limits = limits
        self._sealed: list[_Part] = []
        self._begun = time.monotonic()
        self.taken = 0

    @property
    def due(self) -> bool:
        """Whether the next commit is to begin. One that is still embedded is waited for only by too much."""
        overdue = time.monotonic() - self._begun >= self._limits.commit_seconds
        return self.taken >= self._limits.records or (overdue and not self._sealed)

    def begin(self) -> None:
        """Seal a commit of everything that was found, behind the one before; write it if it is embedded."""
        self.finish()
        self._begun, self.taken = time.monotonic(), 0
        self._sealed = [_seal(share) for share in self._partitions.shares if share.alive and _changed(share)]
        self.go_on()

    def go_on(self) -> None:
        """Write what is sealed if it is embedded by now."""
        if all(part.embedded for part in self._sealed):
            self.finish()

    def finish(self) -> None:
        """Write what is sealed, however long the embedder takes.

        Raises:
            NightreidError: a tracklet could not be embedded, or the ledger cannot be written.
        """
        while self._sealed:
            # What was found in a partition that is another's by now is theirs to write.
            self._sealed = [part for part in self._sealed if part.share in self._partitions.shares]
            try:
                self._write(self._sealed)
            except FencedError as error:
                for part in self._sealed:
                    if (part.advance.topic, part.advance.number) == (error.topic, error.number):
                        self._partitions.lose(part.share)
            else:
                self._sealed = []

    def commit(self) -> None:
        """Write everything that was found, however long the embedder takes."""
        self.begin()
        self.finish()

    def part_with(self, share: Share) -> None:
        """Write what was found in a share that is to be let go of, unless somebody else holds it already."""
        self.finish()
        if share in self._partitions.shares:
            with suppress(FencedError):
                self._write([_seal(share)])

    def _write(self, parts: Sequence[_Part]) -> None:
        if not parts:
            return
        batch = self._batch(parts)
        with self._telemetry.timed("write"):
            self._patience.until_done("database", lambda: self._ledger.save(batch))
        for part in parts:
            part.share.saved, part.share.fresh = part.advance.next, False
            part.share.told = part.advance.reached, part.advance.caught_up

    def _batch(self, parts: Sequence[_Part]) -> Batch:
        batch = Batch()
        for part in parts:
            batch.advances.append(part.advance)
            for staged, content in part.found.staged:
                self._telemetry.progress()
                batch.staged.append(staged if content is None else replace(staged, content=content.result()))
            batch.checkpoints += part.found.checkpoints
            batch.streams += part.found.streams
        return batch


def _changed(share: Share) -> bool:
    found = share.found
    return bool(
        share.fresh
        or found.staged
        or found.checkpoints
        or found.streams
        or share.resume != share.saved
        or (share.reached, share.caught_up) != share.told
        or any(lane.moved for lane in share.lanes.values())
    )


def _seal(share: Share) -> _Part:
    """Everything of a share that is in no commit yet; from here on it is in this one."""
    found, share.found = share.found, Found()
    for camera, lane in share.lanes.items():
        if lane.moved:
            if lane.checkpoint is not None:
                found.checkpoints.append(lane.checkpoint)
            found.streams.append(share.progress(lane, share.sequencers[camera]))
            lane.checkpoint, lane.moved = None, False
    return _Part(share, share.advance, found)
