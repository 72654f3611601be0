"""Legal holds: who, or which stretch of a camera's time, is neither erased nor falls to retention."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from sqlalchemy import CTE, ColumnElement, Select, and_, func, insert, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from reid_core.erasure.gone import pages
from reid_core.errors import UsageError
from reid_core.gallery.correction_rows import CorrectionRow
from reid_core.gallery.corrections import CorrectionKind
from reid_core.gallery.erasure_rows import HoldRow
from reid_core.gallery.label_rows import LabelRow
from reid_core.gallery.naming import any_tracklet, the_identity
from reid_core.gallery.schema import CameraRow, LinkRow, StagedRow, TrackletRow
from reid_core.gallery.sealed_column import as_stored
from reid_core.gallery.staging import staged_times
from reid_core.gallery.streams import TRACKLET
from reid_core.reviewing.labels import Verdict
from reid_core.sealing import Purpose, SealingKeyError, opened
from reid_core.types import Decision


class HeldError(UsageError):
    """Somebody is held: they may not be erased."""

    code: ClassVar[str] = "held"


class HoldKind(StrEnum):
    """What is held."""

    IDENTITY = "identity"
    TRACKLET = "tracklet"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold; times in UTC nanoseconds.

    Attributes:
        number: of the hold.
        kind: what is held.
        subject: id of the identity or the tracklet; ``None`` for a camera.
        camera: its id; ``None`` for an identity or a tracklet.
        since_ns: what the camera saw from then on; ``None`` for from ever.
        until_ns: and before then; ``None`` for for ever.
        reason: why.
        author: who held it.
        created_ns: when.
        lifted_by: who lifted it; empty while it stands.
        lifted_ns: when that was.
    """

    number: int
    kind: HoldKind
    subject: str | None
    camera: str | None
    since_ns: int | None
    until_ns: int | None
    reason: str
    author: str
    created_ns: int
    lifted_by: str
    lifted_ns: int

    @classmethod
    def of(cls, row: HoldRow) -> Self:
        """As its row has it."""
        names = [name for name in cls.__dataclass_fields__ if name not in ("number", "kind")]
        return cls(row.id, HoldKind(row.kind), **{name: getattr(row, name) for name in names})


@dataclass(frozen=True, slots=True)
class NewHold:
    """What is to be held: an identity, a tracklet, or what a camera saw in a stretch of time.

    Attributes:
        identity: its id, or the beginning.
        tracklet: likewise.
        camera: its id.
        since_ns: capture time, UTC nanoseconds; from ever by default.
        until_ns: likewise, without it; for ever by default.
        reason: why; never empty.
        author: who holds it.
    """

    reason: str
    author: str
    identity: str | None = None
    tracklet: str | None = None
    camera: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None


def hold(session: Session, new: NewHold, now_ns: int) -> Hold:
    """Hold somebody, in a writing transaction.

    Raises:
        UsageError: it names not one thing, or one that is not there, or gives no reason.
    """
    if sum(one is not None for one in (new.identity, new.tracklet, new.camera)) != 1:
        raise UsageError(
            "A hold is on one thing: an identity, a tracklet, or a camera.",
            "Give one of --identity, --tracklet and --camera.",
        )
    if not new.reason.strip():
        raise UsageError("A hold needs a reason.", "Give it with --why.")
    values = {
        **dict.fromkeys(("subject", "camera", "since_ns", "until_ns")),
        **_named(session, new),
        "reason": new.reason.strip(),
        "author": new.author,
        "created_ns": now_ns,
        "lifted_by": "",
        "lifted_ns": 0,
    }
    number = session.scalar(insert(HoldRow).values(values).returning(HoldRow.id))
    row = session.get(HoldRow, number)
    assert row is not None
    return Hold.of(row)


