"""Watches at work: events are judged, and what was found is written once, whoever does it.

How far events have been looked at is a mark of the gallery, moved in the transaction that writes the alerts
of those events. So a run and any number of workers may watch the same gallery: each event counts once, and
whoever comes second with it writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.calibration import Calibration
from reid_core.errors import ModelMismatchError, UsageError
from reid_core.gallery.outbox import IDENTITY_CHANGED, LINK_MADE, TRACKLET_CLOSED, Event, Outbox
from reid_core.gallery.schema import TrackletRow
from reid_core.gallery.spaces import comparing_space
from reid_core.gallery.store import Gallery
from reid_core.gallery.watch_rows import WatchRow
from reid_core.models.language import TextEncoder
from reid_core.types import Floats, Modality
from reid_core.watching.alerts import Alert, alerts, last_alert, raise_alert
from reid_core.watching.background import Before
from reid_core.watching.judging import Found, Judge, scores_of
from reid_core.watching.keeping import any_watch, mark, put_mark, watches
from reid_core.watching.looking import Seen, links_of, seen, vectors_of
from reid_core.watching.watch import Standing, Watch, WatchKind
from reid_core.watching.whom import meant_now

KINDS = frozenset({TRACKLET_CLOSED, LINK_MADE, IDENTITY_CHANGED})
"""Kinds of events by which somebody is seen."""

_TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """What one watch found by one event."""

    event: int
    watch: int
    seen: Seen
    found: Found


@dataclass(frozen=True, slots=True)
class Judged:
    """What comes of some events.

    Attributes:
        last: number of the last of them.
        findings: in their order.
        standings: of watches, by their number, where it is not what their rows say.
    """

    last: int
    findings: tuple[Finding, ...] = ()
    standings: Mapping[int, str] = field(default_factory=dict)


class Watching:
    """Judges tracklets by all watches of a gallery.

    Args:
        gallery: of the watches and the tracklets.
        space: of the vectors that are compared.
        calibrations: by the kind of pair (`reid_core.watching.judging`).
        encoder: of descriptions; without one, none of them fires.
        allowed: false alarms a night of a watch that says nothing else.
        people: how many come by in a night at least.
        quiet_ns: within how long the same person in the same camera is no news, nanoseconds.

    Raises:
        ModelMismatchError: the text encoder aims at another space.
    """

    def __init__(
        self,
        gallery: Gallery,
        space: str,
        calibrations: Mapping[str, Calibration],
        encoder: TextEncoder | None = None,
        *,
        allowed: float = 0.5,
        people: int = 100,
        quiet_ns: int = 600_000_000_000,
    ) -> None:
        self._database = gallery.database
        self._outbox = Outbox(gallery.database)
        self._space = space
        if encoder is not None and encoder.space != space:
            raise ModelMismatchError(
                f"The text encoder {encoder.model_id[:12]} is of the space {encoder.space[:12]}, "
                f"not of {space[:12]}.",
                "Use the text encoder that was trained with the gallery's model.",
            )
        self._encoder = encoder
        self._judge = Judge(calibrations, allowed, people)
        self._quiet_ns = quiet_ns
        self._texts: dict[str, Floats | None] = {}

    def catch_up(self) -> int:
        """Look at everything that has happened and was not looked at yet.

        Returns:
            how many alerts were raised.
        """
        raised = 0
        with self._database.read() as session:
            if not any_watch(session):
                return 0
            position = mark(session)
        while events := self._outbox.after(position, KINDS, _TOGETHER):
            judged = self.judge(events)
            with self._database.write() as session:
                raised += self.write(session, judged)
            position = judged.last
        return raised

    def last_alert(self) -> int:
        """Number of the latest alert; 0 where there is none."""
        with self._database.read() as session:
            return last_alert(session)

    def raised_since(self, number: int) -> tuple[Alert, ...] | None:
        """The alerts behind one, in order, without those that repeat another; ``None`` without watches."""
        with self._database.read() as session:
            raised = tuple(one for one in alerts(session, after=number) if one.repeats is None)
            return raised if raised or any_watch(session) else None

    def judge(self, events: Sequence[Event]) -> Judged:
        """Which watches find somebody by some events; writes nothing.

        Args:
            events: of `KINDS`, in order; never none.
        """
        last = events[-1].id
        with self._database.read() as session:
            active = watches(session)
            if not active:
                return Judged(last)
            sought: dict[int, Floats | str] = {}
            standings: dict[int, Standing] = {}
            for one in active:
                whom, hindrance = self._sought(session, one)
                standings[one.number] = hindrance or self._judge.standing(one)
                if whom is not None:
                    sought[one.number] = whom
            changed = {
                one.number: str(standings[one.number])
                for one in active
                if one.standing != standings[one.number]
            }
            ready = [one for one in active if _fires(standings[one.number]) and not one.paused]
            findings = self._findings(session, events, ready, sought) if ready else ()
        return Judged(last, tuple(findings), changed)

    def write(self, session: Session, judged: Judged) -> int:
        """Write what was found, and that it was looked for.

        Watches and tracklets that are gone by now, and events that somebody else has looked at, count no
        more.

        Args:
            session: of the writing transaction.
            judged: of the next events.

        Returns:
            how many alerts were raised; those that repeat another one do not count.
        """
        known, raised = mark(session), 0
        if judged.last <= known or not any_watch(session):
            return 0
        # Others wait for this transaction: a thousand watches are not read where one has found somebody.
        numbers = sorted({one.watch for one in judged.findings} | set(judged.standings))
        rows = {row.id: row for row in session.scalars(select(WatchRow).where(WatchRow.id.in_(numbers)))}
        names = sorted({one.seen.id for one in judged.findings})
        there = set(session.scalars(select(TrackletRow.id).where(TrackletRow.id.in_(names))))
        for one in judged.findings:
            row = rows.get(one.watch)
            if row is None or row.paused or one.event <= known or one.seen.id not in there:
                continue
            # Paused and resumed meanwhile, it begins anew.
            if one.seen.position > row.after:
                raised += raise_alert(session, row, one.seen, one.found, self._quiet_ns)
        for number, standing in judged.standings.items():
            if number in rows:
                rows[number].standing = standing
        put_mark(session, judged.last)
        return raised

    def _findings(
        self,
        session: Session,
        events: Sequence[Event],
        ready: Sequence[Watch],
        sought: Mapping[int, Floats | str],
    ) -> list[Finding]:
        # Words and pictures are held against vectors as the model made them; links may compare others, and
        # a gallery may begin to while it is watched.
        compared = comparing_space(session, self._space)
        looked_at = [one for one in events if one.kind != LINK_MADE or one.payload["model"] == compared]
        there = seen(session, {one.subject for one in looked_at})
        links = links_of(session, [one.id for one in there.values() if _is_dark(one)], compared)
        wanted: list[tuple[Event, Seen, list[Watch]]] = []
        for event in looked_at:
            who = there.get(event.subject)
            # An infrared tracklet is looked at once it is linked, a visible one once it has its identity.
            if who is None or _is_dark(who) != (event.kind == LINK_MADE):
                continue
            asked = [one for one in ready if _asks(one, event, who)]
            if asked:
                wanted.append((event, who, asked))
        vectors = {number: whom for number, whom in sought.items() if not isinstance(whom, str)}
        needed = {
            name
            for _, who, asked in wanted
            if any(one.number in vectors for one in asked)
            for name in (who.id, *(c.tracklet for c in (links[who.id].candidates if who.id in links else ())))
        }
        crops = vectors_of(session, needed, self._space) if needed else {}
        places = {number: place for place, number in enumerate(vectors)}
        matrix = np.array(list(vectors.values()), np.float32)
        findings = []
        for event, who, asked in wanted:
            linked = links.get(who.id)
            scores = scores_of(who, linked, crops, matrix) if len(matrix) else None
            before = Before(session, who, self._space, matrix, crops)
            for one in asked:
                whom = sought[one.number]
                if isinstance(whom, str):
                    found = self._judge.by_identity(whom, who, linked)
                elif scores is not None:
                    place = places[one.number]
                    found = self._judge.by_vector(one, place, who, linked, scores, before)
                else:
                    found = None
                if found is not None:
                    findings.append(Finding(event.id, one.number, who, found))
        return findings

    def _sought(self, session: Session, watch: Watch) -> tuple[Floats | str | None, Standing | None]:
        """The vector or the identity that a watch looks for by now, or else what hinders it."""
        if watch.kind is WatchKind.IDENTITY:
            assert watch.identity is not None
            identity = meant_now(session, watch.identity)
            return identity, None if identity is not None else Standing.GONE
        if watch.kind is WatchKind.PICTURE:
            same = watch.space == self._space
            return (watch.vector, None) if same else (None, Standing.OTHER_MODEL)
        if self._encoder is None:
            return None, Standing.NO_ENCODER
        assert watch.text is not None
        if watch.text not in self._texts:
            try:
                self._texts[watch.text] = self._encoder.encode([watch.text])[0]
            except UsageError:
                self._texts[watch.text] = None
        vector = self._texts[watch.text]
        return vector, None if vector is not None else Standing.NOT_UNDERSTOOD


def _fires(standing: Standing) -> bool:
    return not standing.endswith("never fires")


def _is_dark(who: Seen) -> bool:
    return who.modality is Modality.INFRARED


def _asks(watch: Watch, event: Event, who: Seen) -> bool:
    # Whom a tracklet is taken for changes, not what it looks like.
    about = event.kind != IDENTITY_CHANGED or watch.kind is WatchKind.IDENTITY
    return about and watch.wants(who.camera, who.modality, who.position, who.start_ns, who.end_ns)
