"""Words for who people are, how they are built, how their hair is, and how what they wear is made.

The rows are as in `reid_core.words.wardrobe`. A value may be two, joined by a plus: both are said.
"""

from reid_core.words.wardrobe import Rows

PEOPLE: Rows = {
    "gender": {
        "male": "man, male, guy, gentleman; bloke, chap, fella, feller, fellow, geezer, dude, gent, mister, "
        "sir, laddie, homme, dad, father, husband, boyfriend, brother, son, groom, waiter, policeman, "
        "businessman, workman, doorman, salesman, fireman, postman, men, guys, blokes, he, him, his, "
        "himself",
        "female": "woman, lady, female; lass, lassie, gal, dame, chick, madam, missus, mum, mom, mother, "
        "wife, girlfriend, sister, daughter, bride, waitress, policewoman, businesswoman, women, ladies, "
        "sheila, she, her, hers, herself",
        "male+child": "boy, young boy, little boy, schoolboy; small boy, wee lad, little lad",
        "female+child": "little girl, schoolgirl; small girl, wee lass",
        "female+young": "girl, young lady, young girl; teenage girl, young lass",
        "male+young": "lad; young lad, teenage boy, young fella",
        "male+old": "old man, elderly man, older man, senior man; grandpa, grandad, granddad, grandfather, "
        "gramps, old boy, old fella, old timer, codger, old geezer",
        "female+old": "old woman, elderly woman, older lady, elderly lady; granny, grandma, gran, nan, "
        "nana, grandmother, old dear, old lady",
        "child": "child; kid, kiddie, kiddy, nipper, youngster, toddler, tot, infant, bairn, schoolchild, "
        "pupil",
    },
    "age": {
        "young": "young; teenage, teenager, teen, teenaged, adolescent, youth, youthful, juvenile, "
        "youngish, student, tween",
        "adult": "adult; middle-aged, middle aged, middle age, grown-up, grown up, mature, grown",
        "old": "old, elderly, older, senior; pensioner, oap, aged person, retired, elder, oldie, ancient, "
        "geriatric, oldish, senior citizen",
    },
    "height": {
        "tall": "tall; lofty, towering, tallish, very tall, giant",
        "small": "small; petite, diminutive, tiny, shortish, little, wee, pint-sized",
    },
    "build": {
        "slim": "slim, thin, skinny, slender; slight, lean, willowy, bony, scrawny, wiry, slightly built, "
        "skinny build, slim build, thin build, of slim build, svelte",
        "heavy": "heavy; fat, chubby, stocky, plump, overweight, obese, burly, stout, heavyset, heavy-set, "
        "thickset, big-boned, tubby, portly, podgy, well-built, heavily built, broad, large build, heavy "
        "build, bulky, rotund, chunky, beefy, corpulent, curvy, brawny, hefty, stocky build, muscular, "
        "broad-shouldered",
    },
    "height+build": {"tall+slim": "lanky; gangly, lean and tall, gangling, leggy, beanpole"},
}

HAIR: Rows = {
    "hair": {"hair": "hair; haired, hairstyle, haircut, hairdo, tresses, locks, head of hair"},
    "hair length": {
        "bald": "bald, bald head, shaved head; balding, baldy, hairless, shaven-headed, shaven head, "
        "skinhead, slaphead, bald-headed",
        "short": "close-cropped, short hair; buzz cut, buzzcut, crew cut, crewcut, cropped hair, pixie cut, "
        "fade, short back and sides, clipped hair, number two",
        "medium": "shoulder-length, neck-length, medium length; bob, chin-length, mullet, pageboy, "
        "mid-length",
        "long": "long hair; waist-length, flowing",
    },
    "hair style": {
        "ponytail": "ponytail, pony tail; pigtails, pigtail, plait, plaits, braid, braids, plaited, "
        "braided, bunches",
        "bun": "bun; topknot, top knot, man bun, chignon, updo, hair up",
        "tied": "tied-back, tied hair, tied back; pulled back",
        "curly": "curly, wavy; frizzy, curls, curled, perm, permed, afro, ringlets, corkscrew, tousled",
    },
    "hair colour": {
        "blond": "blond, blonde, light blonde; fair-haired, fair hair, flaxen, peroxide, platinum blonde",
        "red": "redhead, ginger; gingery, red-haired, strawberry blonde, titian, redheaded",
        "brown": "brunette; brown-haired, mousy, mousey",
        "grey": "greying; grey-haired, silver-haired, salt-and-pepper, silver fox",
    },
    "beard": {
        "beard": "beard, full beard; bearded, goatee, whiskers, stubble, facial hair, unshaven, stubbly, "
        "mutton chops, sideburns",
        "!beard": "clean-shaven; cleanshaven, beardless, clean shaven, smooth-faced",
    },
}

