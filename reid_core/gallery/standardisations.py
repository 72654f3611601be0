"""Versions of a model's vectors, standardised by what a gallery's cameras had shown.

A version is a space of its own: what its vectors share is the model, the form and the statistics of each
camera. The model's own vectors stay beside it as they are, so that another version, or none, can follow.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.standardisation_rows import CameraStatisticsRow, HeadRow, StandardisationRow
from reid_core.heads import Head
from reid_core.standardising import Doubles, Statistics, parse_form
from reid_core.types import Floats, Modality

# By space, which is a digest over all that they hold: they never change.
_KNOWN: dict[str, "Standardisation"] = {}
_MOST_KNOWN = 16


@dataclass(frozen=True, slots=True)
class CameraStatistics:
    """What a camera has shown.

    Attributes:
        modality: of the camera.
        statistics: of its vectors; counted in tracklets, as pictures of one walk are hardly several.
    """

    modality: Modality
    statistics: Statistics


@dataclass(frozen=True, slots=True)
class Learned:
    """A head behind standardised vectors, and where it is from.

    Attributes:
        head: turns vectors of either modality, so that they stay comparable.
        parent: the space that was compared before it.
        report: what it was learned from and what was measured, for the record.
    """

    head: Head
    parent: str
    report: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Standardisation:
    """How vectors of a model are brought into a space in which cameras have less in common.

    Attributes:
        space: in which they are compared.
        model: id of the model of the vectors.
        form: as `parse_form` reads it.
        cameras: by id; whoever is not among them counts as one that has shown nothing.
        learned: what comes behind, where the gallery was adapted to its cameras.
    """

    space: str
    model: str
    form: str
    cameras: Mapping[str, CameraStatistics]
    learned: Learned | None = None

    @classmethod
    def of(
        cls,
        model: str,
        form: str,
        cameras: Mapping[str, CameraStatistics],
        learned: Learned | None = None,
    ) -> Self:
        """The one of these statistics and this head, under the name that they make."""
        said: dict[str, object] = {
            "model": model,
            "form": form,
            "cameras": [
                [name, str(one.modality), one.statistics.count, _digest(one.statistics)]
                for name, one in sorted(cameras.items())
            ],
        }
        if learned is not None:
            said |= {"head": learned.head.digest, "parent": learned.parent}
        space = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return cls(space, model, form, cameras, learned)

    @property
    def calibrated_form(self) -> str | None:
        """The form for which a model's own calibration can hold; ``None`` behind a head: it never saw it."""
        return self.form if self.learned is None else None

    def apply(self, vectors: Floats, modality: Modality, camera: str | None = None) -> Floats:
        """Vectors of the model as they are compared in the space.

        Args:
            vectors: ``(N, D)`` float32, L2-normalised.
            modality: of the camera that showed them; where the gallery knew too little of it, they stay as
                they are.
            camera: its id, if it is known: else what cameras of the modality have in common counts.

        Returns:
            ``(N, D)`` float32, L2-normalised.

        Raises:
            UsageError: they are of another length than the statistics.
        """
        found = self._standardised(vectors, modality, camera)
        return self.learned.head.apply(found) if self.learned is not None else found

    def _standardised(self, vectors: Floats, modality: Modality, camera: str | None) -> Floats:
        known = [one.statistics for one in self.cameras.values() if one.modality is modality]
        if not known or not len(vectors):
            return vectors
        everybody = Statistics.over(known)
        if vectors.shape[1:] != everybody.mean.shape:
            raise UsageError(
                f"The vectors have {vectors.shape[-1]} dimensions, "
                f"those of the gallery {len(everybody.mean)}."
            )
        own = self.cameras.get(camera) if camera is not None else None
        nothing = Statistics(0.0, everybody.mean, everybody.deviation)
        return parse_form(self.form).apply(vectors, own.statistics if own is not None else nothing, everybody)


def standardisation_of(session: Session, space: str) -> Standardisation | None:
    """The one that a space is made by; ``None`` where it is a model's own."""
    if space in _KNOWN:
        return _KNOWN[space]
    row = session.get(StandardisationRow, space)
    if row is None:
        return None
    rows = session.scalars(select(CameraStatisticsRow).where(CameraStatisticsRow.space == space))
    cameras = {
        one.camera_id: CameraStatistics(
            Modality(one.modality),
            Statistics(float(one.tracklets), _numbers(one.mean), _numbers(one.deviation)),
        )
        # Not by the database, which may sort names by the rules of some language: sums depend on the order.
        for one in sorted(rows, key=lambda row: row.camera_id)
    }
    behind = session.get(HeadRow, space)
    learned = None
    if behind is not None:
        learned = Learned(Head.from_bytes(behind.matrix), behind.parent, behind.learned)
    found = Standardisation(space, row.model_id, row.form, cameras, learned)
    while len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.pop(next(iter(_KNOWN)))
    return _KNOWN.setdefault(space, found)


def model_of(session: Session, space: str) -> str:
    """The id of the model whose vectors are compared in a space."""
    made = select(StandardisationRow.model_id).where(StandardisationRow.space == space)
    return session.scalar(made) or space


def put_standardisation(session: Session, made: Standardisation) -> int:
    """Keep one, unless it is there.

    Returns:
        its version, from 1 for each model.
    """
    there = session.get(StandardisationRow, made.space)
    if there is not None:
        return there.version
    versions = select(func.max(StandardisationRow.version)).where(StandardisationRow.model_id == made.model)
    version = (session.scalar(versions) or 0) + 1
    values = {"space": made.space, "model_id": made.model, "version": version, "form": made.form}
    session.execute(insert(StandardisationRow).values(values))
    for name, one in sorted(made.cameras.items()):
        session.execute(
            insert(CameraStatisticsRow).values(
                space=made.space,
                camera_id=name,
                modality=str(one.modality),
                tracklets=int(one.statistics.count),
                mean=_bytes(one.statistics.mean),
                deviation=_bytes(one.statistics.deviation),
            )
        )
    if made.learned is not None:
        kept = {"parent": made.learned.parent, "matrix": made.learned.head.to_bytes()}
        session.execute(insert(HeadRow).values(space=made.space, learned=dict(made.learned.report), **kept))
    return version


def _digest(statistics: Statistics) -> str:
    return hashlib.sha256(_bytes(statistics.mean) + _bytes(statistics.deviation)).hexdigest()


def _bytes(numbers: Doubles) -> bytes:
    return np.asarray(numbers, "<f8").tobytes()


def _numbers(data: bytes) -> Doubles:
    return np.frombuffer(data, "<f8")
