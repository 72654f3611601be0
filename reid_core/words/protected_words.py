"""The words of `reid_core.words.protected`; commas part those of several words."""

ORIGINS = """
african american, afro-american, african, afro-caribbean, caribbean, west indian, asian, south asian, east
asian, southeast asian, eurasian, oriental, arab, arabic, arabian, middle eastern, far eastern, north
african, east african, west african, european, eastern european, east european, western european,
mediterranean, scandinavian, nordic, caucasian, hispanic, latino, latina, latinx, latin american, south
american, native american, american indian, first nations, aboriginal, indigenous, maori, polynesian,
pacific islander, inuit, eskimo, slavic, slav, anglo-saxon, mixed race, mixed-heritage, biracial,
multiracial, non-white, ethnic, ethnic minority, gypsy, gipsy, romani, roma, romany, afghan, albanian,
algerian, american, angolan, argentinian, armenian, australian, austrian, azerbaijani, bangladeshi,
bengali, belarusian, belgian, bolivian, bosnian, brazilian, british, bulgarian, burmese, cambodian,
cameroonian, canadian, chechen, chilean, chinese, colombian, congolese, croatian, cuban, cypriot, czech,
danish, dominican, dutch, ecuadorian, egyptian, english, eritrean, estonian, ethiopian, filipino,
filipina, finnish, french, gambian, georgian, german, ghanaian, greek, guatemalan, haitian, hawaiian,
hungarian, icelandic, indian, indonesian, iranian, iraqi, irish, israeli, italian, ivorian, jamaican,
japanese, jordanian, kashmiri, kazakh, kenyan, korean, kosovan, kurd, kurdish, kuwaiti, latvian, lebanese,
liberian, libyan, lithuanian, macedonian, malaysian, malay, malian, mexican, moldovan, mongolian,
montenegrin, moroccan, nepalese, nepali, nicaraguan, nigerian, norwegian, pakistani, palestinian,
panamanian, paraguayan, persian, peruvian, pole, polish, portuguese, puerto rican, punjabi, romanian,
russian, rwandan, saudi, scottish, senegalese, serbian, serb, sicilian, sierra leonean, singaporean,
slovak, slovenian, somali, spanish, sri lankan, sudanese, swede, swedish, swiss, syrian, taiwanese, tajik,
tamil, tanzanian, thai, tibetan, tunisian, turk, turkish, ugandan, ukrainian, uruguayan, uzbek,
venezuelan, vietnamese, welsh, yemeni, zambian, zimbabwean, negro, negroid, foreign, paki, chink, gook,
spic, wetback, nigger, nigga, wog, dago, pikey
"""
SKIN = "black white brown yellow dark pale fair tanned tan olive ebony swarthy dusky light coloured colored"
RELIGIONS = """
muslim, moslem, islamic, islamist, christian, catholic, roman catholic, protestant, evangelical, orthodox
jewish, jewish, jew, hasidic, chassidic, hindu, buddhist, sikh, mormon, amish, quaker, rastafarian, rasta,
atheist, jain, shia, sunni, jehovah's witness, religious, nun, monk, priest, rabbi, imam, vicar, pastor,
kike
"""
CONDITIONS = """
disabled, handicapped, crippled, paraplegic, quadriplegic, blind, partially sighted, visually impaired,
deaf, hard of hearing, mute, autistic, diabetic, epileptic, pregnant, heavily pregnant, anorexic, bulimic,
anaemic, anemic, schizophrenic, bipolar, psychotic, demented, senile, mentally ill, mentally disabled,
depressed, alcoholic, drunk, drunken, intoxicated, drugged, sick, sickly, ill, unwell, infected,
hiv-positive, lame, retarded, spastic, insane, arthritic, asthmatic, cancer-stricken, amputee,
drug-addicted, one-legged, one-armed
"""
AIDS = """
wheelchair, wheelchair user, crutch, crutches, walking stick, walking sticks, white stick, white cane,
walking cane, cane, walking frame, zimmer frame, zimmer, rollator, prosthesis, prosthetic leg, prosthetic
arm, artificial leg, artificial limb, hearing aid, hearing aids, insulin pump, oxygen mask, oxygen bottle,
limp, limping, limps, limped, down's syndrome, down syndrome, dementia, alzheimer's, autism, epilepsy,
diabetes, mental illness, mental health problems, depression, disability, guide dog, colostomy bag,
mobility scooter, leg brace, neck brace
"""
ORIENTATIONS = """
gay, lesbian, bisexual, homosexual, heterosexual, transgender, transgendered, transsexual, trans, queer,
transvestite, non-binary, faggot, dyke, tranny
"""
OPINIONS = """
communist, fascist, nazi, neo-nazi, socialist, marxist, anarchist, right-wing, left-wing, far-right,
far-left, trade unionist, trade union member, union member, tory
"""
STATUS = """
immigrant, immigrants, illegal immigrant, migrant, migrants, refugee, refugees, asylum seeker, asylum
seekers, foreigner, foreigners, person of colour, black people, white people
"""
NEUTRAL = {
    "hijab": "headscarf",
    "hijabs": "headscarves",
    "niqab": "headscarf",
    "chador": "headscarf",
    "burqa": "long robe",
    "burka": "long robe",
    "abaya": "long robe",
    "jilbab": "long robe",
    "cassock": "long robe",
    "turban": "head wrap",
    "turbans": "head wraps",
    "kippah": "cap",
    "kippa": "cap",
    "yarmulke": "cap",
    "crucifix": "necklace",
    "rosary": "necklace",
}
"""Garments that tell a religion, and what is seen of them."""
PERSONS = """
man men woman women boy boys girl girls male males female females guy guys person persons people
pedestrian pedestrians lady ladies gentleman gentlemen gent gents child children kid kids youth youths
teenager teenagers teen teens adult adults individual individuals bloke blokes chap chaps lad lads lass
lasses dude dudes fella fellas fellow youngster youngsters toddler toddlers suspect suspects folk folks
couple family student students worker workers pensioner pensioners granny grandma grandpa grandad mother
father mum mom dad passenger customer stranger tourist tourists cyclist runner jogger driver officer
passer-by gal gals geezer geezers schoolboy schoolgirl twins
"""
BETWEEN = """
young old older elderly middle-aged tall short slim thin slender skinny fat heavy heavyset stocky big
large small little well-dressed teenage adult bald handsome pretty beautiful scruffy muscular athletic
attractive good-looking unknown average normal medium-built well-built smart professional homeless single
"""
THINGS_OF_PEOPLE = """
jacket jackets coat coats shirt shirts t-shirt t-shirts blouse top tops sweater jumper hoodie suit dress
dresses skirt skirts trousers pants jeans shorts leggings tights shoes shoe boots boot trainers sneakers
sandals heels hat cap beanie scarf gloves bag bags handbag backpack rucksack purse umbrella seat carriage
buggy stroller carrier uniform shorts clothes clothing watch glasses sunglasses bike bicycle socks
underwear sweatshirt vest waistcoat tie
"""
