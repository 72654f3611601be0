"""Words for what people wear and carry: each kind, as captions name it, and what else it is called.

In each row the words before the semicolon are those that captions use; behind it are words that British
and American speakers use and that WordNet lacks or takes for something else. A value with an exclamation
mark says that there is none. Colours, spellings, plurals and what WordNet is sure of are not listed: they
are found otherwise. Written from general knowledge of the language.
"""

from typing import TypeAlias

Rows: TypeAlias = dict[str, dict[str, str]]

WARDROBE: Rows = {
    "outer": {
        "jacket": "jacket, zip jacket; bomber jacket, bomber, windbreaker, windcheater, fleece jacket, "
        "denim jacket, leather jacket, biker jacket, harrington, jerkin, shacket, track top, tracksuit "
        "top, tracksuit jacket, baseball jacket, varsity jacket, hi-vis jacket, high vis, donkey jacket, "
        "ski jacket, shell jacket, softshell, anorak",
        "coat": "coat, overcoat; topcoat, greatcoat, trench coat, trench, pea coat, peacoat, duffle coat, "
        "duffel coat, parka, car coat, frock coat, fur coat, sheepskin coat, winter coat, long coat, "
        "crombie, lab coat, poncho, cape, cloak",
        "down jacket": "down jacket, puffer jacket, padded jacket, quilted jacket; puffer, puffa, puffa "
        "jacket, puffy jacket, bubble jacket, down coat, padded coat, quilted coat, puffer coat",
        "blazer": "blazer, suit jacket, formal jacket; suit, suit coat, sport coat, sports coat, sports "
        "jacket, dinner jacket, tuxedo, tux, smoking jacket, tails, business suit, three-piece suit, "
        "two-piece suit, suited",
        "vest": "vest, waistcoat, gilet; bodywarmer, body warmer, hi-vis vest, high-visibility vest, safety "
        "vest, puffer vest, down vest, sleeveless jacket, tactical vest",
        "raincoat": "raincoat, rain jacket, waterproof coat; mac, mack, mackintosh, macintosh, cagoule, "
        "kagoul, kagool, waterproof, waterproof jacket, waterproofs, rain mac, pac-a-mac, slicker, "
        "oilskin, rain poncho, rainwear",
    },
    "top": {
        "t-shirt": "t-shirt, tee, round neck t-shirt; tee shirt, crew neck t-shirt, v-neck, football shirt, "
        "football top, soccer jersey, sports shirt, rugby top, jersey top",
        "shirt": "shirt, collared shirt, button-up shirt; button-down, button-down shirt, button down, "
        "dress shirt, oxford shirt, work shirt, lumberjack shirt, flannel shirt, denim shirt, hawaiian "
        "shirt, overshirt, rugby shirt",
        "polo shirt": "polo shirt, polo t-shirt, collared t-shirt, polo; golf shirt, tennis shirt",
        "blouse": "blouse; tunic, smock, peasant top, kurta",
        "sweater": "sweater, jumper, pullover, sweatshirt; cardigan, cardie, cardy, woolly, woolly jumper, "
        "knit, knitwear, knitted top, turtleneck, turtle neck, polo neck, roll neck, rollneck, crew neck, "
        "crewneck, fleece, fleecy, jersey, slipover, v-neck jumper, guernsey, sweat top, quarter zip, "
        "half zip, twinset",
        "hoodie": "hoodie, hooded sweatshirt, hooded top; hoody, hooded jumper, hooded sweater, zip-up "
        "hoodie, hooded fleece, sweatshirt with a hood",
        "tank top": "tank top, singlet, summer top; string vest, vest top, muscle shirt, muscle tee, muscle "
        "vest, sleeveless top, sleeveless t-shirt, camisole, cami, crop top, halter top, halterneck, tube "
        "top, boob tube, strappy top, spaghetti top, wifebeater, undershirt, sports bra, basketball top",
        "top": "top; upper garment",
        "!top": "; shirtless, topless, bare-chested, bare-chest",
    },
    "lower": {
        "trousers": "trousers, pants, full-length pants, slacks, long trousers, long pants; chinos, khakis, "
        "cords, corduroys, corduroy trousers, cargo pants, cargos, combats, combat trousers, joggers, "
        "jogging bottoms, jogging pants, track pants, tracksuit bottoms, tracksuit, trackies, trackie "
        "bottoms, tracky bottoms, shell suit, sweatpants, sweats, bottoms, dungarees, overalls, "
        "coveralls, boiler suit, jumpsuit, flares, flannels, dress pants, suit trousers, suit pants, "
        "capris, capri pants, culottes, three-quarter lengths, pantaloons, yoga pants, pyjama bottoms, "
        "pajama pants, salopettes, waders, breeches, plus fours, jodhpurs",
        "jeans": "jeans, denim jeans, jeans pants, denims, full-length jeans; denim, levis, levi's, skinny "
        "jeans, ripped jeans, bootcut, mom jeans, drainpipes",
        "leggings": "leggings, tights, stretch pants; jeggings, treggings, running tights, cycling tights, "
        "pantyhose, stockings, hose",
        "shorts": "shorts, short pants; bermudas, bermuda shorts, hot pants, hotpants, board shorts, "
        "boardshorts, cycling shorts, cut-offs, cutoffs, swim trunks, swimming trunks, trunks, running "
        "shorts, cargo shorts, daisy dukes, lederhosen, football shorts",
        "skirt": "skirt; miniskirt, mini skirt, kilt, sarong, tutu, pencil skirt, pleated skirt, maxi "
        "skirt, denim skirt",
        "dress": "dress, frock, one-piece dress; sundress, gown, ball gown, pinafore, pinafore dress, "
        "jumper dress, maxi dress, minidress, maxi, shift, nightie, nightdress, playsuit, kaftan, robe, "
        "long robe, sari, saree, kimono",
    },
    "shoes": {
        "!shoes": "; barefoot, barefooted, shoeless",
        "shoes": "shoes, shoe, footwear",
        "sneakers": "sneakers, casual shoes, sports shoes, trainers; trainer, kicks, tennis shoes, running "
        "shoes, gym shoes, plimsolls, plimsoles, pumps, runners, daps, gutties, sandshoes, sand shoes, "
        "converse, canvas shoes, high-tops, high tops, hi-tops, skate shoes, basketball shoes, deck "
        "shoes, creps, chucks, keds",
        "leather shoes": "leather shoes, formal shoes, dress shoes, laced shoes; brogues, brogue, oxfords, "
        "loafers, loafer, smart shoes, lace-ups, slip-ons, wingtips, derbies, penny loafers, court shoes, "
        "monk straps, patent shoes, boat shoes, moccasins",
        "boots": "boots, ankle boots; wellies, welly, wellie, wellington boots, wellingtons, gumboots, "
        "gumboot, rubber boots, rain boots, galoshes, doc martens, docs, dms, chelsea boots, combat "
        "boots, work boots, walking boots, hiking boots, snow boots, ugg boots, uggs, cowboy boots, "
        "knee-high boots, timberlands, moon boots",
        "sandals": "sandals, open sandals; sandal, flip-flops, flip flop, thongs, jandals, sliders, slides, "
        "slide, crocs, clogs, espadrilles, birkenstocks, mules, slippers, jesus sandals",
        "high heels": "high heels, heels, heeled shoes; stilettos, stiletto, wedges, platforms, platform "
        "shoes, kitten heels, stiletto heels, peep toes",
    },
    "hat": {
        "!hat": "; bareheaded, bare-headed",
        "hat": "hat, brimmed hat; headgear, headwear, sun hat, sunhat, bucket hat, cowboy hat, stetson, "
        "panama, panama hat, top hat, bowler hat, bowler, bush hat, beret, straw hat, hard hat, helmet, "
        "trapper hat, ushanka, deerstalker, head wrap",
        "cap": "cap, baseball cap; ball cap, snapback, trucker cap, peaked cap, flat cap, cloth cap, "
        "trucker hat, baseball hat, skullcap, skull cap, visor, newsboy cap",
        "beanie": "beanie, woollen hat, knitted hat; woolly hat, wooly hat, wool hat, woolen hat, bobble "
        "hat, pom-pom hat, toque, tuque, knit cap, stocking cap, watch cap, ski hat, knit hat, beanie "
        "hat, winter hat",
        "hood": "hood; hood up",
        "headscarf": "headscarf, head scarf; bandana, bandanna, kerchief, durag, do-rag",
    },
    "scarf": {
        "scarf": "scarf, muffler, stole; snood, neck warmer, neckerchief, shawl, pashmina, neck scarf, wrap"
    },
    "glasses": {
        "glasses": "glasses, spectacles, eyeglasses; specs, reading glasses, horn-rims, bifocals, four-eyes",
        "sunglasses": "sunglasses, goggles; shades, dark glasses, sunnies, aviators, ray-bans, raybans, "
        "wayfarers",
    },
    "bag": {
        "bag": "bag; baggage, holdall, duffel bag, duffle bag, duffel, kit bag, kitbag, gym bag, sports "
        "bag, weekend bag, sack, bin bag, bin liner, drawstring bag",
        "backpack": "backpack, rucksack; knapsack, haversack, bookbag, book bag, schoolbag, school bag, "
        "daypack, day sack, daysack, packsack, hiking pack, bergen",
        "shoulder bag": "shoulder bag, sling bag; satchel, messenger bag, messenger, crossbody, crossbody "
        "bag, cross-body bag, man bag, manbag, bum bag, bumbag, fanny pack, belt bag, waist bag, waist "
        "pack, courier bag, laptop bag, camera bag",
        "handbag": "handbag, purse; pocketbook, clutch, clutch bag, evening bag, briefcase, attache case, "
        "wristlet, vanity case",
        "tote bag": "tote bag, shopping bag, carry bag; tote, carrier bag, carrier, plastic bag, poly bag, "
        "paper bag, grocery bag, bag for life, canvas bag, supermarket bag, shopping bags, shopping, "
        "groceries, beach bag",
        "suitcase": "suitcase, trolley bag, wheeled suitcase, trolley case; trolley, wheelie case, wheelie "
        "bag, cabin case, cabin bag, carry-on, roller bag, rolling suitcase, luggage, valise, case, "
        "trunk, travel case",
    },
    "carried": {
        "umbrella": "umbrella; brolly, brollies, parasol, gamp, bumbershoot",
        "telephone": "mobile phone, phone, cell phone, mobile, telephone; cellphone, cell, smartphone, "
        "handset, iphone, android phone, moby",
        "pushchair": "pushchair, stroller, pram, baby carriage; buggy, baby buggy, perambulator, baby "
        "stroller",
        "!anything": "; empty-handed, unladen",
        "box": "box, carton, large box; parcel, package, cardboard box, crate, packing case",
        "anything": "anything; something carried, items, belongings, possessions, things, stuff",
    },
}

KINDS: dict[str, str] = {
    kind: part for part, kinds in WARDROBE.items() for kind in kinds if not kind.startswith("!")
}
"""Each kind of thing to what it is of: ``hoodie`` is a ``top``."""

CARRIED = frozenset({"bag", "carried"})
"""What is carried rather than worn."""

_NOT_SEARCHED = """
glove gloves mitten mittens tie necktie belt sock socks mask facemask watch bracelet necklace earring
earrings apron lanyard bike bicycle car van
"""
NOT_SEARCHED = frozenset(_NOT_SEARCHED.split())
"""Things that captions do not name: the colours beside them are theirs."""
