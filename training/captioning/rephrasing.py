"""Captions said again by a language model, once for all trainings that read them.

Source: Hu et al., "Empowering Visible-Infrared Person Re-Identification with Large Foundation Models"
(NeurIPS 2024): a rephrasing stands in for a caption half of the time. Not all that a model answers is one: it
has to say mostly what the caption says, and of infrared images no colour.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from reid_core.errors import StorageError, UsageError
from reid_core.types import Modality
from reid_core.words.finishing import finished_caption
from reid_core.words.terms import Term
from reid_core.words.understanding import understand
from training.instructed import Instructed

TEMPERATURE = 0.7
ATTEMPTS = 2
"""Times that a model is asked for a rephrasing of one caption."""
ALIKE = 0.5
"""Least F1 of what caption and rephrasing say of the person."""
_PROMPT = """\
Say the following description of a person in other words, in one English sentence. Keep every garment, thing \
and colour that it names, and add nothing. Answer with the sentence alone.
Description: {text}"""


class Refused(StrEnum):
    """Why an answer is no rephrasing."""

    NOTHING = "no English description"
    OTHER = "says something else"
    SAME = "the caption itself"


class Rephraser(Protocol):
    """Says captions in other words."""

    source: str

    def __call__(self, prompt: str, attempt: int = 0) -> str:
        """An answer to a prompt; another one for another attempt."""


@dataclass(frozen=True, slots=True)
class Rephrased:
    """What became of a file of captions.

    Attributes:
        file: that was written.
        captions: how many.
        rephrased: how many of them have other words beside.
        refused: answers that were none, by reason; a caption may count more than once.
    """

    file: Path
    captions: int
    rephrased: int
    refused: Mapping[str, int]


def open_rephraser(source: str, seed: int) -> Instructed:
    """A language model by its name on the hub or its folder, such as ``lmsys/vicuna-7b-v1.5``.

    Raises:
        ModelError: it is not to be had, or has no chat template.
    """
    return Instructed(source, seed, TEMPERATURE, "without one, rules put captions in other words")


def rephrased(text: str, modality: Modality, rephraser: Rephraser) -> tuple[str | None, list[Refused]]:
    """One caption in other words, and why answers before were refused; ``None`` where all were.

    What captions never mention goes, and of infrared images every colour (`finished_caption`), before an
    answer is held against the caption. A caption of which nothing is understood has no rephrasing.
    """
    before = _terms(finished_caption(text, modality) or text)
    refused: list[Refused] = []
    for attempt in range(ATTEMPTS):
        answer = finished_caption(rephraser(_PROMPT.format(text=text), attempt), modality)
        why = _why_not(answer, text, before)
        if why is None:
            return answer, refused
        refused.append(why)
    return None, refused


def rephrase_captions(
    captions: Mapping[str, str],
    modality: Modality,
    rephraser: Rephraser,
    out: Path,
    seed: int,
    told: Callable[[int, int], None],
    restart: bool = False,
) -> Rephrased:
    """Rephrase a file's captions into another file in the schema of ``caption_llm_dict_*``.

    What is done is kept beside it, in a file of lines; killed and taken up again, it is the same file.

    Args:
        captions: by the keys that they stand under.
        modality: of the images that they are of.
        rephraser: that says them again.
        out: file to write.
        seed: that the rephraser draws by.
        told: how many of how many are done.
        restart: begin anew, whatever is there.

    Raises:
        UsageError: other captions, another model or another seed began there.
        StorageError: it cannot be written.
    """
    listed = json.dumps(dict(captions), sort_keys=True).encode()
    made_by = {
        "rephraser": rephraser.source,
        "modality": str(modality),
        "seed": seed,
        "captions": hashlib.sha256(listed).hexdigest(),
    }
    journal = out.with_name(f"{out.stem}.rephrased.jsonl")
    try:
        if restart:
            journal.unlink(missing_ok=True)
        done = _taken_up(journal, made_by)
        with journal.open("a", encoding="utf-8") as file:
            for place, (key, text) in enumerate(captions.items()):
                told(place, len(captions))
                if key in done:
                    continue
                said, refused = rephrased(text, modality, rephraser)
                done[key] = {"said": said, "refused": [str(why) for why in refused]}
                file.write(json.dumps({key: done[key]}, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        told(len(captions), len(captions))
        entries = {
            key: {"description": text} | ({"aug_description": said} if (said := done[key]["said"]) else {})
            for key, text in captions.items()
        }
        scratch = out.with_name(f"{out.name}.tmp")
        scratch.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        scratch.replace(out)
    except OSError as error:
        raise StorageError(f"The captions {out} cannot be written: {error.strerror or error}.") from None
    counts = Counter(str(why) for key in captions for why in done[key]["refused"])
    return Rephrased(out, len(entries), sum("aug_description" in each for each in entries.values()), counts)


def _taken_up(journal: Path, made_by: Mapping[str, object]) -> dict[str, dict[str, Any]]:
    lines: list[str] = []
    if journal.is_file():
        # Behind the last end of a line is nothing, or what was cut off.
        lines = journal.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    if lines and (unlike := sorted(k for k, v in json.loads(lines[0]).items() if made_by.get(k) != v)):
        raise UsageError(
            f"The rephrasings in {journal} were begun with another {', '.join(unlike)}.",
            "Give --restart to drop them, or another --out.",
        )
    lines = lines or [json.dumps(dict(made_by))]
    scratch = journal.with_name(f"{journal.name}.tmp")
    scratch.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    scratch.replace(journal)
    found: dict[str, dict[str, Any]] = {}
    for line in lines[1:]:
        found |= json.loads(line)
    return found


def _why_not(answer: str, text: str, before: frozenset[Term]) -> Refused | None:
    if not answer:
        return Refused.NOTHING
    if answer.casefold().strip(" .") == text.casefold().strip(" ."):
        return Refused.SAME
    after = _terms(answer)
    alike = bool(before) and 2 * len(before & after) >= ALIKE * (len(before) + len(after))
    return None if alike else Refused.OTHER


def _terms(text: str) -> frozenset[Term]:
    """What a text says of a person; nothing where it is no description."""
    try:
        return frozenset(understand(text).terms)
    except UsageError:
        return frozenset()
