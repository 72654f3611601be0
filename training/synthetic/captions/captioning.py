"""Image-level captions: what one image shows of a person, in words, with a captioner's mistakes.

The wording is drawn from a grammar of our own. Its habits (lower case, hyphens between spaces, "colour" after
a colour, how long a caption is) are those of captions that networks wrote for real images, so that a text
encoder trained on these meets nothing strange in those; `docs/captions.md` compares both in numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reid_core.types import Spectrum
from training.synthetic.captions.mistakes import mistaken
from training.synthetic.captions.phrases import manner
from training.synthetic.captions.seen import Seen, View, see
from training.synthetic.captions.sentences import sentences
from training.synthetic.people.person import Person

__all__ = ["Caption", "View", "describe", "statistics"]

_DRAFTS = 8
_ATTEMPTS = 6
_LONGEST = 47
# The share of captions that set a hyphen between spaces, as many captioners do.
_SPACED = 0.75
# Words wished for in a caption and in its rephrasing, mean and spread; what there is to say lengthens the
# rephrasing, and both come out like those of Tri-RegDB's captions.
_VISIBLE = ((31.5, 4.0), (26.5, 4.5))
_INFRARED = ((28.5, 3.6), (27.5, 4.6))


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption and what is wrong with it.

    Attributes:
        text: as captioners write: lower case.
        aug_text: the same facts in other words, in sentence case.
        mistakes: kinds of what both state wrongly, as `training.synthetic.captions.mistakes` names them.
    """

    text: str
    aug_text: str
    mistakes: tuple[str, ...] = ()


def describe(person: Person, view: View, rng: np.random.Generator, mistakes: float = 0.1) -> Caption:
    """A caption of one image of the person.

    Infrared captions name no colour, thermal ones no pattern. What the view does not show is not
    mentioned, unless by mistake.

    Args:
        person: who.
        view: what the image shows of them.
        rng: what mistakes and wording are drawn from.
        mistakes: probability that the caption holds at least one mistake.
    """
    seen = see(person, view)
    made: tuple[str, ...] = ()
    if rng.random() < mistakes:
        seen, made = mistaken(seen, person, rng)
    first, second = _VISIBLE if view.spectrum is Spectrum.VISIBLE else _INFRARED
    spaced = bool(rng.random() < _SPACED)
    text = _draft(seen, rng, first, fluent=False, spaced=spaced)
    aug_text = _sentence_case(_draft(seen, rng, second, fluent=True, spaced=False))
    return Caption(text, aug_text, made)


def _draft(
    seen: Seen, rng: np.random.Generator, words: tuple[float, float], fluent: bool, spaced: bool
) -> str:
    """Of several wordings the one nearest to a length drawn; where all are too long, less is said."""
    wanted = float(np.clip(rng.normal(*words), 18, 45))
    details = np.linspace(1.0, 0.0, _DRAFTS)
    for _ in range(_ATTEMPTS):
        drafts = [
            _tidy(sentences(seen, manner(seen, rng, float(detail), fluent)), spaced) for detail in details
        ]
        lengths = np.asarray([len(draft.split()) for draft in drafts])
        if lengths.min() <= _LONGEST:
            break
        seen, details = _less(seen), np.zeros(_DRAFTS)
    return drafts[int(np.argmin(np.abs(lengths - wanted)))]


def _less(seen: Seen) -> Seen:
    """One of the small things left out, none of which a mistake can be about."""
    if seen.sole or seen.beard or seen.glasses:
        return replace(seen, sole=(), beard=False, glasses="")
    if seen.scarf:
        return replace(seen, scarf=None)
    return replace(seen, hat=None)


def _tidy(text: str, spaced: bool) -> str:
    """One space between words, one mark between clauses; hyphens between spaces where wanted."""
    text = re.sub(r"\s+", " ", text)
    if spaced:
        text = re.sub(r"(?<=\w)-(?=\w)", " - ", text)
    return re.sub(r"\s*,(?:\s*,)+", ",", re.sub(r"\s+([,.])", r"\1", text)).replace(",.", ".").strip()


def _sentence_case(text: str) -> str:
    return re.sub(r"(^|\. )([a-z])", lambda match: match[1] + match[2].upper(), text)


def statistics(captions: Sequence[str]) -> dict[str, float]:
    """Numbers that compare one collection of captions with another.

    Returns:
        ``captions`` and ``distinct``: how many; ``distinct_share``: their ratio; ``mean``, ``spread``,
        ``shortest``, ``longest``: words of one, split at spaces; ``vocabulary``: different words;
        ``openings``: different first three words. All but the first are 0 where there are no captions.
    """
    if not captions:
        names = (
            "distinct",
            "distinct_share",
            "mean",
            "spread",
            "shortest",
            "longest",
            "vocabulary",
            "openings",
        )
        return {"captions": 0.0} | dict.fromkeys(names, 0.0)
    lengths = np.asarray([len(caption.split()) for caption in captions], float)
    lowered = [caption.lower() for caption in captions]
    return {
        "captions": float(len(captions)),
        "distinct": float(len(set(captions))),
        "distinct_share": len(set(captions)) / len(captions),
        "mean": float(lengths.mean()),
        "spread": float(lengths.std()),
        "shortest": float(lengths.min()),
        "longest": float(lengths.max()),
        "vocabulary": float(len({word for text in lowered for word in re.findall(r"[a-z']+", text)})),
        "openings": float(len({" ".join(text.split()[:3]) for text in lowered})),
    }
