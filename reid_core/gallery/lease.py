"""What one process at a time may do: held by a row whose number keeps moving, without comparing clocks."""

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.errors import GalleryError
from reid_core.gallery.database import Database
from reid_core.gallery.schema import LeaseRow


class LeaseLostError(GalleryError):
    """Another process does by now what this one was about to do."""

    code: ClassVar[str] = "lease-lost"


class Lease:
    """The right to do one thing, taken over from a holder that stopped moving.

    A holder counts ``beat`` up with `hold`. Whoever else sees the same beat for so many seconds of its own
    clock takes over, with a higher epoch; what the former holder writes then is refused by `guard`.

    Args:
        database: where the row lies.
        name: of the thing.
        holder: who one is.
        seconds: how long a holder may be silent.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        holder: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._seconds = seconds
        self._clock = clock
        self._epoch: int | None = None
        self._seen: tuple[int, int] | None = None
        self._since = 0.0

    @property
    def epoch(self) -> int | None:
        """One's own epoch; ``None`` where one is not the holder."""
        return self._epoch

    def hold(self) -> bool:
        """Show that one is alive, or take over where the holder is not; call it every few seconds.

        Returns:
            whether one is the holder.
        """
        with self._database.write() as session:
            row = self._row(session)
            if row is None:
                row = LeaseRow(name=self._name, holder="", epoch=0, beat=0, state={})
                session.add(row)
            mine = self._epoch is not None and row.epoch == self._epoch
            if not mine and row.holder and not self._silent(row):
                epoch = None
            else:
                row.epoch += not mine
                row.holder = self._holder
                row.beat += 1
                epoch = row.epoch
            session.flush()
        self._epoch = epoch
        return epoch is not None

    def renew(self) -> None:
        """Show that one is alive, where one is the holder; never take over. For a thread beside one's own."""
        epoch = self._epoch
        if epoch is None:
            return
        with self._database.write() as session:
            row = self._row(session)
            if row is not None and row.epoch == epoch:
                row.beat += 1
                session.flush()

    def let_go(self) -> None:
        """Hand it back, so that another need not wait."""
        if self._epoch is None:
            return
        with self._database.write() as session:
            row = self._row(session)
            if row is not None and row.epoch == self._epoch:
                row.holder = ""
                session.flush()
        self._epoch = None

    def guard(self, session: Session, epoch: int | None = None) -> None:
        """Make sure, inside a writing transaction, that one is still the holder.

        Args:
            session: of the transaction.
            epoch: in which one began with what is to be written: somebody else may have held it in between.
                Without it, the present one.

        Raises:
            LeaseLostError: one is not.
        """
        row = self._row(session)
        held = self._epoch
        if row is None or held is None or row.epoch != held or epoch not in (None, held):
            raise LeaseLostError(f"Another worker has taken over {self._name}.")

    def state(self) -> dict[str, Any]:
        """What the last holder left to know."""
        with self._database.read() as session:
            row = session.get(LeaseRow, self._name)
            return dict(row.state) if row is not None else {}

    def put_state(self, state: Mapping[str, Any]) -> None:
        """Leave something for the next holder to know.

        Raises:
            LeaseLostError: one is not the holder any more.
        """
        with self._database.write() as session:
            self.put_state_in(session, state)

    def put_state_in(self, session: Session, state: Mapping[str, Any]) -> None:
        """The same as `put_state`, inside a writing transaction: kept with all else that it writes.

        Raises:
            LeaseLostError: one is not the holder any more.
        """
        self.guard(session)
        row = self._row(session)
        assert row is not None
        row.state = dict(state)
        session.flush()

    def _row(self, session: Session) -> LeaseRow | None:
        return session.scalar(select(LeaseRow).where(LeaseRow.name == self._name).with_for_update())

    def _silent(self, row: LeaseRow) -> bool:
        seen, now = (row.epoch, row.beat), self._clock()
        if seen != self._seen:
            self._seen, self._since = seen, now
        return now - self._since >= self._seconds
