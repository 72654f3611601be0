"""The words of the synthetic captions: colours, garments and things carried, each with its synonyms.

Drawn with equal chances from a tuple, so that a word written twice comes twice as often. None of them
speaks of skin or descent.
"""

from typing import TypeAlias

Synonyms: TypeAlias = tuple[str, ...]

COLOUR_WORDS: dict[str, Synonyms] = {
    "black": ("black", "black", "black", "black", "black", "dark black"),
    "white": ("white",),
    "grey": ("grey",),
    "light grey": ("light grey", "light grey", "pale grey", "silver grey"),
    "dark grey": ("dark grey", "dark grey", "charcoal grey", "charcoal"),
    "red": ("red", "red", "red", "bright red"),
    "dark red": ("dark red", "maroon", "wine red", "burgundy"),
    "blue": ("blue", "blue", "blue", "royal blue"),
    "light blue": ("light blue", "light blue", "sky blue", "pale blue"),
    "dark blue": ("dark blue", "dark blue", "navy blue", "navy"),
    "green": ("green", "green", "green", "grass green"),
    "olive": ("olive", "olive green", "khaki green", "army green"),
    "yellow": ("yellow", "yellow", "yellow", "mustard yellow"),
    "orange": ("orange",),
    "pink": ("pink", "pink", "light pink", "pastel pink"),
    "purple": ("purple", "purple", "purple", "violet"),
    "brown": ("brown", "brown", "brown", "dark brown"),
    "beige": ("beige", "beige", "cream", "khaki", "light brown"),
}
HAIR_WORDS: dict[str, Synonyms] = {
    "black": ("black", "black", "dark black"),
    "dark brown": ("dark brown", "dark brown", "brown"),
    "brown": ("brown",),
    "blond": ("blonde", "blonde", "blond", "light blonde"),
    "grey": ("grey", "grey", "greying"),
    "white": ("white",),
    "red": ("red", "reddish brown", "ginger"),
}
NEIGHBOURS: dict[str, Synonyms] = {
    "black": ("dark blue", "dark blue", "dark grey"),
    "white": ("light grey", "light grey", "beige"),
    "grey": ("white", "dark grey", "light blue"),
    "light grey": ("white",),
    "dark grey": ("black", "dark blue"),
    "red": ("dark red", "orange"),
    "dark red": ("brown", "purple"),
    "blue": ("dark blue", "purple"),
    "light blue": ("white", "light grey"),
    "dark blue": ("black", "black", "purple"),
    "green": ("olive", "blue"),
    "olive": ("brown", "green"),
    "yellow": ("beige", "orange"),
    "orange": ("red", "yellow"),
    "pink": ("white", "purple"),
    "purple": ("dark blue", "dark red"),
    "brown": ("black", "dark red"),
    "beige": ("white", "light grey"),
}
"""Colours that a captioner takes for one another."""

