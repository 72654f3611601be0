"""From scores to probabilities: galleries of held-out people are drawn, and what the gallery does is done.

A link's score is the cosine of an infrared tracklet's mean vector and an identity's best sighting
(`reid_core.matcher`). A visible tracklet's score with an identity is the mean, over its sightings, of each
one's best cosine with the identity's sightings (`reid_core.gallery.identities`). In use, only the best
candidate is accepted or refused, and often the right one was never seen by day. So "different" is the best
wrong identity of a gallery of so many people, for probes inside and outside of it; a random wrong one would
promise far too much. Galleries of several sizes say how that grows with the number of people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from reid_core.calibration import Calibration, fit_calibration
from reid_core.errors import UsageError
from reid_core.models.manifest import PairKind
from reid_core.size_fitting import fit_size_law
from reid_core.types import Floats
from training.datasets.records import ImageRecord
from training.identifying import Person, people_of, searches_in, sizes_up_to
from training.recipe import CalibrationSettings


def calibrate(
    vectors: Floats,
    records: Sequence[ImageRecord],
    settings: CalibrationSettings,
    seed: int,
    data: str,
) -> tuple[dict[PairKind, Calibration], list[str]]:
    """Fit both kinds of pair on people that were not learned from.

    Args:
        vectors: ``(N, D)`` float32 of length one.
        records: of those, of both modalities.
        settings: how galleries are drawn.
        seed: of the draws.
        data: what the pairs were taken from, for the record.

    Returns:
        The calibrations that could be fitted, and a sentence for each, or its law of size, that could not.
    """
    people = people_of(records)
    found: dict[PairKind, Calibration] = {}
    notes = []
    kinds: tuple[PairKind, ...] = ("infrared-visible", "visible-visible")
    for kind in kinds:
        try:
            found[kind] = fitted(vectors, people, kind, settings, seed, data)
        except UsageError as error:
            notes.append(f"No calibration of {kind} pairs: {error.message}")
            continue
        if found[kind].sizes is None:
            notes.append(
                f"The calibration of {kind} pairs holds for galleries of about {settings.gallery} people: "
                f"{len(people)} are too few to see how it changes with their number."
            )
    return found, notes


def fitted(
    vectors: Floats,
    people: Mapping[int, Person],
    kind: PairKind,
    settings: CalibrationSettings,
    seed: int,
    data: str,
) -> Calibration:
    """The calibration of one kind of pair, with a law of size where there are people enough.

    Args:
        vectors: ``(N, D)`` float32 of length one.
        people: rows of those.
        kind: of pairs.
        settings: how galleries are drawn.
        seed: of the draws.
        data: what the pairs were taken from, for the record.

    Raises:
        UsageError: there are too few pairs, or right ones do not score higher.
    """
    if kind == "infrared-visible":
        asked, usual = settings.link_false_positive_rate, settings.link_rate
    else:
        asked, usual = settings.merge_false_positive_rate, settings.merge_rate
    everybody = sum(bool(person.visible) for person in people.values())
    # At least one person stays outside, whom nobody in the gallery is.
    size = max(1, min(settings.gallery, everybody - 1))
    sizes = sorted({size, *sizes_up_to(everybody, settings.gallery)})
    searches = searches_in(vectors, people, kind, sizes, settings, seed)
    same, different = np.empty(0), np.empty(0)
    for one in searches:
        if one.size == size:
            same, different = one.own[one.inside], one.wrong[np.isfinite(one.wrong)]
    found = fit_calibration(same, different, data, prior=settings.prior, false_positive_rate=asked)
    try:
        law = fit_size_law(searches, settings.prior, asked or usual)
        return replace(found, sizes=law)
    except UsageError:
        return found
