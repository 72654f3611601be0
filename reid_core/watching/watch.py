"""A watch as plain data, and what is asked of a new one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np

from reid_core.gallery.watch_rows import WatchRow
from reid_core.types import Floats, Modality
from reid_core.watching.hours import UTC_NAME, Hours


class WatchKind(StrEnum):
    """What a watch knows of whom it looks for."""

    DESCRIPTION = "description"
    IDENTITY = "identity"
    PICTURE = "picture"


class Standing(StrEnum):
    """How a watch can fire, as whoever watches finds it."""

    CALIBRATED = "calibrated"
    PARTLY = "calibrated for visible tracklets only"
    PARTLY_INFRARED = "calibrated for infrared tracklets only"
    LINKER = "fires where the linker decides"
    SCORE = "not calibrated, fires by its score"
    NOT_CALIBRATED = "not calibrated, never fires"
    NO_ENCODER = "no text encoder, never fires"
    NOT_UNDERSTOOD = "not understood, never fires"
    OTHER_MODEL = "picture of another model, never fires"
    GONE = "identity is gone, never fires"


@dataclass(frozen=True, eq=False)
class Watch:
    """A standing query.

    Attributes:
        number: by which people know it.
        kind: what is known of whom is looked for.
        name: for people.
        text: of a description.
        identity: of an identity: its id when the watch was added.
        vector: of a picture: ``(D,)`` float32, L2-normalised.
        space: of that vector.
        pictured: the modality of the picture.
        looks_at: the modality of the tracklets that are looked at; ``None`` for both.
        cameras: whose tracklets; all where there are none.
        hours: at which times of day; ``None`` for all.
        expires_ns: whoever is seen later is not looked at, UTC nanoseconds.
        false_alarms: how many a night it may raise; ``None`` as whoever watches was told.
        score: the cosine to fire at instead; ``None`` to go by calibrations.
        author: who added it.
        purpose: what for, in their words.
        created_ns: when, UTC nanoseconds.
        after: the place in the order of arrival of the last tracklet that was there before it.
        paused: whether it fires at nothing for now.
        standing: how it can fire, as whoever watches said last; empty where nobody has.
    """

    number: int
    kind: WatchKind
    name: str
    text: str | None
    identity: str | None
    vector: Floats | None
    space: str | None
    pictured: Modality | None
    looks_at: Modality | None
    cameras: frozenset[str]
    hours: Hours | None
    expires_ns: int | None
    false_alarms: float | None
    score: float | None
    author: str
    purpose: str
    created_ns: int
    after: int
    paused: bool
    standing: str

    @classmethod
    def of(cls, row: WatchRow) -> Self:
        """As its row has it."""
        return cls(
            number=row.id,
            kind=WatchKind(row.kind),
            name=row.name,
            text=row.text,
            identity=row.identity,
            vector=np.frombuffer(row.data, "<f4").astype(np.float32) if row.data is not None else None,
            space=row.space,
            pictured=Modality(row.pictured) if row.pictured is not None else None,
            looks_at=Modality(row.looks_at) if row.looks_at is not None else None,
            cameras=frozenset(row.cameras),
            hours=Hours.parse(row.hours, row.zone) if row.hours is not None else None,
            expires_ns=row.expires_ns,
            false_alarms=row.false_alarms,
            score=row.score,
            author=row.author,
            purpose=row.purpose,
            created_ns=row.created_ns,
            after=row.after,
            paused=row.paused,
            standing=row.standing,
        )

    def wants(self, camera: str, modality: Modality, position: int, start_ns: int, end_ns: int) -> bool:
        """Whether a tracklet is among those that are looked at, by when and where it was."""
        return (
            not self.paused
            and position > self.after
            and self.looks_at in (None, modality)
            and (not self.cameras or camera in self.cameras)
            and (self.expires_ns is None or end_ns <= self.expires_ns)
            and (self.hours is None or self.hours.meet(start_ns, end_ns))
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class NewWatch:
    """What is asked of a watch that is to be added; fields as in `Watch`.

    Of ``text``, ``identity`` and ``vector`` one is given; ``identity`` may be the beginning of an id, and
    ``hours`` and ``zone`` are as a person writes them.
    """

    text: str | None = None
    identity: str | None = None
    vector: Floats | None = None
    space: str | None = None
    pictured: Modality | None = None
    looks_at: Modality | None = None
    cameras: tuple[str, ...] = ()
    hours: str | None = None
    zone: str = UTC_NAME
    expires_ns: int | None = None
    false_alarms: float | None = None
    score: float | None = None
    name: str = ""
    author: str
    purpose: str = ""
