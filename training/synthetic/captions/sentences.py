"""The sentences of a caption: who, what they wear in one of many orders, and what else was seen."""

from dataclasses import dataclass

from training.synthetic.captions import words
from training.synthetic.captions.garments import garment
from training.synthetic.captions.phrases import Manner, Verb, article, hair, telephone, thing
from training.synthetic.captions.seen import Seen, Worn

_ING: dict[Verb, tuple[str, ...]] = {
    "wear": ("wearing", "wearing", "wearing", "sporting"),
    "carry": ("carrying", "carrying", "carrying", "with"),
    "hold": ("holding", "holding", "holding", "with"),
    "push": ("pushing",),
    "pull": ("pulling", "dragging"),
    "talk": ("talking", "speaking"),
    "look": ("looking",),
    "have": ("with", "having"),
}
_FINITE: dict[Verb, tuple[str, ...]] = {
    "wear": ("wears", "has on", "is wearing"),
    "carry": ("carries", "is carrying", "has"),
    "hold": ("holds", "is holding"),
    "push": ("pushes", "is pushing"),
    "pull": ("pulls", "is pulling"),
    "talk": ("is talking", "is speaking"),
    "look": ("is looking",),
    "have": ("has",),
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What a caption is put together from; an empty string was not seen or is not said.

    Attributes:
        who: the person, with article.
        noun: the same without.
        hair: hair, behind ``with``.
        upper, lower, shoes: what they wear.
        extras: verb and object of all else.
        aside: how they are seen or move, such as ``seen from behind``.
    """

    who: str
    noun: str
    hair: str
    upper: str
    lower: str
    shoes: str
    extras: tuple[tuple[Verb, str], ...]
    aside: str

    @property
    def haired(self) -> str:
        """The person with their hair."""
        return f"{self.who} with {self.hair}" if self.hair else self.who


def sentences(seen: Seen, say: Manner) -> str:
    """A caption in lower case."""
    parts = _parts(seen, say)
    main = _main(parts, say)
    text = _with_extras(main, parts, say)
    # Captioners now and then forget the full stop.
    return text if not say.fluent and say.chance(0.04) else text + "."


def _parts(seen: Seen, say: Manner) -> Parts:
    nouns = (words.WOMEN if seen.female else words.MEN)[seen.age]
    noun = say.pick(*(noun for noun in nouns if noun not in words.NEUTRAL))
    if not seen.sure and say.chance(0.05):
        noun = say.pick(*words.NEUTRAL[:-1], "child" if seen.age == "child" else words.NEUTRAL[0])
    upper, lower = _clothes(seen, say)
    shoes = garment(seen.shoes, say) if seen.shoes else ""
    if shoes and seen.sole and say.chance(say.detail * 0.35):
        sole = say.pick(*words.COLOUR_WORDS[seen.sole[0]])
        shoes += f" with {sole.replace('grey', 'gray') if say.gray else sole} soles"
    return Parts(
        who=article(noun),
        noun=noun,
        hair=hair(seen.hair, say) if seen.hair else "",
        upper=upper,
        lower=lower,
        shoes=shoes,
        extras=_extras(seen, say),
        aside=_aside(seen, say),
    )


def _clothes(seen: Seen, say: Manner) -> tuple[str, str]:
    """Upper and lower clothes; an open jacket and what is under it are one."""
    lower = garment(seen.bottom, say) if seen.bottom else ""
    upper = garment(seen.outer, say) if seen.outer else ""
    top = garment(seen.top, say) if seen.top else ""
    if upper and top:
        upper = say.pick(
            f"{upper} over {top}",
            f"{upper} and {top} underneath",
            f"an open {upper.split(' ', 1)[1]} over {top}",
            f"{top} under {upper}",
            f"{upper} with {top} inside",
            f"{upper} and {top} inner",
        )
    elif upper and seen.bottom is not None and seen.bottom.kind == "dress":
        return f"{upper} over {lower}", ""
    return (upper or top), lower


def _extras(seen: Seen, say: Manner) -> tuple[tuple[Verb, str], ...]:
    """All that is neither hair nor clothes, in a drawn order."""
    extras: list[tuple[Verb, str]] = []
    if seen.hat:
        extras.append(_hat(seen.hat, say))
    if seen.scarf:
        around = say.pick(f" around {say.her} neck", f" on {say.her} neck", f" around {say.her} neck", "")
        around = "" if say.brief else around
        extras.append(("wear", garment(seen.scarf, say) + around))
    if seen.glasses and say.chance(0.4 + 0.5 * say.detail):
        name = say.pick("glasses", "spectacles", "eyeglasses") if seen.glasses == "glasses" else ""
        extras.append(("wear", name or say.pick("sunglasses", "sunglasses", "goggles")))
    if seen.beard and say.chance(0.2 + 0.6 * say.detail):
        extras.append(("have", say.pick("a beard", "a beard", "a full beard")))
    for item in seen.items:
        extras.append(telephone(item, seen.doing, say) if item.kind == "telephone" else thing(item, say))
    order = say.rng.permutation(len(extras))
    return tuple(extras[int(index)] for index in order)


def _hat(hat: Worn, say: Manner) -> tuple[Verb, str]:
    if hat.kind == "hood":
        hood = garment(hat, say).split(" ", 1)[1] if say.chance(0.3) else "hood"
        return "wear", say.pick(f"the {hood} up", f"the {hood} over {say.her} head", f"{say.her} {hood} up")
    return "wear", garment(hat, say) + say.pick(
        "", f" on {say.her} head", f" on {say.her} head", " on the head"
    )


def _aside(seen: Seen, say: Manner) -> str:
    """How they are seen or move, now and then."""
    options: list[str] = []
    if seen.facing == "back":
        options += ["seen from behind", "seen from the back", "walking away" if "walk" in seen.doing else ""]
    elif seen.facing == "front":
        options += ["facing the camera", "seen from the front"]
    else:
        options += ["seen from the side", "in side view"]
    if seen.upper:
        options += [
            "only partly in view",
            "seen from the waist up" if seen.top or seen.outer else "partly hidden",
        ]
    elif not seen.whole:
        options += ["partly hidden", "partly out of view", "half hidden behind something"]
    if not seen.upper and "walk" in seen.doing:
        options += ["walking", "walking along", "walking past", "on foot"] * 2
    elif "stand" in seen.doing:
        options += ["standing", "standing still", "standing around"]
    return say.pick(*options) if say.chance(0.35 * say.detail) else ""


def _worn(parts: Parts, say: Manner) -> str:
    """Everything they wear, joined in one of many ways."""
    joined = parts.upper
    if parts.lower:
        joined = f"{joined}{_join_lower(say)}{parts.lower}" if joined else parts.lower
    if parts.shoes:
        joined = f"{joined}{_join_shoes(parts.shoes, say)}" if joined else parts.shoes
    return joined


def _join_lower(say: Manner) -> str:
    plain = (" paired with ", " along with ", " and ", " and ", " together with ", ", ", " with ", " plus ")
    plain_too = (
        " matched with ",
        f" that {say.she} has paired with ",
        " over ",
        ", worn with ",
        " combined with ",
    )
    fluent = (
        " paired with ",
        " and ",
        ", along with ",
        ", complemented by ",
        " teamed with ",
        ", matched with ",
    )
    return say.pick(*fluent, *plain_too) if say.fluent else say.pick(*plain, *plain, *plain_too)


def _join_shoes(shoes: str, say: Manner) -> str:
    if say.fluent:
        return say.pick(
            f", and {shoes}",
            f", and {shoes}",
            f", finished with {shoes}",
            f", with {shoes} on {say.her} feet",
            f". {say.she} has {shoes} on",
            f", as well as {shoes}",
            f". {say.she} also wears {shoes}",
        )
    return say.pick(
        f" and {shoes}",
        f" and {shoes}",
        f", and {shoes}",
        f" has worn {shoes}",
        f" with {shoes}",
        f" and {shoes} on the feet",
        f", {say.she} is wearing {shoes}",
        f" followed by {shoes}",
    )


def _main(parts: Parts, say: Manner) -> str:
    """The main sentence, without its full stop, with the aside in it, before it or after it."""
    worn, haired, aside = _worn(parts, say), parts.haired, parts.aside
    if not aside:
        return _main_of(parts, haired, worn, say)
    if say.chance(0.6):
        return _main_of(parts, f"{haired}, {aside}," if parts.hair else f"{haired} {aside},", worn, say)
    main = _main_of(parts, haired, worn, say)
    if aside.startswith(("seen", "walking", "standing", "partly")):
        return f"{aside}, {main}"
    return f"{main}. {say.she} is {aside}"


def _main_of(parts: Parts, haired: str, worn: str, say: Manner) -> str:
    who, she, she_has = parts.who, say.she, f"{say.she} has {parts.hair}"
    comma = "" if haired.endswith(",") else say.pick(",", "")
    if not worn:
        return haired.rstrip(",")
    wearing = say.pick("wearing", "wearing", "dressed in", "in", "clad in" if say.fluent else "wearing")
    neutral = parts.noun in words.NEUTRAL
    this = "this" if neutral else say.pick("the person", "this pedestrian", "the pedestrian", "this person")
    habits = [
        f"{haired}{comma} wearing {worn}",
        f"{haired}{comma} wearing {worn}",
        f"{haired}{comma} {wearing} {worn}",
        f"{haired} is {say.pick('wearing', 'wearing', 'dressed in')} {worn}".replace(", is", " is"),
        f"{this} is {haired.rstrip(',')}, {say.pick('wearing', 'dressed in')} {worn}",
        f"this is {haired.rstrip(',')} in {worn}",
        f"there is {haired.rstrip(',')} {wearing} {worn}",
        f"{this} is {haired.rstrip(',')}. {she} wears {worn}",
    ]
    if parts.hair:
        short = parts.hair.removesuffix(" hair").replace(" length", "-length")
        compound = f"{article(short.replace(' ', '-'))}-haired {parts.noun}"
        simple = parts.hair.endswith(" hair") and " " not in short
        habits += [
            f"{who} {wearing} {worn}. {she_has}",
            f"{who} who has {parts.hair} and wears {worn}",
            f"the {parts.noun} has {parts.hair} and is {say.pick('wearing', 'dressed in')} {worn}",
            f"{compound} {wearing} {worn}" if simple else f"{haired} {wearing} {worn}",
        ]
    if say.fluent and parts.upper and parts.lower:
        shoes = f", and {parts.shoes}" if parts.shoes else ""
        feet = f" with {parts.shoes}" if parts.shoes else ""
        habits += [
            f"dressed in {parts.upper} and {parts.lower}, {haired.rstrip(',')}"
            + (f" wears {parts.shoes}" if parts.shoes else " is shown"),
            f"the image shows {haired.rstrip(',')} in {parts.upper}, {parts.lower}{shoes}",
            f"{who} in {parts.upper}. {she} has matched it with {parts.lower}{shoes}"
            + (f" and has {parts.hair}" if parts.hair else ""),
            f"{haired.rstrip(',')} wears {parts.upper}. the outfit goes on with {parts.lower}{feet}",
        ]
    return say.pick(*habits)


def _with_extras(main: str, parts: Parts, say: Manner) -> str:
    """The main sentence with everything else behind it, in it or after it."""
    extras = list(parts.extras)
    text = main
    tails = 0
    while extras and tails < 2 and say.chance(0.6 if tails == 0 else 0.35):
        verb, what = extras.pop(0)
        link = ", " if tails == 0 or say.chance(0.5) else " and "
        text += f"{link}{say.pick(*_ING[verb])} {what}"
        tails += 1
    while extras:
        first = extras.pop(0)
        sentence = _sentence(first, say)
        if extras:
            verb, what = extras.pop(0)
            sentence += f" and {say.pick(*_FINITE[verb])} {what}"
        comma_splice = not say.fluent and "." not in text and say.chance(0.2)
        text += f"{', ' if comma_splice else '. '}{sentence}"
    return text


def _sentence(extra: tuple[Verb, str], say: Manner) -> str:
    verb, what = extra
    subject = (
        say.she if say.chance(0.85) else say.pick("the person", "the " + ("woman" if say.female else "man"))
    )
    finite = say.pick(*_FINITE[verb])
    also = say.pick("", "also", "also", "additionally" if say.fluent else "also")
    if not also:
        return f"{subject} {finite} {what}"
    if finite.startswith("is "):
        return f"{subject} is {also} {finite[3:]} {what}"
    return f"{subject} {also} {finite} {what}"
