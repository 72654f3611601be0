"""Removes what is over, one process at a time, and writes into the audit log what went under which rule."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reid_core.audit.event import AuditEvent
from reid_core.audit.rows import AuditRow
from reid_core.audit.trail import Trail
from reid_core.gallery import Gallery
from reid_core.gallery.hours import DAY_NS
from reid_core.gallery.lease import Lease
from reid_core.gallery.schema import CameraRow, MetaRow
from reid_core.retention.errors import RetentionBusyError
from reid_core.retention.general import besides
from reid_core.retention.kept import KEPT
from reid_core.retention.rules import RetentionRules, before, keep_rules, kept_rules, rules_json

ENFORCED, CHANGED = "retention.enforce", "retention.change"
"""Actions of the audit log."""

BLOBS = "blobs"
"""What lies in the blob store, which whoever owns that removes."""

_LEASE = "retention"
# What a crashed run had removed and not written into the audit log yet.
_PENDING = "retention_pending"
# Of cameras in one transaction, which reads once what others' rows say of them; others write in between.
_TOGETHER = 1024
_TOGETHER_BESIDE = 1024
# How often whoever waits looks whether another process still enforces.
_LOOK_SECONDS = 1.0
# Where nothing goes, that it was looked at is written so often.
_SAID_NS = DAY_NS


@dataclass(frozen=True, slots=True)
class Removed:
    """What went under one rule.

    Attributes:
        camera: of which camera; ``None`` of none.
        what: the class.
        days: the rule.
        before_ns: what was older was over, UTC nanoseconds.
        count: how many things.
    """

    camera: str | None
    what: str
    days: float
    before_ns: int
    count: int


class Retention:
    """Enforces the rules of a gallery.

    Keep one: it knows since when another process that enforces has shown no sign of life.

    Args:
        gallery: whose things go.
        trail: its audit log.
        actor: who enforces, as the audit log names them.
        holder: of the lease; what this process is called.
        lease_seconds: how long a holder may be silent before another takes over.
        clock: the time of day, UTC nanoseconds.
        steady: seconds that only go up.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        gallery: Gallery,
        trail: Trail,
        actor: str,
        holder: str,
        lease_seconds: float = 60.0,
        clock: Callable[[], int] = time.time_ns,
        steady: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._gallery = gallery
        self._trail = trail
        self._actor = actor
        self._clock = clock
        self._steady = steady
        self._pause = pause
        self._lease_seconds = lease_seconds
        self._lease = Lease(gallery.database, _LEASE, holder, lease_seconds, steady)
        self._besides = besides(trail, lambda: actor)

    def change(self, rules: RetentionRules, event: AuditEvent | None = None) -> bool:
        """Keep rules in the gallery, from now on; a change is written into the audit log.

        Args:
            rules: that are to count.
            event: who changes them, and why; this process by default.

        Returns:
            whether they differ from those before.
        """
        with self._gallery.database.write() as session:
            return change_rules(session, self._trail, rules, event or AuditEvent(CHANGED, self._actor))

    def enforce(self, stop: Callable[[], bool] = lambda: False, wait: bool = False) -> tuple[Removed, ...]:
        """Remove what is over by the rules that the gallery keeps.

        Args:
            stop: asked in between; what is done then is done, and the rest is for the next time.
            wait: whether to wait for another process that enforces them, until one that died is silent for
                ``lease_seconds``. Without it that takes another call, so much later.

        Returns:
            what went, by rule.

        Raises:
            RetentionBusyError: another process enforces them now.
            LeaseLostError: another process has taken over; what is done is in its audit row.
            AuditKeyError: the audit log cannot be written to; nothing was removed.
        """
        # Without a log nothing goes: it could not be proved.
        self._trail.checkpoint()
        self._take_over(wait)
        try:
            with self._gallery.database.read() as session:
                rules = kept_rules(session)
                cameras = session.scalars(select(CameraRow.id).order_by(CameraRow.id)).all()
            now_ns = self._clock()
            for what, kept in KEPT.items():
                for camera in cameras:
                    days = rules.of_camera(camera, what)
                    if days is not None:
                        rule = Removed(camera, what, days, before(days, now_ns), 0)
                        some = partial(
                            kept.take_out,
                            camera=camera,
                            before_ns=rule.before_ns,
                            most=_TOGETHER,
                            now_ns=now_ns,
                        )
                        self._all(rule, some, stop)
            for general, beside in self._besides.items():
                days = rules.general(general)
                if days is not None:
                    rule = Removed(None, general, days, before(days, now_ns), 0)
                    most = _TOGETHER_BESIDE
                    self._all(rule, partial(beside.take_out, before_ns=rule.before_ns, most=most), stop)
            return self._written(rules)
        finally:
            self._lease.let_go()

    def note(self, what: str, days: float, before_ns: int, count: int) -> None:
        """Write down what somebody else removed outside the database, as blobs of a store.

        Args:
            what: the class.
            days: the rule.
            before_ns: what was older was over.
            count: how many things went.
        """
        if count:
            row = Removed(None, what, days, before_ns, count)
            self._trail.append(AuditEvent(ENFORCED, self._actor, subject={"removed": [asdict(row)]}))

    def _take_over(self, wait: bool) -> None:
        until = self._steady() + self._lease_seconds
        while not self._lease.hold():
            if not wait or self._steady() > until:
                raise RetentionBusyError("Another process enforces retention now.", "It is done in a while.")
            self._pause(_LOOK_SECONDS)

    def _all(self, rule: Removed, some: Callable[[Session], int], stop: Callable[[], bool]) -> None:
        """Remove all that one rule is about, some at a time: others write in between."""
        while not stop():
            with self._gallery.database.write() as session:
                self._lease.guard(session)
                count = some(session)
                if not count:
                    return
                _remember(session, rule, count)
            self._lease.hold()

    def _written(self, rules: RetentionRules) -> tuple[Removed, ...]:
        """Write down what went, in this run and in one that crashed before it could."""
        with self._gallery.database.write() as session:
            self._lease.guard(session)
            found = _pending(session)
            last = select(func.max(AuditRow.time_ns)).where(AuditRow.action == ENFORCED)
            if not found and self._clock() - (session.scalar(last) or 0) < _SAID_NS:
                return ()
            session.execute(delete(MetaRow).where(MetaRow.key == _PENDING))
            subject = {"removed": [asdict(one) for one in found], "rules": rules_json(rules)}
            self._trail.append(AuditEvent(ENFORCED, self._actor, subject=subject), session)
        return found


def change_rules(session: Session, trail: Trail, rules: RetentionRules, event: AuditEvent) -> bool:
    """Keep rules in a writing transaction, with the row of the audit log that says so.

    Returns:
        whether they differ from those before.
    """
    if not keep_rules(session, rules):
        return False
    said = AuditEvent(CHANGED, event.actor, event.purpose, event.case, {"rules": rules_json(rules)})
    trail.append(said, session)
    return True


def _pending(session: Session) -> tuple[Removed, ...]:
    row = session.get(MetaRow, _PENDING, populate_existing=True)
    return tuple(Removed(**one) for one in json.loads(row.value)) if row is not None else ()


def _remember(session: Session, rule: Removed, count: int) -> None:
    """Note what goes in this transaction, for the row of the audit log that closes the run."""
    there = list(_pending(session))
    same = next((one for one in there if replace(one, count=0) == rule), None)
    if same is not None:
        there.remove(same)
    there.append(replace(rule, count=count + (same.count if same is not None else 0)))
    session.merge(MetaRow(key=_PENDING, value=json.dumps([asdict(one) for one in there])))
    session.flush()
