"""Local vectors of sightings, kept beside a gallery where somebody asks for them."""

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import Column, ForeignKey, LargeBinary, MetaData, String, Table, insert, select

from reid_core.errors import UsageError
from reid_core.gallery.records import SightingRecord
from reid_core.gallery.schema import SightingRow, table_of
from reid_core.gallery.store import Gallery
from reid_core.images import decode_jpeg
from reid_core.runtime.embedder import Embedder, normalised
from reid_core.types import Floats, Image, Modality

# Where a sighting goes, so does what was kept of it.
_TABLE = Table(
    "local_vectors",
    MetaData(),
    Column("sighting_id", ForeignKey(table_of(SightingRow).c.id, ondelete="CASCADE"), primary_key=True),
    Column("space", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)


def joined_parts(features: Mapping[str, Floats]) -> Floats:
    """One vector an image: of each local feature the mean over its parts, one behind the other.

    Args:
        features: by name, ``(N, P, d)`` each.

    Returns:
        ``(N, L)`` float32 of length one.
    """
    means = [normalised(each.mean(axis=1)) for each in features.values()]
    return normalised(np.concatenate(means, axis=1))


class LocalVectors:
    """Local vectors of a gallery's sightings by one model.

    They are made of the crops that the gallery holds, when they are first asked for, and kept in a table of
    their own, which is made here: a gallery that is never asked has none. Rows of a sighting go with it.

    Args:
        gallery: whose sightings.
        embedder: with local features.

    Raises:
        UsageError: the model has none.
    """

    def __init__(self, gallery: Gallery, embedder: Embedder) -> None:
        if not embedder.local_features:
            raise UsageError(
                f"The model {embedder.name!r} gives no local features.",
                "The joint measure is for models of parts, such as STAR-ReID's.",
            )
        self._gallery, self._embedder = gallery, embedder
        with gallery.database.write() as session:
            _TABLE.create(session.connection(), checkfirst=True)

    def made(self, crops: Sequence[Image], modality: Modality) -> Floats:
        """``(N, L)`` float32 of length one, of crops that no gallery holds."""
        found = self._embedder.features(crops, modality)
        return joined_parts({name: found[name] for name in self._embedder.local_features})

    def of(self, sightings: Sequence[SightingRecord], modality: Modality) -> Floats:
        """Those of sightings, kept from now on.

        Args:
            sightings: of the gallery, at least one.
            modality: of all of them.

        Returns:
            ``(N, L)`` float32 of length one.

        Raises:
            UsageError: the gallery holds no crop of one.
            SourceError: a crop is damaged.
        """
        kept = self._kept([one.id for one in sightings])
        missing = [one for one in sightings if one.id not in kept]
        if missing:
            lacking = next((one.id for one in missing if not one.crop), None)
            if lacking is not None:
                raise UsageError(f"The gallery has no crop of the sighting {lacking}.")
            made = self.made([decode_jpeg(one.crop) for one in missing], modality)
            found = {one.id: vector for one, vector in zip(missing, made, strict=True)}
            self._keep(found)
            kept |= found
        return np.stack([kept[one.id] for one in sightings])

    def _kept(self, names: Sequence[str]) -> dict[str, Floats]:
        chosen = select(_TABLE.c.sighting_id, _TABLE.c.data).where(
            _TABLE.c.space == self._embedder.space, _TABLE.c.sighting_id.in_(names)
        )
        with self._gallery.database.read() as session:
            return {row.sighting_id: np.frombuffer(row.data, "<f4") for row in session.execute(chosen)}

    def _keep(self, found: Mapping[str, Floats]) -> None:
        with self._gallery.database.write() as session:
            # Another process may have kept some meanwhile, and a sighting may have gone.
            rows, table = table_of(SightingRow), _TABLE.c
            there = set(session.scalars(select(rows.c.id).where(rows.c.id.in_(found))))
            there -= set(
                session.scalars(
                    select(table.sighting_id).where(
                        table.space == self._embedder.space, table.sighting_id.in_(found)
                    )
                )
            )
            values = [
                {
                    "sighting_id": name,
                    "space": self._embedder.space,
                    "data": np.asarray(each, "<f4").tobytes(),
                }
                for name, each in found.items()
                if name in there
            ]
            if values:
                session.execute(insert(_TABLE), values)
