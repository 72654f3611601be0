"""The logic of ``nightreid identity review``: pairs that may be one person, listed and answered."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from console.identity import author_of, open_gallery, record_correction, told
from console.local_use import LocalUse
from console.progress import ProgressBars
from console.report_words import NOT_FOR_THESE
from reid_core.calibration import Calibration
from reid_core.config import load_config
from reid_core.errors import UsageError
from reid_core.gallery import Gallery, corrections, history
from reid_core.gallery.calibrations import camera_ids, count_everybody, own_calibration
from reid_core.gallery.corrections import Author
from reid_core.gallery.reviewing import Pair, doubtful_pairs, number_pairs, numbered_pair, skip_pair
from reid_core.runtime import load_embedder
from stream.chain.config import RunSettings
from stream.chain.parts import identity_policy, whereabouts

_ANSWERS = {"y": "yes", "n": "no", "s": "skip"}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pair as it is listed.

    Attributes:
        number: its own.
        probability: that it is one person.
        own_cameras: whether that was calibrated on the cameras of this gallery.
        why: it was not merged.
        pair: the two.
    """

    number: int
    probability: float
    own_cameras: bool
    why: str
    pair: Pair


def review_command(
    database: str,
    answers: Mapping[str, Sequence[int]],
    least: float,
    reid: str | None,
    config: Path | None,
    by: str | None,
    why: str,
    as_json: bool,
    use: LocalUse,
) -> int:
    """List the pairs, or carry out the answers; on a terminal ask about each.

    Returns:
        0.

    Raises:
        UsageError: no such pair was listed, one has two answers, or the model has no calibrated threshold.
        ModelMismatchError: the gallery is of another model.
    """
    given = [(number, answer) for answer, numbers in answers.items() for number in numbers]
    if len({number for number, _ in given}) < len(given):
        raise UsageError("A pair has two answers.")
    with open_gallery(database) as gallery:
        if given:
            author = author_of(by, why)
            for number, answer in given:
                _answer(gallery, number, answer, author, as_json, use)
            return 0
        doubts = _doubts(gallery, least, reid, load_config(RunSettings, config, (), os.environ))
        shown = sorted({name for one in doubts for name in (one.pair.identity, one.pair.other)})
        use.record(gallery.database, "view", {"identities": shown})
        if as_json:
            said = [
                {
                    "number": one.number,
                    "probability": one.probability,
                    "calibrated_for_cameras": one.own_cameras,
                    "why": one.why,
                    **asdict(one.pair),
                }
                for one in doubts
            ]
            print(json.dumps({"pairs": said}, indent=2))
        elif not doubts:
            print(f"no pair of identities is one person with a probability of {least:g} or more")
        elif sys.stdin.isatty() and sys.stdout.isatty():
            _ask(gallery, doubts, author_of(by, why), use)
        else:
            for one in doubts:
                print(_line(one))
    return 0


def _doubts(gallery: Gallery, least: float, reid: str | None, settings: RunSettings) -> list[Doubt]:
    embedder = load_embedder(reid)
    space = gallery.comparing(embedder.model_id)
    policy = identity_policy(gallery, embedder, settings)
    calibration = policy.calibration
    with gallery.database.read() as session:
        threshold = policy.least_score(count_everybody(session))
        cameras = camera_ids(session)
    if threshold is None or calibration is None:
        raise UsageError("This model has no calibrated threshold: nobody can say who may be one person.")
    own = own_calibration(gallery.database, space, "visible-visible")
    ours = own is not None and cameras <= own.cameras
    with ProgressBars() as bars:
        pairs = doubtful_pairs(
            gallery,
            space,
            _score_at(calibration, least),
            whereabouts(settings),
            lambda done: bars.show("tracklets compared", done, None, ""),
        )
    with gallery.database.write() as session:
        numbers = number_pairs(session, pairs)
    found = []
    for pair in pairs:
        number, skipped = numbers[pair.identity, pair.other]
        if not skipped:
            chance = float(calibration.probability(pair.score))
            found.append(Doubt(number, chance, ours, _why(pair, threshold), pair))
    return found


def _score_at(calibration: Calibration, probability: float) -> float:
    """The least score, in thousandths, of at least a probability."""
    scores = [step / 1000 for step in range(-1000, 1001)]
    return next((one for one in scores if float(calibration.probability(one)) >= probability), 1.0)


def _why(pair: Pair, threshold: float) -> str:
    if pair.excluded is not None:
        return f"tracklets {pair.excluded[0]} and {pair.excluded[1]} were in two cameras at once, or too soon"
    if pair.score < threshold:
        return f"{pair.score:.3f} is below the threshold {threshold:.3f}"
    return f"{pair.score:.3f} reaches the threshold {threshold:.3f} only since others came"


def _line(one: Doubt) -> str:
    beside = "" if one.own_cameras else f" ({NOT_FOR_THESE})"
    return (
        f"{one.number}  {one.probability:.2f}{beside}  {one.pair.identity}  {one.pair.other}  {one.why} "
        f"(tracklets {one.pair.tracklet}, {one.pair.matched})"
    )


def _ask(gallery: Gallery, doubts: Sequence[Doubt], author: Author, use: LocalUse) -> None:
    for one in doubts:
        print(_line(one))
        said = ""
        while said not in (*_ANSWERS, "q"):
            said = input("One person? y(es), n(o), s(kip), q(uit): ").strip().lower()[:1]
        if said == "q":
            return
        try:
            _answer(gallery, one.number, _ANSWERS[said], author, False, use)
        except UsageError as error:
            # An earlier answer has made the pair another one.
            print(error)


def _answer(gallery: Gallery, number: int, answer: str, author: Author, as_json: bool, use: LocalUse) -> None:
    with gallery.database.write() as session:
        identity, other = numbered_pair(session, number)
        if answer == "skip":
            skip_pair(session, number)
            return
        same = answer == "yes"
        made = (corrections.merge if same else corrections.keep_apart)(session, identity, other, author)
        done = history.the_correction(session, made)
        record_correction(gallery, use, "identity.merge" if same else "identity.apart", done, author, session)
    print(json.dumps(asdict(done)) if as_json else f"correction {told(done)}")