MADE: Rows = {
    "pattern": {
        "stripes": "striped, stripes, horizontal stripe, horizontal stripes, stripe; stripey, stripy, "
        "hooped, hoops, banded, breton, candy-striped",
        "vertical stripes": "vertically striped, vertical stripes; pinstripe, pinstriped, pin-stripe, pin "
        "stripes",
        "checks": "checked, checkered, plaid, checks pattern, checks; chequered, tartan, gingham, check, "
        "houndstooth, dogtooth, checkerboard, argyle",
        "two-coloured": "two-tone, two-coloured; two-colored, two-toned, colour-block, color-block, "
        "bicoloured, half and half",
        "print": "printed, print, graphic; floral, flowery, flowered, patterned, paisley, camouflage, camo, "
        "tie-dye, tie-dyed, animal print, leopard print, zebra print, leopard-skin, picture, slogan, "
        "motif, hawaiian",
        "logo": "logo; emblem, badge, crest, branded, swoosh",
        "dots": "dotted, polka dot, dots; spotty, spotted, polka-dotted, spots, polka dots",
    },
    "sleeves": {
        "none": "sleeveless, without sleeves; strappy, no sleeves, strapless",
        "short": "short sleeve, short-sleeved, short sleeves, half sleeve, half-sleeved, half sleeves; cap "
        "sleeves",
        "three-quarter": "three-quarter sleeve, elbow-length sleeve, elbow sleeves; three-quarter sleeves, "
        "3/4 sleeves",
        "long": "long sleeve, long-sleeved, long sleeves, full sleeve, full-sleeved, full sleeves",
    },
    "length": {
        "knee": "knee-length; to the knee, midi, below the knee",
        "mini": "mini; thigh-length, micro, skimpy",
        "long": "ankle-length, full-length; floor-length, maxi length, to the ankle",
        "cropped": "cropped, three-quarter, calf-length; three-quarter length, ankle-grazer",
    },
    "fit": {
        "loose": "loose, baggy, loose-fitting; oversized, oversize, roomy, slouchy, billowing, wide-leg, "
        "wide, boxy, too big",
        "tight": "slim fit, skinny fit, tight; tight-fitting, close-fitting, figure-hugging, skin-tight, "
        "skintight, fitted, bodycon, snug, clingy",
    },
    "worn": {"open": "open; unbuttoned, unzipped, undone, unfastened"},
}

BY_COMPANY: dict[str, dict[str, str]] = {
    "short": {"hair": "hair length:short", "person": "height:small", "lower": "length:mini"},
    "long": {
        "hair": "hair length:long",
        "lower": "length:long",
        "outer": "length:long",
        "top": "length:long",
    },
    "medium": {"hair": "hair length:medium"},
    "cropped": {"hair": "hair length:short", "lower": "length:cropped", "top": "length:cropped"},
    "skinny": {"lower": "fit:tight", "top": "fit:tight", "person": "build:slim"},
    "slim": {"lower": "fit:tight", "top": "fit:tight", "person": "build:slim"},
    "open": {"outer": "worn:open", "top": "worn:open"},
    "puffer": {"outer": "outer:down jacket"},
    "quilted": {"outer": "outer:down jacket"},
    "padded": {"outer": "outer:down jacket"},
    "down": {"outer": "outer:down jacket"},
    "hooded": {"outer": "hat:hood", "top": "top:hoodie"},
    "denim": {"lower": "lower:jeans"},
    "leather": {"shoes": "shoes:leather shoes"},
    "woolly": {"hat": "hat:beanie"},
    "knitted": {"hat": "hat:beanie"},
    "shaved": {"hair": "hair length:bald"},
    "shaven": {"hair": "hair length:bald"},
    "fair": {"hair": "hair colour:blond"},
    "dark": {"hair": "hair colour:black"},
    "silver": {"hair": "hair colour:grey"},
    "golden": {"hair": "hair colour:blond"},
    "sandy": {"hair": "hair colour:blond"},
    "auburn": {"hair": "hair colour:red"},
    "chestnut": {"hair": "hair colour:brown"},
    "large": {"person": "build:heavy"},
    "big": {"person": "build:heavy"},
    "huge": {"person": "build:heavy"},
    "massive": {"person": "build:heavy"},
    # Of hair, but nothing that is searched for.
    "straight": {},
    "thick": {},
}
"""Words that mean one thing beside hair, another beside a person or a garment; nothing beside the rest."""

_OF_PEOPLE = "young older elderly mature tall lofty petite diminutive slim slender lean stout pint-sized"
AGES_AND_STATURES = frozenset(_OF_PEOPLE.split())
"""Of a person, unless a thing stands behind."""
_OF_ANYTHING = (
    "old ancient towering giant small tiny little wee thin slight heavy fat broad bulky chunky hefty"
)
SIZES = AGES_AND_STATURES | frozenset(_OF_ANYTHING.split())
"""Of a person alone; beside a thing they are the thing's, and not searched for."""

COMPANIONS = frozenset(("friend", "friends", "partner", "companion", "colleague", "mate", "baby", "dog"))
"""Words that mean nothing here but that somebody else is there."""