def lift(session: Session, number: int, author: str, now_ns: int) -> Hold:
    """Lift a hold, in a writing transaction.

    Raises:
        UsageError: there is none of this number that stands.
    """
    stands = HoldRow.id == number, HoldRow.lifted_by == ""
    done = session.scalar(
        update(HoldRow).where(*stands).values(lifted_by=author, lifted_ns=now_ns).returning(HoldRow.id)
    )
    row = session.get(HoldRow, number) if done is not None else None
    if row is None:
        raise UsageError(f"There is no hold {number} that stands.", "`nightreid hold list` lists them.")
    session.refresh(row)
    return Hold.of(row)


def holds(session: Session, lifted: bool = False) -> tuple[Hold, ...]:
    """The holds that stand, by their number; with those that were lifted, where asked."""
    chosen = select(HoldRow).order_by(HoldRow.id)
    return tuple(map(Hold.of, session.scalars(chosen if lifted else chosen.where(HoldRow.lifted_by == ""))))


def is_held() -> ColumnElement[bool]:
    """Whether a row of `TrackletRow` is held: by itself, by its camera and time, or as somebody's who is.

    A tracklet is theirs who is held as a member of their identity, or of one that this was merged into since,
    by the model's link, or by what a person confirmed last. A link that a person rejected holds it all the
    same: in doubt it stays.
    """
    whose = _held_identities()
    return or_(_is_held_itself(), _is_of(TrackletRow.identity_id, whose), _linked(whose), _confirmed(whose))


def held(session: Session, tracklets: Collection[str]) -> set[str]:
    """Which of some tracklets are held."""
    found = set[str]()
    for names in pages(tracklets):
        chosen = select(TrackletRow.id).where(TrackletRow.id.in_(names), is_held())
        found.update(session.scalars(chosen))
        # One that is staged has no row yet.
        waits = HoldRow.lifted_by == "", HoldRow.kind == str(HoldKind.TRACKLET), HoldRow.subject.in_(names)
        found.update(one for one in session.scalars(select(HoldRow.subject).where(*waits)) if one)
        found.update(_staged_of_held_cameras(session, names))
    return found


def check_free(session: Session, tracklets: Collection[str]) -> None:
    """Make sure that none of some tracklets is held.

    Raises:
        HeldError: one is.
    """
    found = sorted(held(session, tracklets))
    if found:
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise HeldError(
            f"Tracklet {found[0]}{others} is under legal hold: nothing was erased.",
            "`nightreid hold list` says why; whoever answers for it lifts it with `nightreid hold lift N`.",
        )


def _held_identities() -> CTE:
    """Those that are held by name, and those that they were merged into since, one behind the other."""
    named = select(HoldRow.subject.label("id")).where(
        HoldRow.lifted_by == "", HoldRow.kind == str(HoldKind.IDENTITY)
    )
    whose = named.cte("held_identities", recursive=True)
    merged = (
        select(CorrectionRow.identity)
        .join(whose, CorrectionRow.other == whose.c.id)
        .where(CorrectionRow.kind == str(CorrectionKind.MERGE), CorrectionRow.undone_by == "")
    )
    return whose.union(merged)


def _of_tracklet(chosen: Select[Any]) -> ColumnElement[bool]:
    # However deep it stands in a query, it is of that query's tracklet: by itself, SQLAlchemy takes only the
    # table of the query just around it, and else has all tracklets looked through.
    return chosen.correlate(TrackletRow).exists()


def _is_of(identity: ColumnElement[Any] | InstrumentedAttribute[Any], whose: CTE) -> ColumnElement[bool]:
    # Never NULL, as IN is where there is no identity: what is not held must be known not to be.
    return func.coalesce(identity, "").in_(select(whose.c.id))


def _is_held_itself() -> ColumnElement[bool]:
    stretch = and_(
        HoldRow.camera == TrackletRow.camera_id,
        func.coalesce(HoldRow.since_ns, TrackletRow.start_ns) <= TrackletRow.end_ns,
        or_(HoldRow.until_ns.is_(None), HoldRow.until_ns > TrackletRow.start_ns),
    )
    it = or_(
        and_(HoldRow.kind == str(HoldKind.TRACKLET), HoldRow.subject == TrackletRow.id),
        and_(HoldRow.kind == str(HoldKind.CAMERA), stretch),
    )
    return _of_tracklet(select(HoldRow.id).where(HoldRow.lifted_by == "", it))


