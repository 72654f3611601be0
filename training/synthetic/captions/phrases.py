"""How one caption is worded throughout, and its phrases for hair and for what is carried."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np

from reid_core.types import Spectrum
from training.synthetic.captions import words
from training.synthetic.captions.seen import Carried, Seen, SeenHair

Verb: TypeAlias = Literal["wear", "carry", "hold", "push", "pull", "talk", "have", "look"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manner:
    """How one caption is worded throughout.

    Attributes:
        rng: what the wording is drawn from.
        female: which pronouns are used.
        detail: 0..1, the chance that what may be left out is said.
        fluent: a person's careful sentence rather than a captioner's habit.
        gray: the American spelling.
        colour: the word that follows a colour now and then, or empty.
        thermal: garments are named as heat shows them.
    """

    rng: np.random.Generator
    female: bool
    detail: float
    fluent: bool
    gray: bool
    colour: str
    thermal: bool

    def pick(self, *options: T) -> T:
        """One of them, each with the same chance."""
        return options[int(self.rng.random() * len(options))]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    @property
    def brief(self) -> bool:
        """Whether short wordings are wanted."""
        return self.detail < 0.3

    @property
    def she(self) -> str:
        """The pronoun that stands for the person."""
        return "she" if self.female else "he"

    @property
    def her(self) -> str:
        """The possessive."""
        return "her" if self.female else "his"


def manner(seen: Seen, rng: np.random.Generator, detail: float, fluent: bool) -> Manner:
    """A manner drawn for one caption."""
    colour = "" if fluent or rng.random() < 0.55 else "color" if rng.random() < 0.25 else "colour"
    return Manner(
        rng=rng,
        female=seen.female,
        detail=detail,
        fluent=fluent,
        gray=bool(rng.random() < 0.25),
        colour=colour,
        thermal=seen.spectrum is Spectrum.THERMAL,
    )


def article(phrase: str) -> str:
    """The phrase with ``a`` or ``an`` before it."""
    return f"{'an' if phrase[:1] in 'aeiou' else 'a'} {phrase}"


def colour(name: str, say: Manner, table: dict[str, words.Synonyms] = words.COLOUR_WORDS) -> str:
    """One of the words for a colour."""
    word = say.pick(*table[name])
    return word.replace("grey", "gray") if say.gray else word


def hair(seen: SeenHair, say: Manner) -> str:
    """Hair without an article, or a bald head with one."""
    if seen.length == "bald":
        return say.pick("a bald head", "a shaved head")
    hue = colour(seen.colour, say, words.HAIR_WORDS) if seen.colour else ""
    if hue and say.colour and say.chance(0.15):
        hue = f"{hue} {say.colour}"
    length = {
        "short": ("short", "short", "short", "short length", "close-cropped" if say.fluent else "short"),
        "medium": ("shoulder-length", "shoulder-length", "medium length", "neck-length"),
        "long": ("long", "long", "long length"),
    }
    long = say.pick(*length[seen.length])
    if seen.style in ("ponytail", "bun"):
        tail = seen.style
        return say.pick(
            joined(hue, "hair tied in a " + tail),
            joined("a", hue, tail) if hue[:1] != "o" else f"an {hue} {tail}",
            joined(long, hue, "hair in a " + tail),
            joined(hue, "hair worn in a " + tail),
            joined(hue, tail, "hair"),
        )
    if seen.style == "tied":
        return say.pick(
            joined(hue, "hair tied back"), joined(hue, "tied hair"), joined("tied-back", hue, "hair")
        )
    curl = say.pick("curly", "wavy") if seen.style == "curly" else ""
    if not curl and seen.length != "short" and say.chance(0.35):
        curl = say.pick("open", "open", "loose", "straight")
    return say.pick(
        joined(long, hue, curl, "hair"),
        joined(hue, long, curl, "hair"),
        joined(long, curl, hue, "hair"),
        joined(hue, curl, "hair") if curl and say.chance(0.3) else joined(long, hue, curl, "hair"),
    )


def joined(*parts: str) -> str:
    """The parts that are not empty, with spaces between."""
    return " ".join(part for part in parts if part)


def thing(carried: Carried, say: Manner) -> tuple[Verb, str]:
    """A thing carried as verb and object."""
    name = say.pick(*words.THINGS[carried.kind])
    coloured = say.chance(0.35 + 0.65 * say.detail)
    hue = colour(carried.colours[0], say) if carried.colours and coloured else ""
    noun = article(joined(hue, name))
    side, her = carried.side, say.her
    bare = say.brief and say.chance(0.7)
    hand = say.pick(
        f" in {her} {side} hand", f" in {her} {side} hand", f" with {her} {side} hand", " in one hand"
    )
    if bare or not say.chance(0.4 + 0.6 * say.detail):
        hand = ""
    if carried.kind == "backpack":
        back = (" on the back", f" on {her} back", f" on {her} back", f" on {her} shoulders", "")
        if bare:
            return "carry", noun
        if carried.front and say.chance(0.5):
            return "wear", noun + say.pick(
                " with the straps over both shoulders",
                f" on {her} shoulders",
                f" whose straps cross {her} chest",
            )
        verb: Verb = say.pick("carry", "carry", "wear")
        return verb, noun + say.pick(*back)
    if carried.kind == "shoulder bag":
        where = say.pick(
            f"on {her} {side} shoulder", f"over {her} {side} shoulder", f"on the {side} shoulder"
        )
        return "carry", noun + (f" {where}" if hand else f" on {her} shoulder")
    if carried.kind == "umbrella":
        state = say.pick("open", "opened") if carried.open else say.pick("folded", "closed")
        return "hold", article(joined(state, hue, name)) + hand
    if carried.kind == "box":
        return say.pick("carry", "hold"), noun + say.pick(
            " in both hands", " with both hands", f" in {her} arms"
        )
    if carried.kind == "pushchair":
        return "push", noun + say.pick(
            "", f" in front of {say.pick('him', 'him') if not say.female else 'her'}"
        )
    if carried.kind == "suitcase":
        where = hand.replace(" in ", " with ").replace("with one hand", "behind")
        return "pull", noun + say.pick(where, where, " along")
    verb = say.pick("carry", "hold", "hold")
    return verb, noun + hand


def telephone(carried: Carried, doing: frozenset[str], say: Manner) -> tuple[Verb, str]:
    """A telephone by what is done with it; of one that small, the colour is seldom told."""
    name = say.pick(*words.THINGS["telephone"])
    hand = say.pick(f" in {say.her} {carried.side} hand", f" in {say.her} {carried.side} hand", "")
    if "phone" in doing:
        if say.chance(0.3):
            return "hold", f"{article(name)} to {say.her} {carried.side} ear"
        return "talk", f"on {say.pick(article(name), f'{say.her} {name}')}"
    if "text" in doing and say.chance(0.6):
        return "look", f"at {say.pick(article(name), f'{say.her} {name}')}{hand}"
    hue = colour(carried.colours[0], say) if carried.colours and say.chance(0.3) else ""
    return "hold", article(joined(hue, name)) + hand