GARMENTS: dict[str, Synonyms] = {
    "t-shirt": ("t-shirt", "t-shirt", "t-shirt", "tee", "t shirt", "round neck t-shirt"),
    "shirt": ("shirt", "shirt", "shirt", "collared shirt", "button-up shirt"),
    "polo shirt": ("polo shirt", "polo t-shirt", "collared t-shirt", "polo"),
    "blouse": ("blouse", "top", "top", "shirt"),
    "sweater": ("sweater", "sweater", "jumper", "pullover", "sweatshirt"),
    "hoodie": ("hoodie", "hoodie", "hooded sweatshirt", "hooded top"),
    "tank top": ("tank top", "singlet", "top", "summer top"),
    "jacket": ("jacket", "jacket", "jacket", "zip jacket"),
    "coat": ("coat", "coat", "overcoat"),
    "down jacket": ("puffer jacket", "padded jacket", "quilted jacket", "down jacket"),
    "blazer": ("blazer", "blazer", "suit jacket", "formal jacket"),
    "vest": ("vest", "waistcoat", "gilet"),
    "raincoat": ("raincoat", "rain jacket", "waterproof coat"),
    "trousers": ("trousers", "pants", "pants", "full-length pants", "slacks", "long trousers"),
    "jeans": ("jeans", "denim jeans", "denim jeans", "jeans pants", "denims", "full-length jeans"),
    "leggings": ("leggings", "leggings", "tights", "stretch pants"),
    "shorts": ("shorts", "shorts", "short pants"),
    "skirt": ("skirt",),
    "dress": ("dress", "dress", "frock", "one-piece dress"),
    "sneakers": ("sneakers", "casual shoes", "casual shoes", "sports shoes", "trainers", "shoes", "footwear"),
    "leather shoes": ("formal shoes", "leather shoes", "dress shoes", "shoes", "laced shoes"),
    "boots": ("boots", "boots", "ankle boots"),
    "sandals": ("sandals", "sandals", "open sandals"),
    "high heels": ("high heels", "heels", "heeled shoes"),
    "cap": ("cap", "cap", "baseball cap"),
    "hat": ("hat", "hat", "brimmed hat"),
    "beanie": ("beanie", "woollen hat", "knitted hat"),
    "hood": ("hood",),
    "headscarf": ("headscarf", "head scarf"),
    "scarf": ("scarf", "scarf", "muffler", "stole"),
}
THERMAL_GARMENTS: dict[str, Synonyms] = GARMENTS | {
    "shirt": ("shirt", "shirt", "top"),
    "polo shirt": ("t-shirt", "shirt", "top"),
    "blouse": ("top", "shirt"),
    "sweater": ("sweater", "sweatshirt", "top"),
    "hoodie": ("hoodie", "sweatshirt", "hooded top"),
    "blazer": ("jacket", "blazer"),
    "down jacket": ("thick jacket", "padded jacket", "jacket"),
    "trousers": ("trousers", "pants", "pants", "full-length pants", "long pants"),
    "jeans": ("pants", "jeans", "jeans", "full-length pants", "trousers"),
    "leggings": ("leggings", "tights"),
    "sneakers": ("shoes", "casual shoes", "footwear", "sneakers"),
    "leather shoes": ("shoes", "shoes", "casual shoes", "footwear"),
}
"""What heat alone tells apart less well: weave, collar and denim hardly show."""

PAIRS = frozenset(
    {"trousers", "jeans", "leggings", "shorts", "sneakers", "leather shoes", "boots", "sandals"}
)
PLURAL = PAIRS | {"high heels"}
"""Kinds that English names in the plural; a "pair of" goes with those of `PAIRS`."""

THINGS: dict[str, Synonyms] = {
    "backpack": ("backpack", "backpack", "backpack", "rucksack"),
    "shoulder bag": ("shoulder bag", "sling bag", "bag", "bag"),
    "handbag": ("handbag", "handbag", "purse", "bag"),
    "tote bag": ("tote bag", "shopping bag", "bag", "carry bag"),
    "suitcase": ("suitcase", "trolley bag", "wheeled suitcase", "trolley case"),
    "umbrella": ("umbrella",),
    "telephone": ("mobile phone", "mobile phone", "phone", "cell phone", "mobile"),
    "pushchair": ("pushchair", "stroller", "pram", "baby carriage"),
    "box": ("box", "carton", "large box"),
}
BAGS = frozenset({"backpack", "shoulder bag", "handbag", "tote bag", "suitcase"})

WRONG_GARMENT: dict[str, Synonyms] = {
    "t-shirt": ("shirt", "polo shirt"),
    "shirt": ("t-shirt", "jacket", "sweater"),
    "polo shirt": ("t-shirt", "shirt"),
    "blouse": ("t-shirt", "sweater"),
    "sweater": ("jacket", "shirt", "hoodie"),
    "hoodie": ("jacket", "sweater"),
    "tank top": ("t-shirt",),
    "jacket": ("coat", "sweater", "shirt"),
    "coat": ("jacket", "dress"),
    "down jacket": ("coat", "sweater"),
    "blazer": ("jacket", "shirt"),
    "vest": ("jacket", "t-shirt"),
    "raincoat": ("jacket", "hoodie"),
}
"""Upper garments that a captioner takes for one another."""

MEN: dict[str, Synonyms] = {
    "": ("man", "man", "man", "man", "male", "guy"),
    "child": ("boy", "boy", "young boy", "little boy"),
    "young": ("man", "man", "man", "boy", "young man", "guy", "male"),
    "adult": ("man", "man", "man", "man", "male", "gentleman"),
    "old": ("man", "old man", "elderly man", "older man", "senior man"),
}
WOMEN: dict[str, Synonyms] = {
    "": ("woman", "woman", "woman", "lady", "female"),
    "child": ("girl", "girl", "young girl", "little girl"),
    "young": ("woman", "woman", "lady", "girl", "young woman", "female", "young lady"),
    "adult": ("woman", "woman", "woman", "lady", "lady", "female"),
    "old": ("lady", "old woman", "elderly woman", "older lady", "elderly lady"),
}
NEUTRAL: Synonyms = ("person", "person", "pedestrian", "child")