def _linked(whose: CTE) -> ColumnElement[bool]:
    mine = LinkRow.tracklet_id == TrackletRow.id, LinkRow.decision == str(Decision.LINKED)
    return _of_tracklet(select(LinkRow.tracklet_id).where(*mine, _is_of(LinkRow.identity_id, whose)))


def _confirmed(whose: CTE) -> ColumnElement[bool]:
    """As `labels.counting` has it: the last confirmation counts, unless it was taken back."""
    later = aliased(LabelRow)
    takes_back = or_(later.verdict == str(Verdict.CONFIRMED), _owner(later) == _owner(LabelRow))
    after = later.tracklet_id == LabelRow.tracklet_id, later.id > LabelRow.id
    stands = ~select(later.id).where(*after, takes_back).correlate(LabelRow).exists()
    mine = LabelRow.tracklet_id == TrackletRow.id, LabelRow.verdict == str(Verdict.CONFIRMED)
    return _of_tracklet(select(LabelRow.id).where(*mine, stands, _is_of(_owner(LabelRow), whose)))


def _owner(label: type[LabelRow]) -> ColumnElement[str]:
    """Whose the visible tracklet of a label is now; whose it was where it is gone."""
    anchor = aliased(TrackletRow)
    now = select(anchor.identity_id).where(anchor.id == label.anchor).correlate(label).scalar_subquery()
    return func.coalesce(now, label.identity)


def _staged_of_held_cameras(session: Session, tracklets: Collection[str]) -> set[str]:
    """Which of some tracklets are staged, and of a stretch of a camera's time that is held."""
    # Of one that is admitted the gallery has the row.
    waits = StagedRow.kind == TRACKLET, StagedRow.subject.in_(tracklets), ~StagedRow.admitted
    of_camera = HoldRow.lifted_by == "", HoldRow.kind == str(HoldKind.CAMERA)
    columns = StagedRow.subject, HoldRow.until_ns, as_stored(StagedRow.content).label("content")
    chosen = (
        select(*columns)
        .join(HoldRow, HoldRow.camera == StagedRow.camera_id)
        .where(*waits, *of_camera, func.coalesce(HoldRow.since_ns, StagedRow.due_ns) <= StagedRow.due_ns)
    )
    return {
        row.subject
        for row in session.execute(chosen)
        if row.until_ns is None or _begins_before(row.content, row.until_ns)
    }


def _begins_before(content: bytes, until_ns: int) -> bool:
    """Whether a staged tracklet begins before a time; one that cannot be read may."""
    try:
        return staged_times(opened(content, Purpose.STAGED))[0] < until_ns
    except SealingKeyError:
        return True


def _named(session: Session, new: NewHold) -> dict[str, object]:
    if new.camera is None and (new.since_ns is not None or new.until_ns is not None):
        raise UsageError("A time is held of a camera.", "Name it with --camera.")
    if new.identity is not None:
        return {"kind": str(HoldKind.IDENTITY), "subject": the_identity(session, new.identity)}
    if new.tracklet is not None:
        return {"kind": str(HoldKind.TRACKLET), "subject": any_tracklet(session, new.tracklet)[0]}
    assert new.camera is not None
    if session.get(CameraRow, new.camera) is None:
        raise UsageError(f"The gallery has no camera {new.camera!r}.")
    if new.since_ns is not None and new.until_ns is not None and new.until_ns <= new.since_ns:
        raise UsageError("The hold ends before it begins.")
    return {
        "kind": str(HoldKind.CAMERA),
        "camera": new.camera,
        "since_ns": new.since_ns,
        "until_ns": new.until_ns,
    }
