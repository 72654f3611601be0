"""Legal holds: who, or which stretch of a camera's time, is neither erased nor falls to retention."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from reid_core.erasure.gone import pages
from reid_core.errors import UsageError
from reid_core.gallery.correction_rows import CorrectionRow
from reid_core.gallery.erasure_rows import HoldRow
from reid_core.gallery.naming import any_tracklet, the_identity
from reid_core.gallery.schema import CameraRow, LinkRow, TrackletRow
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
    """Whether a row of `TrackletRow` is held: by itself, its identity, its camera and time, or its link."""
    return select(HoldRow.id).where(HoldRow.lifted_by == "", _holds_it()).exists()


def held(session: Session, tracklets: Collection[str]) -> set[str]:
    """Which of some tracklets are held."""
    found = set[str]()
    for names in pages(tracklets):
        chosen = select(TrackletRow.id).where(TrackletRow.id.in_(names), is_held())
        found.update(session.scalars(chosen))
        # One that is staged has no row yet.
        waits = HoldRow.lifted_by == "", HoldRow.kind == str(HoldKind.TRACKLET), HoldRow.subject.in_(names)
        found.update(one for one in session.scalars(select(HoldRow.subject).where(*waits)) if one)
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


def _holds_it() -> ColumnElement[bool]:
    linked = (
        select(LinkRow.identity_id)
        .where(LinkRow.tracklet_id == TrackletRow.id, LinkRow.decision == str(Decision.LINKED))
        .where(LinkRow.identity_id == HoldRow.subject)
        .exists()
    )
    # An identity that was merged into another is held in it.
    merged = (
        select(CorrectionRow.id)
        .where(CorrectionRow.kind == "merge", CorrectionRow.undone_by == "")
        .where(CorrectionRow.other == HoldRow.subject, CorrectionRow.identity == TrackletRow.identity_id)
        .exists()
    )
    whole = or_(HoldRow.subject == TrackletRow.identity_id, linked, merged)
    stretch = and_(
        HoldRow.camera == TrackletRow.camera_id,
        func.coalesce(HoldRow.since_ns, TrackletRow.start_ns) <= TrackletRow.end_ns,
        or_(HoldRow.until_ns.is_(None), HoldRow.until_ns > TrackletRow.start_ns),
    )
    return or_(
        and_(HoldRow.kind == str(HoldKind.TRACKLET), HoldRow.subject == TrackletRow.id),
        and_(HoldRow.kind == str(HoldKind.IDENTITY), whole),
        and_(HoldRow.kind == str(HoldKind.CAMERA), stretch),
    )


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
