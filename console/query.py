"""The logic of ``nightreid query``: what is asked becomes a query of the service; its answer is printed."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.identity import open_gallery
from console.local_use import LocalUse
from console.query_answer import Told, as_json, print_answer
from console.when import time_range
from detectors.detector import PersonDetector
from detectors.people import one_person
from reid_core.config import load_config
from reid_core.errors import UsageError
from reid_core.file_names import readable_path
from reid_core.gallery import SearchFilter
from reid_core.querying.asking import Asking, QueryModels, check_cameras
from reid_core.querying.description import read_description
from reid_core.querying.joint import parse_joint
from reid_core.querying.probes import read_crops
from reid_core.querying.query import Form
from reid_core.querying.seen import seen_at
from reid_core.ranking.mixing import MixRetrieve
from reid_core.types import Image, Modality
from stream.chain.config import RunSettings

_EXPLAINED = 3
"""Of so many of a page's best, each word's share is told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says is asked; fields as its options.

    Attributes:
        since: ``--from``.
        until: ``--to``.
        form: ``--fusion``.
    """

    text: str | None
    track: str | None
    images: tuple[Path, ...]
    modality: str | None
    whole: bool
    cameras: tuple[str, ...]
    since: str | None
    until: str | None
    form: str | None
    keep: float | None
    rerank: str | None
    size: int
    cursor: str | None


def query_command(
    asked: Asked,
    database: str,
    reid: str | None,
    encoder: str | None,
    detector: str | None,
    config: Path | None,
    overrides: Sequence[str],
    json_wanted: bool,
    use: LocalUse,
) -> int:
    """Ask a gallery and print a page of the answer.

    Returns:
        0, whether or not somebody was found.

    Raises:
        UsageError: what is asked does not fit together, or words, tracklet, camera or times are none.
        ConfigError: there is no text encoder.
        SourceError: an image cannot be read.
        ModelMismatchError: the gallery is of another model.
        PurposeNeededError: the gallery's policy asks for a purpose or a case.
    """
    settings = load_config(RunSettings, config, overrides, os.environ)
    form = _form(asked)
    since, until, hours = time_range(asked.since, asked.until)
    words = read_description(asked.text) if asked.text is not None and form is not Form.IMAGE else None
    with open_gallery(database, settings.search.exact_up_to) as gallery:
        use.check(gallery.database, "search")
        check_cameras(gallery.cameras(), asked.cameras)
        models = QueryModels(reid, encoder if encoder is not None else settings.text)
        mix = MixRetrieve(asked.keep) if asked.keep is not None else None
        joint = parse_joint(asked.rerank) if asked.rerank is not None else None
        asking = Asking(gallery, models, words, form, mix, joint)
        if asked.images and form is not Form.TEXT:
            asking.by_images(_crops(asked, settings, detector), Modality(asked.modality or "visible"))
        elif asked.track is not None:
            asking.by_track(asked.track)
        cameras = frozenset(asked.cameras) if asked.cameras else None
        query = asking.query(SearchFilter(cameras, since_ns=since, until_ns=until, hours=hours))
        answer = asking.service.ask(query, asked.size, asked.cursor)
        explained = answer.identities[:_EXPLAINED] if words is not None else ()
        shares = asking.service.shares(query, words, explained) if words is not None else {}
        told = Told(
            answer=answer,
            words=words,
            probe=asking.probe,
            images=asked.images,
            query=query,
            trust=asking.trust,
            seen=seen_at(gallery, [one.evidence for one in answer.identities]),
            numbers=gallery.identity_numbers([one.identity for one in answer.identities]),
            shares=shares,
            notes=asking.notes,
        )
        use.record(gallery.database, "search", _subject(asked, told), _details(asked))
    if json_wanted:
        print(as_json(told))
    else:
        print_answer(told)
    return 0


def _subject(asked: Asked, told: Told) -> dict[str, object]:
    """What the audit log says of a search: ids of who was asked by and who was shown."""
    shown = {
        "identities": [one.identity for one in told.answer.identities],
        "tracklets": [told.probe.tracklet] if told.probe is not None and told.probe.tracklet else [],
        "cameras": list(asked.cameras),
    }
    return {name: ids for name, ids in shown.items() if ids}


def _details(asked: Asked) -> dict[str, object]:
    """What of a search is personal: the words, and how the images are called."""
    given = {
        "text": asked.text,
        "images": [readable_path(one) for one in asked.images],
        "since": asked.since,
        "until": asked.until,
    }
    return {name: value for name, value in given.items() if value}


def _form(asked: Asked) -> Form:
    """What is to be made of image and text.

    Raises:
        UsageError: there is nothing to ask by, or options do not fit one another.
    """
    if asked.track is not None and asked.images:
        raise UsageError("A query is by a tracklet or by images, not by both.")
    if not asked.images and (asked.modality is not None or asked.whole):
        raise UsageError(
            f"{'--whole' if asked.whole else '--modality'} is about images; name them with --image."
        )
    pictured = asked.track is not None or bool(asked.images)
    if asked.text is None and not pictured:
        raise UsageError(
            "There is nothing to ask by.",
            "Give a description, --track ID, --image FILE, or a description with either.",
        )
    if asked.form is not None and (asked.text is None or not pictured):
        raise UsageError("--fusion is about a description together with --track or --image.")
    if asked.form is not None:
        return Form(asked.form)
    if asked.text is None:
        return Form.IMAGE
    return Form.FUSED if pictured else Form.TEXT


def _crops(asked: Asked, settings: RunSettings, detector: str | None) -> list[Image]:
    images = read_crops(asked.images)
    if not asked.whole:
        return images
    modality = Modality(asked.modality or "visible")
    with PersonDetector.open(detector, settings.detector) as found:
        return [
            one_person(found, image, modality, str(path))
            for path, image in zip(asked.images, images, strict=True)
        ]
