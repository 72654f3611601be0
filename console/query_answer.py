"""A page of an answer, for people and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from console.query_notes import answer_notes
from console.report_words import count, share
from console.terminal import shown
from reid_core.file_names import readable_path
from reid_core.gallery import VectorKind
from reid_core.querying.description import Description
from reid_core.querying.probes import Probe
from reid_core.querying.query import Answer, Evidence, Form, Query, RankedIdentity, Share
from reid_core.querying.seen import Seen
from reid_core.querying.trust import Trust
from stream.run.export import iso_utc

_BY = {VectorKind.CROP: "picture", VectorKind.CAPTION: "caption"}


@dataclass(frozen=True, slots=True)
class Told:
    """All that is told of one page.

    Attributes:
        answer: the page.
        words: the description as it was read, where it counts.
        probe: the tracklet or the images, where they count.
        images: that were given.
        query: what was asked.
        trust: what the scores are worth.
        seen: where and when the evidence was.
        numbers: place of each identity among all.
        shares: of each word, for the best identities.
        notes: what else a user should know.
    """

    answer: Answer
    words: Description | None
    probe: Probe | None
    images: Sequence[Path]
    query: Query
    trust: Trust
    seen: Mapping[Evidence, Seen]
    numbers: Mapping[str, int]
    shares: Mapping[str, Sequence[Share]]
    notes: Sequence[str]


def as_json(told: Told) -> str:
    """As one JSON object; times are ISO 8601 UTC, ``null`` is what is not known."""
    answer, words, probe, trust = told.answer, told.words, told.probe, told.trust
    said: dict[str, Any] = {
        "query": {
            "text": words.understanding.text if words is not None else None,
            "searched_for": words.sentence if words is not None else None,
            "tracklet": probe.tracklet if probe is not None else None,
            "images": [readable_path(one) for one in told.images],
            "modality": str(probe.modality) if probe is not None else None,
            "form": str(told.query.form),
            "keep": told.query.mix.share if told.query.mix is not None else None,
            "rerank": told.query.joint.id if told.query.joint is not None else None,
        },
        "words": _words(words) if words is not None else None,
        "searched": answer.searched,
        "captioned": answer.captioned,
        "kept": answer.kept,
        "calibrated": trust.calibration is not None,
        "calibrated_for_cameras": trust.own_cameras,
        "not_calibrated_because": trust.why or None,
        "unknown_probability": answer.unknown,
        "identities": [_identity(told, one) for one in answer.identities],
        "notes": list(told.notes),
        "cursor": answer.cursor,
    }
    return json.dumps(said, indent=2)


def print_answer(told: Told) -> None:
    """As lines of a terminal; what came from outside is escaped."""
    answer = told.answer
    for line in _head(told):
        print(shown(line))
    for one in answer.identities:
        print(shown(_ranked(told, one)))
        print(shown(f"    {_where(told, one)}"))
        if shares := told.shares.get(one.identity):
            print(shown(f"    words: {', '.join(f'{part.name} {part.share:+.3f}' for part in shares)}"))
    for line in _foot(told):
        print(shown(line))


def _words(words: Description) -> dict[str, Any]:
    found = words.understanding
    return {
        "told": words.told,
        "left_out": list(words.left_out),
        "readings": [asdict(one) for one in found.readings],
        "terms": [asdict(one) for one in found.terms],
    }


def _identity(told: Told, one: RankedIdentity) -> dict[str, Any]:
    seen, shares = told.seen.get(one.evidence), told.shares.get(one.identity)
    return {
        "rank": one.rank,
        "identity": one.identity,
        "place": told.numbers.get(one.identity),
        "score": one.score,
        "probability": one.probability,
        "evidence": {
            "kind": str(one.evidence.kind),
            "tracklet": one.evidence.tracklet,
            "sighting": one.evidence.sighting,
            "camera": seen.camera if seen is not None else None,
            "start": iso_utc(seen.start_ns) if seen is not None else None,
            "end": iso_utc(seen.end_ns) if seen is not None else None,
            "time": iso_utc(seen.time_ns) if seen is not None and seen.time_ns is not None else None,
        },
        "shares": [asdict(part) for part in shares] if shares is not None else None,
    }


def _head(told: Told) -> list[str]:
    lines = []
    if told.words is not None:
        lines.append(f"searched for: {told.words.sentence}")
        if told.words.told:
            lines.append(f"understood: {told.words.told}")
    if told.probe is not None and told.query.form is not Form.TEXT:
        views = count(len(told.probe.views), f"{told.probe.modality} picture")
        whom = f"tracklet {told.probe.tracklet}" if told.probe.tracklet is not None else "the images"
        how = "narrowed by" if told.query.form is Form.NARROWED else f"{told.query.form} with"
        also = f", {how} the words" if told.words is not None else ""
        lines.append(f"like {whom} ({views}){also}")
    if told.query.joint is not None:
        lines.append(f"re-ranked by {told.query.joint.id}: a place depends on who else is near it")
    lines += [f"note: {note}" for note in told.notes]
    return lines


def _ranked(told: Told, one: RankedIdentity) -> str:
    chance = f", probability {share(one.probability)}" if one.probability is not None else ""
    place = told.numbers.get(one.identity, "?")
    return f"{one.rank}  P{place}  {one.identity}  score {one.score:.3f}{chance}"


def _where(told: Told, one: RankedIdentity) -> str:
    seen = told.seen.get(one.evidence)
    place = f"{seen.camera}  {iso_utc(seen.start_ns)} to {iso_utc(seen.end_ns)}  " if seen is not None else ""
    return f"{place}tracklet {one.evidence.tracklet}, by its {_BY[one.evidence.kind]}"


def _foot(told: Told) -> list[str]:
    lines = answer_notes(told.answer, told.trust)
    if told.answer.cursor is not None:
        lines.append(f"next page: --cursor {told.answer.cursor}")
    return lines
