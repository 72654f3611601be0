"""Descriptions of people made of tags: by a template, or by a language model that follows instructions.

Source: STAR-ReID (Qiu et al., TIFS 2025), section III-D: eleven tags of each identity, by hand, as JSON; a
language model makes a sentence of them. Where two people are told alike, somebody has to add what is missing.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from reid_core.errors import ModelError, SourceError
from reid_core.types import Modality
from reid_core.words.finishing import finished_caption
from training.datasets.json_objects import by_identity, read_object
from training.instructed import Instructed

TAGS = (
    "gender",
    "top color",
    "top type",
    "top length",
    "pants color",
    "pants type",
    "bag type",
    "hat type",
    "glasses type",
    "shoe color",
    "notes",
)
NONE = "none"
OPENING = "The person in the photo is"
TEMPERATURE = 0.6
_CALLED = "file of tags"
_PROMPT = """\
This photo was taken by a surveillance camera. It shows one person, whose appearance is given as JSON: {tags}
Describe the person in the photo succinctly, in English. In the JSON, 'top color' is the colour of what the \
person wears above; 'none' means that the person does not wear or carry the thing; 'top type' is 'short \
sleeve' or 'long sleeve'; 'top length' is how long that garment is, 'normal' or 'long'; 'pants color' is the \
colour of the trousers. Add nothing that is not in the JSON. Begin with '{opening}'."""

Tags = Mapping[str, str]


class Describer(Protocol):
    """Makes sentences of tags."""

    def __call__(self, tags: Tags) -> str:
        """One description, beginning behind `OPENING`: ``a male wearing ...``."""


def read_tags(file: Path) -> dict[int, dict[str, str]]:
    """Tags by identity, ``{"1": {"gender": "male", ...}, ...}``.

    Raises:
        SourceError: the file is missing, no JSON, speaks twice of a person, or tags are not the eleven.
    """
    values = by_identity(file, _CALLED, read_object(file, _CALLED, "identities"))
    return {identity: _checked(file, identity, tags) for identity, tags in values}


def _checked(file: Path, identity: int, tags: Any) -> dict[str, str]:
    given = set(tags) if isinstance(tags, dict) else set()
    wrong = sorted(given ^ set(TAGS))
    if wrong:
        kind = "lack" if wrong[0] in TAGS else "have surplus"
        raise SourceError(
            f"In {file} the tags of {identity} {kind} {wrong[0]!r}.",
            f"There are eleven: {', '.join(TAGS)}.",
        )
    bad = [tag for tag, value in tags.items() if not isinstance(value, str) or not value.strip()]
    if bad:
        raise SourceError(
            f"In {file} the tag {bad[0]!r} of {identity} is no word.", f"Write {NONE!r} for nothing."
        )
    return {tag: tags[tag].strip() for tag in TAGS}


def by_template(tags: Tags) -> str:
    """The tags in a fixed order, as one sentence or two; a tag of ``none`` says nothing."""
    said = {tag: "" if value.lower() == NONE else value for tag, value in tags.items()}
    length = " of long length" if said["top length"] == "long" else ""
    top = " ".join(filter(None, (said["top color"], said["top type"])))
    # A colour alone is that of trousers, as the prompt says too.
    pants = said["pants type"] or ("trousers" if said["pants color"] else "")
    clothes = [
        _article(f"{top} top".strip()) + length if top or length else "",
        " ".join(filter(None, (said["pants color"], pants))),
        f"{said['shoe color']} shoes" if said["shoe color"] else "",
    ]
    worn = [_article(said[tag]) for tag in ("hat type", "glasses type") if said[tag]]
    sentence = _article(said["gender"] or "person")
    if everything := _listed([*filter(None, clothes), *worn]):
        sentence += f" wearing {everything}"
    if said["bag type"]:
        sentence += f", carrying {_article(said['bag type'])}"
    return f"{sentence}. Besides: {said['notes'].rstrip('.')}." if said["notes"] else f"{sentence}."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _article(phrase: str) -> str:
    if phrase.endswith("s"):
        return phrase
    return f"{'an' if phrase[:1].lower() in 'aeiou' else 'a'} {phrase}"


def prompt_of(tags: Tags) -> str:
    """What a language model is asked: the paper's content in other words."""
    return _PROMPT.format(tags=json.dumps(dict(tags)), opening=OPENING)


class ByInstruction:
    """Descriptions by a language model of the Hugging Face hub, through its own chat template.

    Args:
        source: its name or folder; a model that was taught to follow instructions.
        seed: of what it draws.
        temperature: of the draws; the paper's .6 keeps it from adding what is not there.

    Raises:
        ModelError: it is not to be had, or has no chat template.
    """

    def __init__(self, source: str, seed: int = 1, temperature: float = TEMPERATURE) -> None:
        self.model = Instructed(source, seed, temperature, "without one, a template makes the sentences")

    def __call__(self, tags: Tags) -> str:
        """One description; the same tags give the same one.

        Raises:
            ModelError: the model says nothing.
        """
        text = re.sub(rf"^\W*{OPENING}\W*", "", self.model(prompt_of(tags)), flags=re.IGNORECASE)
        if not text.split():
            raise ModelError(f"The language model {self.model.source!r} says nothing of a person.")
        return " ".join(text.split())


def described(tags: Mapping[int, Tags], describer: Describer) -> dict[str, str]:
    """A description of each identity, in the flat form of identity captions.

    What captions never mention goes, whoever says it, a note or a language model (`finished_caption`).

    Raises:
        ModelError: of somebody nothing is left that is fit to be kept.
    """
    found = {}
    for identity in sorted(tags):
        found[str(identity)] = finished_caption(describer(tags[identity]), Modality.VISIBLE)
        if not found[str(identity)]:
            raise ModelError(f"Of identity {identity} nothing is said that is fit to be kept.")
    return found


def told_alike(captions: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Identities that have the same description, each group once."""
    people: dict[str, list[str]] = {}
    for identity, text in captions.items():
        people.setdefault(text, []).append(identity)
    return [tuple(same) for same in people.values() if len(same) > 1]
