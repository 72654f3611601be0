"""Whom an erasure is about, by their ids: what there is of somebody besides what was named."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.erasure.holdings import Id
from reid_core.gallery.correction_rows import CorrectedRow, CorrectionRow
from reid_core.gallery.schema import IdentityRow, SightingRow, StagedRow, TrackletRow
from reid_core.gallery.sealed_column import as_stored
from reid_core.gallery.staging import staged_crops
from reid_core.gallery.streams import TRACKLET
from reid_core.gallery.writing import sighting_id
from reid_core.sealing import Purpose, key_of, key_ring

_PAGE = 2048


@dataclass(frozen=True, slots=True)
class Gone:
    """Ids of what is erased.

    Attributes:
        tracklets: in the gallery or staged.
        sightings: of those.
        identities: of whom nothing is left, those that they were called before merging among them.
        crops: the files of the sightings, but for those that cannot be decrypted.
        encrypted: what lies in the database of crops, and of what is staged, where that is encrypted.
        lacking: ids of keys that are not there, and without which some cannot be decrypted.
    """

    tracklets: frozenset[str]
    sightings: frozenset[str]
    identities: frozenset[str]
    crops: tuple[bytes, ...] = ()
    encrypted: tuple[bytes, ...] = ()
    lacking: frozenset[str] = frozenset()

    def of(self, kind: Id) -> frozenset[str]:
        """The ids of a kind."""
        return {
            Id.TRACKLET: self.tracklets,
            Id.SIGHTING: self.sightings,
            Id.IDENTITY: self.identities,
            Id.ANY: self.tracklets | self.sightings | self.identities,
        }[kind]


def all_of(session: Session, tracklets: Collection[str], identities: Collection[str] = ()) -> Gone:
    """What there is of some tracklets, and of identities that nobody is left of without them.

    Args:
        session: of a transaction.
        tracklets: their ids; ones that are not there count too.
        identities: more of them, there or not; those that others are of stay.
    """
    sightings, crops, stored = set[str](), list[bytes](), _Stored()
    homes = set[str]()
    for names in pages(tracklets):
        seen = select(SightingRow.id, as_stored(SightingRow.crop).label("crop"))
        for row in session.execute(seen.where(SightingRow.tracklet_id.in_(names))):
            sightings.add(row.id)
            crop = stored.plain(row.crop, Purpose.CROP)
            crops += [crop] if crop else []
        mine = select(TrackletRow.identity_id).where(TrackletRow.id.in_(names))
        homes.update(home for home in session.scalars(mine.distinct()) if home is not None)
    staged = _staged(session, tracklets, stored)
    for name, files in staged.items():
        sightings.update(sighting_id(name, rank) for rank in range(1, len(files) + 1))
        crops += [one for one in files if one]
    empty = {home for home in {*homes, *identities} if not _others(session, home, tracklets)}
    former = _former(session, tracklets)
    identities = frozenset(empty | former)
    return Gone(
        *(frozenset(tracklets), frozenset(sightings), identities, tuple(crops)),
        encrypted=tuple(stored.encrypted),
        lacking=frozenset(stored.lacking),
    )


def pages(values: Collection[str]) -> Iterator[Sequence[str]]:
    """Values, sorted, as many at a time as a statement takes."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _PAGE):
        yield ordered[start : start + _PAGE]


class _Stored:
    """Decrypts what lies in the database, where the key is there; notes what was, and which keys lack."""

    def __init__(self) -> None:
        self.encrypted: list[bytes] = []
        self.lacking: set[str] = set()

    def plain(self, content: bytes, purpose: Purpose) -> bytes:
        """The plain bytes; none where their key is not there."""
        key = key_of(content)
        if key is None:
            return content
        self.encrypted.append(content)
        ring = key_ring()
        if key in ring.secrets:
            return ring.opened(content, purpose)
        self.lacking.add(key)
        return b""


def _staged(session: Session, tracklets: Collection[str], stored: _Stored) -> dict[str, tuple[bytes, ...]]:
    """The crops of tracklets that are staged, by their id."""
    found: dict[str, tuple[bytes, ...]] = {}
    for names in pages(tracklets):
        waits = StagedRow.kind == TRACKLET, StagedRow.subject.in_(names)
        chosen = select(StagedRow.subject, as_stored(StagedRow.content).label("content"))
        for row in session.execute(chosen.where(*waits)):
            content = stored.plain(row.content, Purpose.STAGED)
            found[row.subject] = staged_crops(content) if content else ()
    return found


def _others(session: Session, identity: str, tracklets: Collection[str]) -> bool:
    """Whether an identity has a tracklet besides some."""
    mine = session.scalars(select(TrackletRow.id).where(TrackletRow.identity_id == identity))
    return any(name not in tracklets for name in mine)


def _former(session: Session, tracklets: Collection[str]) -> set[str]:
    """Identities that are no more, of which some tracklets were and nobody else who is left."""
    found, kept = set[str](), set[str]()
    for names in pages(tracklets):
        mine = select(CorrectedRow.correction_id).where(CorrectedRow.tracklet_id.in_(names))
        spoke = select(CorrectionRow.before).where(CorrectionRow.id.in_(mine))
        for before in session.scalars(spoke):
            for tracklet, home in dict(before.get("tracklets", {})).items():
                (found if tracklet in tracklets else kept).add(home)
    gone = found - kept
    for names in pages(gone):
        gone = gone - set(session.scalars(select(IdentityRow.id).where(IdentityRow.id.in_(names))))
    return gone
