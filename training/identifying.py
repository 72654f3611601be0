"""What probes find in galleries that are drawn from labelled people, at several sizes.

A gallery of a size is nested in the next larger one of its round, and every person asks in every gallery, so
that sizes differ in nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reid_core.models.manifest import PairKind
from reid_core.size_law import Searches, searched, searches_together
from reid_core.tracklet_scores import scores_of
from reid_core.types import Floats, Ints, Modality
from training.datasets.records import ImageRecord
from training.recipe import CalibrationSettings
from training.seeding import generator

Doubles: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Person:
    """Rows of somebody's images, a list a tracklet."""

    visible: list[Ints]
    infrared: list[Ints]


def people_of(records: Sequence[ImageRecord]) -> dict[int, Person]:
    """Whom images show, by identity: the images of one camera and modality are a tracklet."""
    folders: dict[tuple[int, int, Modality], list[int]] = {}
    for row, record in enumerate(records):
        folders.setdefault((record.identity, record.camera, record.modality), []).append(row)
    people: dict[int, Person] = {}
    for (identity, _, modality), rows in sorted(folders.items()):
        person = people.setdefault(identity, Person([], []))
        tracklets = person.visible if modality is Modality.VISIBLE else person.infrared
        tracklets.append(np.array(rows, np.int64))
    return people


def sizes_up_to(people: int, usual: int) -> list[int]:
    """Sizes of galleries to measure at: a quarter of the usual one, its half, itself, its double and so on.

    Args:
        people: that can be in a gallery; a fifth of them at least stay outside.
        usual: size.
    """
    largest = people - max(1, people // 5)
    sizes = {max(2, usual // 4), max(2, usual // 2)} | {usual << step for step in range(12)}
    return sorted({size for size in sizes if size < largest} | ({largest} if largest >= 2 else set()))


def searches_in(
    vectors: Floats,
    people: Mapping[int, Person],
    kind: PairKind,
    sizes: Sequence[int],
    settings: CalibrationSettings,
    seed: int,
) -> list[Searches]:
    """Let everybody ask in galleries of these sizes.

    Args:
        vectors: ``(N, D)`` float32, L2-normalised.
        people: of those.
        kind: of pairs: a link's score or that of a visible tracklet that may join an identity.
        sizes: of the galleries, ascending.
        settings: how they are drawn.
        seed: of the draws.

    Returns:
        one for each size that a gallery reached, in order.
    """
    everybody = [one for one in sorted(people) if people[one].visible]
    found: dict[int, list[Searches]] = {size: [] for size in sizes}
    for number in range(settings.rounds):
        rng = generator(seed, "identification", kind, number)
        drawn = rng.permutation(everybody).tolist()
        asking: list[tuple[int, Floats]] = []
        held: dict[int, Floats] = {}
        for one in sorted(people):
            probe, rows = split_tracklets(people[one], kind, rng)
            asking += [(one, _crops(vectors, each, settings.crops, rng)) for each in probe]
            if rows:
                held[one] = np.concatenate([_crops(vectors, each, settings.crops, rng) for each in rows])
        order = [one for one in drawn if one in held][: sizes[-1]]
        if not order or not asking:
            continue
        scores = scores_of([tracklet for _, tracklet in asking], [held[one] for one in order], kind)
        who = np.array([one for one, _ in asking], np.int64)
        same = who[:, None] == np.array(order, np.int64)
        for size in sizes:
            if size <= len(order):
                found[size].append(searched(scores[:, :size], same[:, :size], who))
    return [searches_together(parts) for parts in found.values() if parts]


def split_tracklets(
    person: Person, kind: PairKind, rng: np.random.Generator
) -> tuple[list[Ints], list[Ints]]:
    """Tracklets that ask, and those the gallery may know: a random few of somebody's visible cameras."""
    visible = person.visible
    if kind == "infrared-visible":
        return person.infrared, _some(visible, rng)
    if len(visible) == 1 and len(visible[0]) > 1:
        # Seen by one camera only: its images make two tracklets.
        mixed = rng.permutation(visible[0])
        visible = [mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]]
    if not visible:
        return [], []
    asks = int(rng.integers(len(visible)))
    return [visible[asks]], _some([each for place, each in enumerate(visible) if place != asks], rng)


def _some(tracklets: list[Ints], rng: np.random.Generator) -> list[Ints]:
    if not tracklets:
        return []
    count = int(rng.integers(1, len(tracklets) + 1))
    return [tracklets[place] for place in rng.permutation(len(tracklets))[:count].tolist()]


def _crops(vectors: Floats, rows: Ints, count: int, rng: np.random.Generator) -> Floats:
    some: Floats = vectors[rng.permutation(rows)[:count]]
    return some
