"""Whether anything of somebody is left: files searched for the very bytes that were kept of them."""

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, inspect, select
from sqlalchemy.orm import Session

from reid_core.erasure.gone import Gone, pages
from reid_core.gallery.schema import CaptionRow, VectorRow

# Short enough to lie within one page or chunk of a database mostly, long enough to be there by no chance.
_WINDOW = 32
_PLACES = (0.2, 0.4, 0.6, 0.8)
# A text or vector shorter than this is looked for as a whole.
_SHORT = 4 * _WINDOW
_LOCAL = Table("local_vectors", MetaData(), Column("sighting_id", String(36)), Column("data", LargeBinary))


@dataclass(frozen=True, slots=True)
class Traces:
    """The bytes that are kept of somebody: parts of each crop, vector and caption, by what they are of."""

    needles: dict[bytes, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, session: Session, gone: Gone) -> "Traces":
        """All that the database keeps of somebody who is still there."""
        found: dict[bytes, str] = {}
        for crop in (*gone.crops, *gone.encrypted):
            found.update(dict.fromkeys(_parts(crop), "crop"))
        for names in pages(gone.tracklets):
            # Column by column, as each database has it.
            for data in session.scalars(select(VectorRow.data).where(VectorRow.tracklet_id.in_(names))):
                found.update(dict.fromkeys(_parts(bytes(data)), "vector"))
            for text in session.scalars(select(CaptionRow.text).where(CaptionRow.tracklet_id.in_(names))):
                found.update(dict.fromkeys(_parts(text.encode()), "caption"))
        if inspect(session.connection()).has_table("local_vectors"):
            for names in pages(gone.sightings):
                for data in session.scalars(select(_LOCAL.c.data).where(_LOCAL.c.sighting_id.in_(names))):
                    found.update(dict.fromkeys(_parts(data), "local vector"))
        return cls(found)

    def found_in(self, places: Iterable[Path]) -> dict[Path, list[str]]:
        """Which files, of folders every one in them, hold some of it, and what.

        Files that go away meanwhile, and those that may not be read, are left out.
        """
        found: dict[Path, list[str]] = {}
        for file in sorted({one for place in places for one in _files(place)}):
            kinds = self._kinds_in(file)
            if kinds:
                found[file] = sorted(kinds)
        return found

    def _kinds_in(self, file: Path) -> set[str]:
        try:
            with file.open("rb") as opened:
                if not file.stat().st_size:
                    return set()
                with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    return {kind for one, kind in self.needles.items() if content.find(one) >= 0}
        except (OSError, ValueError):
            return set()


def _files(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from (one for one in place.rglob("*") if one.is_file() and not one.is_symlink())
    elif place.exists():
        yield place


def _parts(content: bytes) -> list[bytes]:
    """Windows into some bytes: where one falls onto the edge of a page, others do not."""
    if len(content) <= _SHORT:
        return [content] if len(content) >= _WINDOW // 2 else []
    begins = [round(len(content) * place) for place in _PLACES]
    return [content[begin : begin + _WINDOW] for begin in begins]
