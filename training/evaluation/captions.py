"""What captions say of people, attribute by attribute, held against who these people are.

A caption is read back as terms (`reid_core.words`). **Precision** is the share of what captions say that is
true of the person (``labels.json``, ``attributes.json``). **Recall** is the share of what the image's own
caption tells, and tells rightly, that the judged caption tells rightly too: nobody is asked for what the
image does not show.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from reid_core.errors import SourceError, UsageError
from reid_core.types import Floats
from reid_core.words.terms import Term
from reid_core.words.understanding import understand
from reid_core.words.wardrobe import KINDS
from training.datasets.records import ImageRecord, ReidDataset
from training.evaluation.intervals import share_interval

Claims: TypeAlias = Mapping[str, frozenset[str]]
"""Attribute to the values that are said, or true."""

WORLD = "Synthetic"
"""Whose captions of a synthetic data set are the images' own: those of the world that drew them."""

_YES = frozenset(("yes",))
_NO: frozenset[str] = frozenset()
_GENERIC = {"kind of top": "top", "kind of shoes": "shoes"}
_SAME = {"jeans": "trousers"}
_PARTS = {"kind of outer garment": "outer", "kind of top": "top", "kind of lower garment": "lower"} | {
    "kind of shoes": "shoes"
}
_PRESENT = {"hat": "hat", "scarf": "scarf", "glasses": "glasses"}
_COLOURS = {"colour of upper garment": ("outer", "top"), "colour of lower garment": ("lower",)} | {
    "colour of shoes": ("shoes",)
}
_LONG = frozenset(("trousers", "jeans", "leggings"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well one attribute is told.

    Attributes:
        attribute: which.
        said: captions that say something of it.
        right: of these, all of it true.
        precision: of these, with its interval (95 %, over people); ``None`` where nothing is said.
        told: images whose own caption tells it rightly.
        found: of these, told rightly too.
        recall: of these, with its interval; ``None`` where no image tells it.
    """

    attribute: str
    said: int
    right: int
    precision: tuple[float, float, float] | None
    told: int
    found: int
    recall: tuple[float, float, float] | None


def claims_of(text: str) -> Claims:
    """What a caption says of each attribute."""
    try:
        terms = [term for term in understand(text).terms if not term.denied]
    except UsageError:
        return {}
    return _of_terms(terms)


def _of_terms(terms: Sequence[Term]) -> Claims:
    parts: dict[str, list[Term]] = {}
    for term in terms:
        parts.setdefault(term.attribute, []).append(term)
    found = {"man or woman": _values(parts.get("gender", ()))}
    found |= {line: _YES if part in parts else _NO for line, part in _PRESENT.items()}
    bags = _values(parts.get("bag", ()))
    found["backpack"] = _YES if "backpack" in bags else _NO
    found["other bag"] = _YES if bags - {"backpack"} else _NO
    found["other thing carried"] = _values(parts.get("carried", ())) - {"anything"}
    found["long hair"] = _YES if "long" in _values(parts.get("hair length", ())) else _NO
    found["long sleeves"] = _YES if "long" in _values(parts.get("sleeves", ())) else _NO
    lower = _values(parts.get("lower", ()))
    found["long trousers"] = _YES if lower & _LONG else _NO
    outer = _values(parts.get("outer", ()))
    found["coat or jacket"] = _YES if outer - {"vest"} else _NO
    for line, part in _PARTS.items():
        kinds = _values(parts.get(part, ()))
        found[line] = frozenset(_SAME.get(kind, kind) for kind in kinds if kind != _GENERIC.get(line))
    for line, places in _COLOURS.items():
        # Under an open jacket two garments are seen; the outermost one is asked for.
        place = next((one for one in places if one in parts), None)
        found[line] = frozenset(
            term.value for term in parts.get("colour", ()) if place and KINDS.get(term.of) == place
        )
    return found


def _values(terms: Iterable[Term]) -> frozenset[str]:
    return frozenset(term.value for term in terms)


def facts_of_people(dataset: ReidDataset) -> dict[int, Claims]:
    """What is true of each person of a synthetic data set.

    Raises:
        SourceError: the labels are missing or malformed.
    """
    found: dict[int, Claims] = {}
    try:
        labels, tags = (
            json.loads((dataset.root / name).read_text(encoding="utf-8"))
            for name in ("labels.json", "attributes.json")
        )
        for identity, said in labels.items():
            found[int(identity)] = _facts(said, tags[identity])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"The labels of {dataset.root} cannot be read: {error!r}.") from None
    return found


def _facts(labels: Mapping[str, Any], tags: Mapping[str, str]) -> Claims:
    dress = labels["dress"]
    kinds = {"outer": dress["outer"], "top": dress["top"], "lower": dress["bottom"], "shoes": dress["shoes"]}
    things = frozenset(item["kind"] for item in labels["items"])
    bags = frozenset(thing for thing in things if KINDS[thing] == "bag")
    yes: dict[str, Any] = {
        "hat": labels["has_hat"],
        "scarf": labels["scarf"],
        "glasses": labels["glasses"] != "none",
        "backpack": labels["has_backpack"],
        "other bag": labels["has_bag"],
        "long hair": labels["has_longhair"],
        "long sleeves": labels["has_longsleeves"],
        "long trousers": labels["has_longpants"],
        "coat or jacket": labels["has_coat_jacket"],
    }
    colours = ("top color", "pants color", "shoe color")
    return {
        "man or woman": frozenset([labels["gender"]]),
        **{line: _YES if true else _NO for line, true in yes.items()},
        "other thing carried": things - bags,
        **{line: frozenset([kinds[part]]) - {"none"} for line, part in _PARTS.items()},
        **{line: frozenset(tags[tag].split(" and ")) for line, tag in zip(_COLOURS, colours, strict=True)},
    }


_NETWORK_LINES = (
    "man or woman",
    "other bag",
    "backpack",
    "hat",
    "long sleeves",
    "long trousers",
    "long hair",
    "coat or jacket",
)


def claims_of_network(probabilities: Floats) -> list[Claims]:
    """What Open Model Zoo's attribute network says at .5, ``(N, 8)``; of what it is not asked, nothing."""
    found: list[Claims] = []
    for row in probabilities > 0.5:
        claims = {line: _YES if yes else _NO for line, yes in zip(_NETWORK_LINES, row, strict=True)}
        found.append({**claims, "man or woman": frozenset(["male" if row[0] else "female"])})
    return found


def judge_captions(
    records: Sequence[ImageRecord],
    own: Sequence[Claims],
    judged: Sequence[Claims],
    facts: Mapping[int, Claims],
) -> list[Verdict]:
    """Precision and recall of each attribute that is said at all.

    Args:
        records: the images.
        own: what the caption that belongs to each image says.
        judged: what the judged one says.
        facts: what is true of each person.
    """
    lines = next(iter(facts.values()))
    return [_verdict(line, records, own, judged, facts) for line in lines]


def _verdict(
    line: str,
    records: Sequence[ImageRecord],
    own: Sequence[Claims],
    judged: Sequence[Claims],
    facts: Mapping[int, Claims],
) -> Verdict:
    def truth(record: ImageRecord) -> frozenset[str]:
        return facts[record.identity][line]

    said: list[tuple[int, bool]] = []
    told: list[tuple[int, bool]] = []
    for record, mine, theirs in zip(records, own, judged, strict=True):
        claim, known = theirs.get(line, _NO), mine.get(line, _NO)
        right = bool(claim) and claim <= truth(record)
        if claim:
            said.append((record.identity, right))
        if known and known <= truth(record):
            told.append((record.identity, right))
    precision, recall = _share(said), _share(told)
    counts = [sum(right for _, right in each) for each in (said, told)]
    return Verdict(line, len(said), counts[0], precision, len(told), counts[1], recall)


def _share(judged: Sequence[tuple[int, bool]]) -> tuple[float, float, float] | None:
    if not judged:
        return None
    people, right = (np.array(column) for column in zip(*judged, strict=True))
    low, high = share_interval(right.astype(bool), people)
    return float(right.mean()), float(low), float(high)
