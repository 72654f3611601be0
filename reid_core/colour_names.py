"""Names that are colours only where they stand at a garment: wine, mint, snow, camel.

Each is put as a plain colour there, so that what takes colours out finds it; "a bottle of wine" and
"walking in snow" stay.
"""

import re
from functools import cache

from reid_core.mending import FUNCTION_WORDS, any_of
from reid_core.words.wardrobe import WARDROBE

__all__ = ["with_plain_colours"]

# One-word names of XKCD's survey and of `reid_core.words.shades` that English has for something else.
_NAMES = """
adobe algae amethyst apple ash ashen asparagus avocado banana barney berry bisque blueberry blush brick
bronze bubblegum buff butter butterscotch camel canary caramel carnation celery cement chalky cherry
chocolate chocolatey cinnamon clay cocoa coffee copper cornflower cranberry dandelion drab eggplant eggshell
evergreen fawn fern fiery firebrick grape grapefruit grassy heather honey honeydew inky kiwi leafy lemon
lichen lipstick maize mango manilla marigold melon merlot milky mint mocha moss mulberry mushroom oatmeal
orchid parchment pear peru petrol pine pistachio plum pumpkin raspberry rosa rose rosy rouge royal rust
saffron sage sandstone sandy seashell seaweed shamrock slate snowy sooty spearmint squash strawberry
sunflower thistle tomato topaz watermelon wheat wine wintergreen wisteria chiffon cadet orangey
"""
# Where somebody may be, or when: "boots in snow" says no colour.
_PLACES = """
desert dusk earth forest grass leaf midnight moccasin ocean sand sea sky snow steel stone swamp twilight
"""
_BOTH = (
    r"milk\s+chocolate|red\s+wine|key\s+lime|green\s+apple|pea\s+soup|robin['’]?s?\s+egg|egg\s+shell"
    r"|terra\s+cotta"
)
# What is no garment, or a colour itself.
_NOT_WORN = "shades things stuff something anything up items bottle glass down life neck set on eyes"
_NO_GARMENTS = frozenset(_NOT_WORN.split())
_BETWEEN = """
short long full half quarter three sleeve sleeved sleeves sleeveless length knee ankle calf elbow high low
neck necked round crew collared buttoned button zip zipped open loose baggy tight slim fit fitted skinny
wide ripped striped stripes stripe checked checkered checks check plaid tartan dotted polka dot dots printed
print floral patterned pattern plain quilted padded puffer hooded denim leather woollen wool knitted cotton
silk formal casual smart sports small large big new old coloured colored colour color light dark horizontal
vertical vertically horizontally two tone toned logo graphic winter summer rain down trench duffle bomber
cargo track upper riding jogging running chukka pom bobble baseball baby school straight medium cell mobile
tunic
"""


_PARTS = "hair haired ponytail beard outfit clothes clothing accents pant soles sole print prints motif logo"


@cache
def _garments(footwear: bool) -> str:
    """The last words of all that is worn or carried, as a pattern."""
    from reid_core.words.resolving import wordnet_names

    words = set(_PARTS.split())
    for part, kinds in WARDROBE.items():
        for kind, row in kinds.items() if footwear or part != "shoes" else ():
            phrases = (*re.split("[,;]", row), *wordnet_names(part, kind))
            words |= {one.split()[-1] for one in phrases if one.split()}
    plain = sorted((one for one in words - _NO_GARMENTS if one.isalpha()), key=len, reverse=True)
    return rf"(?:{'|'.join(plain)}|t\s*-?\s*shirt)s?"


@cache
def _patterns(named: str) -> tuple[re.Pattern[str], ...]:
    bare = rf"(?:{any_of(_NAMES + _PLACES)}|{_BOTH})"
    not_of = r"(?:(?<!\bof )|(?<=\bpair of ))(?<!\bthe )"
    step = (
        rf"(?:[\s-]+(?:{any_of(_BETWEEN)}|{named}|{bare})\b"
        rf"|(?:\s*[,/]\s*|\s+(?:and|or)\s+)(?:{named}|{bare})\b)"
    )

    # Of what is seldom anything but a colour before a garment, other words may stand between.
    leads_on = rf"(?:{any_of(FUNCTION_WORDS)}|no|not|then|some|behind|outside)\b"
    any_word = rf"(?:{step}|\s+and\s+(?:{any_of(_BETWEEN)})\b|[\s-]+(?!{leads_on})\w+)"

    def at(names: str, steps: str) -> str:
        return rf"{not_of}\b(?:{names})(?={steps}\b)"

    ends = r"(?=\s*(?:$|[.,;!?)]|\b(?:and|with|or|as|along|paired|over|under)\b))"
    said_of = rf"\b(?P<of>{_garments(True)}\s+(?:in|is|are|was|were)\s+(?:an?\s+)?)"
    return tuple(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            # "Ocean blue", "snow-white", "wine coloured"; "a shade of wine".
            rf"{not_of}\b{bare}(?=[\s-]+(?:{named})\b)",
            rf"\b{bare}(?=[\s-]+colou?red\b)",
            rf"(?P<of>\b(?:shades?|tones?|hues?)\s+of\s+){bare}\b",
            at(rf"{any_of(_NAMES)}|{_BOTH}", rf"{any_word}{{0,5}}?[\s-]+{_garments(True)}"),
            # "Snow boots" and "desert boots" are no colours.
            at(any_of(_PLACES), rf"(?:[\s-]+{_garments(False)}|{step}{{1,5}}?[\s-]+{_garments(True)})"),
            rf"{said_of}(?:{any_of(_NAMES)}|{_BOTH}){ends}",
        )
    )


@cache
def _any_name() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{any_of(_NAMES + _PLACES)}|{_BOTH})\b", re.IGNORECASE)


def with_plain_colours(text: str, named: str) -> str:
    """The text with "red" for every name that is a colour where it stands.

    Args:
        named: a pattern of words that are colours wherever they stand.
    """
    if _any_name().search(text) is None:
        return text
    for pattern in _patterns(named):
        text = pattern.sub(lambda found: f"{found.groupdict().get('of') or ''}red", text)
    return text
