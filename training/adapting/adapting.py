"""A gallery adapted to its own cameras: a head is learned, judged, put in force and calibrated; or not."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery.calibrations import own_calibration, put_own_calibrations
from reid_core.gallery.database import Database
from reid_core.gallery.spaces import check_space, comparing_space
from reid_core.gallery.standardisations import (
    Learned,
    Standardisation,
    put_standardisation,
    standardisation_of,
)
from reid_core.gallery.standardise import as_seen, as_they_are, put_in_force
from reid_core.gallery.store import Gallery
from reid_core.own_cameras import PAIR, OwnFit, calibrate_on_own_cameras
from training.adapting.evidence import Evidence, read_evidence
from training.adapting.learning import LearnedHead, Learner
from training.adapting.links import MIN_NIGHTS, carried_over
from training.adapting.measuring import Measured, held_out, measured, why_not
from training.adapting.progress import ProgressFile
from training.adapting.settings import AdaptSettings
from training.adapting.words import contradiction
from training.seeding import generator

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Adapted:
    """What came of adapting.

    Attributes:
        why_not: in one sentence, why nothing changed; empty where the head is in force.
        version: that is in force now, of the model's; ``None`` where nothing changed.
        tracklets: that were looked at.
        held_out: of those, measured on instead of learned from.
        groups: of tracklets over cameras, among those that were learned from.
        grouped: tracklets in them.
        before: how the gallery's vectors did.
        after: how they do behind the head.
        calibration: of visible pairs, fitted anew.
        notes: sentences on what else is to know.
    """

    why_not: str = ""
    version: int | None = None
    tracklets: int = 0
    held_out: int = 0
    groups: int = 0
    grouped: int = 0
    before: Measured | None = None
    after: Measured | None = None
    calibration: OwnFit | None = None
    notes: Sequence[str] = field(default_factory=tuple)


def adapt(
    gallery: Gallery,
    model: str,
    form: str,
    settings: AdaptSettings,
    folder: Path,
    seed: int = 1,
    told: Told | None = None,
    links: tuple[Calibration | None, frozenset[str] | None] = (None, None),
) -> Adapted:
    """Learn from what a gallery holds how its cameras show people, and compare by that where it is better.

    The vectors of before are made by the statistics that are kept, so `take_back` returns to them. Nothing is
    put in force that held-out tracklets do not speak for.

    Args:
        gallery: whose tracklets are learned from.
        model: id of the model of its vectors.
        form: how they are standardised, as `reid_core.standardising.parse_form` reads it.
        settings: how a head is learned.
        folder: for the state of learning: a killed call goes on from it if nothing has changed.
        seed: of every draw.
        told: called with what is done, how much of it is done, and of how much.
        links: what their scores say now, and the cameras that this is of, if it is of the gallery's own.

    Raises:
        UsageError: too few people were seen, or the text names no form.
        ModelMismatchError: the gallery is of another model.
        StorageError: the state cannot be written.
    """
    begun = _begun(gallery, model)
    if begun is not None:
        return _calibrated(gallery, begun, Adapted(), settings.merge_rate, seed)
    made, notes = as_seen(gallery.database, model, form)
    evidence = read_evidence(gallery, made, settings.tracklets, seed)
    if evidence.still:
        notes.append(f"{evidence.still} tracklets whose pictures never change were left out.")
    wrong = contradiction(evidence.words, evidence.stays_of_words)
    if wrong is not None:
        return Adapted(wrong, tracklets=len(evidence.names), notes=notes)
    held = held_out(evidence, settings.held_out, generator(seed, "held out"))
    key = f"{evidence.digest} {made.space} {settings.model_dump_json()} {seed}"
    file = ProgressFile(folder, hashlib.sha256(key.encode()).hexdigest())
    found = Adapted(tracklets=len(evidence.names), held_out=int(held.sum()), notes=notes)
    try:
        learner = Learner(evidence, ~held, settings, seed)
        head = learner.learn(file, None if told is None else lambda n, of: told("steps", n, of))
    except UsageError as error:
        file.remove()
        return replace(found, why_not=error.message)
    before = measured(evidence, evidence.present, held)
    turned = head.head.apply(evidence.vectors)
    after = measured(evidence, turned, held)
    found = replace(found, groups=head.groups, grouped=head.grouped, before=before, after=after)
    why = why_not(before, after)
    if why is not None:
        file.remove()
        return replace(found, why_not=why)
    learned = Learned(
        head.head, gallery.comparing(model), _report(evidence, head, before, after, settings, seed)
    )
    new = Standardisation.of(model, form, made.cameras, learned)
    known = carried_over(evidence, turned, links[0]) if links[0] is not None else None
    if known is not None:
        put_own_calibrations(
            gallery.database, new.space, {"infrared-visible": known}, links[1] or frozenset()
        )
    elif links[0] is not None:
        notes.append(
            f"Fewer than {MIN_NIGHTS} infrared tracklets do not say how their scores have moved: links "
            "rank and decide nothing until `nightreid calibrate --gallery … --labels`."
        )
    put_in_force(gallery.database, new, None if told is None else lambda n, of: told("vectors", n, of))
    file.remove()
    return _calibrated(gallery, new, found, settings.merge_rate, seed)


def _begun(gallery: Gallery, model: str) -> Standardisation | None:
    """What is in force and was not calibrated, because the call that put it there was killed before."""
    made = gallery.standardisation(gallery.comparing(model))
    if made is None or made.learned is None:
        return None
    return made if own_calibration(gallery.database, made.space, PAIR) is None else None


def _calibrated(
    gallery: Gallery, made: Standardisation, found: Adapted, merge_rate: float, seed: int
) -> Adapted:
    """Calibrate a gallery behind its new head; where that cannot be done, the head is taken back."""
    try:
        fit = calibrate_on_own_cameras(gallery, made.space, merge_rate, seed)
    except UsageError as error:
        take_back(gallery.database, made.model)
        why = f"Behind the head nothing could be calibrated, so it was taken back: {error.message}"
        return replace(found, why_not=why)
    with gallery.database.write() as session:
        return replace(found, version=put_standardisation(session, made), calibration=fit)


def take_back(database: Database, model: str) -> bool:
    """Compare a gallery's vectors as before it was adapted last.

    Returns:
        whether it was adapted.

    Raises:
        ModelMismatchError: the gallery is of another model.
    """
    with database.read() as session:
        space = comparing_space(session, model)
        check_space(session, space)
        made = standardisation_of(session, space)
        if made is None or made.learned is None:
            return False
        before = standardisation_of(session, made.learned.parent)
    if before is None:
        as_they_are(database, model)
    else:
        put_in_force(database, before)
    return True


def _report(
    evidence: Evidence,
    head: LearnedHead,
    before: Measured,
    after: Measured,
    settings: AdaptSettings,
    seed: int,
) -> dict[str, object]:
    return {
        "tracklets": len(evidence.names),
        "cameras": len(np.unique([stay.camera for stay in evidence.stays])),
        "groups": head.groups,
        "grouped": head.grouped,
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
        "before": before.to_dict(),
        "after": after.to_dict(),
    }
