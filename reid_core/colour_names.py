"""Names that are colours only where they stand at a garment: wine, mint, snow, camel.

Each is put as a plain colour there, so that what takes colours out finds it; "a bottle of wine" and
"walking in snow" stay.
"""

import re
from functools import cache

from reid_core.mending import FUNCTION_WORDS, any_of

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


# The last words of what is worn or carried, as `reid_core.words.wardrobe` and WordNet have them.
_GARMENTS = """
accents anorak aviators babushka backpack bag baggage balaclava bandana bandanna bandbox bareheaded beanbag
beanie beard belongings beret bergen bermudas berretta bifocals biggin biretta birretta blazer blouse boa
boardshorts boater bodywarmer bomber bonnet bookbag bootcut bottoms bowler box bra breeches briefcase
brollies brolly buggy bumbag bumbershoot burberry busby caftan cagoule calpac calpack cami camise camisole
cap cape capote capris cardie cardigan cardy cargos carpetbag carriage carried carrier carryall carton case
casket cell cellphone chapeau chino churidars cloak clothes clothing clutch coat coatdress coatee coffin
combats coonskin cords corduroys coveralls crate crewneck crinoline crombie crossbody culotte cutoffs
daishiki dashiki daypack daysack deedbox deerstalker denim dolman doublet drainpipes dress duffel dukes
dungarees durag etui extension eyeglasses fedora feedbag fez fichu flannels flares fleece fleecy fours frock
gamebag gamp garibaldi garment gilet gladstone glasses glengarry goggles gown greatcoat gripsack groceries
guernsey gunnysack hair haired halterneck handbag handset harrington hat hatbox haversack headgear headscarf
headwear helmet hijab holdall homburg hood hoodie hoody hoopskirt hose hotpants hubbard iphone jacket jean
jeggings jerkin jersey jodhpurs joggers jumper jumpsuit kaftan kagool kagoul kalansuwa kalpac kepi kerchief
khakis khimar kilt kimono kitbag knapsack knickerbockers knit knitwear kurta lambrequin lavalava lederhosen
leggings lengths leotards levis liner logo lorgnette luggage mac macintosh mack mackinaw mackintosh mailbox
manbag mantilla mantua matchbox maxi messenger middy minidress miniskirt mobcap mobile moby motif muffler
muumuu neckerchief nightdress nightie nosebag oilskin outfit overalls overcoat overshirt overskirt pack
package packsack paintbox pajama panama pannier pant pantaloon pants pantyhose parasol parcel parka pashmina
patka peacoat perambulator phone pinafore pinny playbox playsuit pocketbook polo polonaise poncho ponytail
possessions postbag pouch pram print puffa puffer pullover purse pushchair pusher pyjama radiophone raincoat
rainwear raybans rebozo reticule robe rollneck rucksack sachet sack sacque saddlebag salopettes salwar
sandbag saree sari sarong satchel scarf schoolbag shacket shako shalwar shawl sheaf shift shirt shirtdress
shirtless shirtwaist shirtwaister shopping shorts sickbag singlet sixpack skirt skullcap slacks slicker
slipover smartphone smock snapback snood snuffbox softshell sole sombrero speakerphone specs spectacles
stetson stockings stole stroller strongbox suit suitcase suited sundress sunglasses sunhat sunnies surcoat
surtout swallowtail sweater sweatpants sweats sweatshirt tails tam tarboosh tee telephone tights tirolean
titfer top topcoat topless toque tote trackies tracksuit treggings trench trews trilby trolley trouser trunk
tube tudung tunic tuque turtleneck tutu tux tuxedo twinset ulster umbrella undershirt unladen ushanka valise
vest vis visor waders waistcoat warmer waterproof wayfarers wifebeater windbreaker windcheater woolly wrap
wristlet zip
"""
_FOOTWEAR = """
anklet balmoral barefoot barefooted birkenstocks boot brogan brogue buskin calceus chopine chucks cleats
clodhopper clogs converse creps crocs daps derbies dms docs espadrille flipper flop footwear gaiter galoshes
ghillie gumboot gutties heels huarache jackboot jandals keds kicks loafer martens mocassin moccasin mules
oxford platforms plimsoles plimsolls pumps runners sabot sandal sandshoes scuffer shoe shoeless slide
sliders slingback slippers sneaker stiletto straps talaria thongs timberlands tip toes tops trainer uggs
wedges wedgie wellie wellington welly wingtips zori
"""


def _worn(words: str) -> str:
    return rf"(?:{any_of(words)}|t\s*-?\s*shirt)s?"


@cache
def _patterns(named: str) -> tuple[re.Pattern[str], ...]:
    bare = rf"(?:{any_of(_NAMES + _PLACES)}|{_BOTH})"
    not_of = r"(?:(?<!\bof )|(?<=\bpair of ))(?<!\bthe )"
    worn, no_shoes = _worn(_GARMENTS + _FOOTWEAR), _worn(_GARMENTS)
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
    said_of = rf"\b(?P<of>{worn}\s+(?:in|is|are|was|were)\s+(?:an?\s+)?)"
    return tuple(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            # "Ocean blue", "snow-white", "wine coloured"; "a shade of wine".
            rf"{not_of}\b{bare}(?=[\s-]+(?:{named})\b)",
            rf"\b{bare}(?=[\s-]+colou?red\b)",
            rf"(?P<of>\b(?:shades?|tones?|hues?)\s+of\s+){bare}\b",
            at(rf"{any_of(_NAMES)}|{_BOTH}", rf"{any_word}{{0,5}}?[\s-]+{worn}"),
            # "Snow boots" and "desert boots" are no colours.
            at(any_of(_PLACES), rf"(?:[\s-]+{no_shoes}|{step}{{1,5}}?[\s-]+{worn})"),
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
