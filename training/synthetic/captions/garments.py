"""The noun phrases for garments: colours, pattern, sleeves and length in one of many orders."""

import re

from training.synthetic.captions import words
from training.synthetic.captions.phrases import Manner, article, colour, joined
from training.synthetic.captions.seen import Worn


def garment(worn: Worn, say: Manner) -> str:
    """A garment with its article, colours, pattern, sleeves or length in one of many orders."""
    names = words.THERMAL_GARMENTS if say.thermal else words.GARMENTS
    noun = say.pick(*names[worn.kind])
    sleeve, _, length = worn.cut.partition(" ")
    if worn.kind in ("skirt", "dress") and not length and sleeve in ("mini", "knee", "maxi"):
        sleeve, length = "", sleeve
    before, after = _pattern(worn, say)
    hue = _hue(worn, say)
    sleeves, with_sleeves = _sleeves(sleeve, say)
    reach = _reach(worn, length or worn.cut, say)
    fit = {
        "loose": say.pick("loose", "baggy", "loose-fitting"),
        "tight": say.pick("slim fit", "skinny", "tight"),
    }
    adjectives = [fit[worn.fit]] if worn.fit and say.chance(say.detail * 0.7) else []
    if hue and not before and not after and say.chance(0.05):
        body, after = [*adjectives, reach, sleeves, noun], f"in {hue}"
    elif say.chance(0.5):
        body = [*adjectives, reach, hue, before, sleeves, noun]
    else:
        body = [*adjectives, sleeves, hue, before, reach, noun]
    text = re.sub(r"\b(\w+) (?=\1\b)", "", joined(*body))
    tail = " and ".join(part for part in (with_sleeves, after) if part)
    text = f"{text} {tail}" if tail else text
    if worn.kind not in words.PLURAL:
        return article(text)
    if worn.kind in words.PAIRS and say.chance(0.12):
        return f"a pair of {text}"
    return article(text) if not say.fluent and say.chance(0.03) else text


def _hue(worn: Worn, say: Manner) -> str:
    """The colours as they stand before the noun."""
    if not worn.colours:
        return ""
    first = colour(worn.colours[0], say)
    # A print, a logo or dots leave the garment its own colour.
    if len(worn.colours) > 1 and worn.pattern in ("stripes", "vertical stripes", "checks", "two-coloured"):
        if worn.pattern == "two-coloured" and say.chance(0.25):
            return f"half-{first} and half-{colour(worn.colours[1], say)}"
        first = f"{first} and {colour(worn.colours[1], say)}"
    return f"{first} {say.colour}" if say.colour and not say.brief and say.chance(0.4) else first


def _pattern(worn: Worn, say: Manner) -> tuple[str, str]:
    """What says the pattern before the noun and what behind it; one of them is empty."""
    second = f"{colour(worn.colours[1], say)} " if len(worn.colours) > 1 else ""
    options: dict[str, tuple[tuple[str, str], ...]] = {
        "plain": (("", ""),),
        "stripes": (
            ("striped", ""),
            ("horizontal stripe", ""),
            ("", "with horizontal stripes"),
            ("stripes", ""),
        ),
        "vertical stripes": (("vertically striped", ""), ("striped", ""), ("", "with vertical stripes")),
        "checks": (("checked", ""), ("checkered", ""), ("plaid", ""), ("checks pattern", "")),
        "two-coloured": (
            (("", ""),) if worn.colours else (("two-tone", ""), ("", "with a contrast panel"), ("shaded", ""))
        ),
        "print": (
            ("", f"with {article(f'{second}print')}"),
            ("printed", ""),
            ("", f"with a large {second}print on the chest"),
            ("graphic", ""),
        ),
        "logo": (
            ("", f"with {article(f'{second}logo')}"),
            ("", f"with a small {second}logo on the front"),
            ("", f"with {article(f'{second}logo')} on the chest"),
        ),
        "dots": (("dotted", ""), ("polka dot", ""), ("", f"with {second}dots")),
    }
    return say.pick(*options[worn.pattern])


def _sleeves(sleeve: str, say: Manner) -> tuple[str, str]:
    """What says the sleeves before the noun and what behind it; one of them is empty."""
    full = say.pick("long", "full")
    half = say.pick("half", "short")
    options: dict[str, tuple[tuple[str, str], ...]] = {
        "none": (("sleeveless", ""), ("sleeveless", ""), ("", "without sleeves")),
        "short": (
            (f"{half} sleeve", ""),
            (f"{half}-sleeved", ""),
            (f"{half} sleeve length", ""),
            ("", f"with {half} sleeves"),
        ),
        "three-quarter": (
            ("three-quarter sleeve", ""),
            ("elbow-length sleeve", ""),
            ("", "with elbow sleeves"),
        ),
        "long": (
            (f"{full} sleeve", ""),
            (f"{full}-sleeved", ""),
            (f"{full} sleeve length", ""),
            ("", f"with {full} sleeves"),
        ),
    }
    if sleeve not in options:
        return "", ""
    return options[sleeve][0] if say.brief else say.pick(*options[sleeve])


def _reach(worn: Worn, length: str, say: Manner) -> str:
    """How far down a garment comes."""
    if length == "knee":
        return say.pick("knee-length", "knee-length", "long")
    if length == "mini":
        return say.pick("short", "mini")
    if length == "maxi":
        return say.pick("long", "ankle-length")
    if length == "cropped":
        return say.pick("cropped", "three-quarter", "calf-length")
    return say.pick("knee-length", "", "") if worn.kind == "shorts" else ""
