"""Pictures and captions searched together by one text: neither loses its best to the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter, VectorKind
from reid_core.querying import Form, Query, QueryService
from reid_core.querying.ranking import RankedMatch, ranked_identities
from reid_core.querying.together import EXACT, SAME, together
from reid_core.size_law import SizeLaw
from tests.support.gallery_world import DIM, MODEL, Scene, near, unit

LAW = SizeLaw(20.0, -8.0, 1.0, 0.1, 0.9, 0.12, -0.2, rate=0.1, smallest=5, largest=80)
CALIBRATION = Calibration(10.0, -5.0, 0.5, 100, 100, "made up", sizes=LAW)


class Words:
    """A text encoder of one text."""

    model_id = "c" * 64
    space, dim = MODEL, DIM

    def __init__(self, vector):
        self.vector = vector

    def encode(self, texts):
        assert list(texts) == ["a red coat."]
        return self.vector[None]


ASKED = Query(text="a red coat.", kind=None, form=Form.TEXT)


def match(identity, score):
    return RankedMatch(identity, score, f"t{identity}", "")


# The rule


@st.composite
def two_lists(draw):
    """Pictures of everybody and captions of some, with few different scores and some exact ones."""
    people = [f"p{number:02d}" for number in range(draw(st.integers(1, 40)))]
    scores = st.sampled_from([0.1, 0.2, 0.2 + SAME / 20, 0.3, 0.7, 1.0])
    pictures = [match(one, draw(scores)) for one in people]
    captions = [match(one, draw(scores)) for one in people if draw(st.booleans())]
    return pictures, captions


@given(two_lists())
def test_whoever_is_among_the_first_of_either_list_stays_there(lists):
    pictures, captions = lists
    found = [one.match.identity for one in together(*lists)]
    assert sorted(found) == sorted(one.identity for one in pictures)
    for one in (pictures, captions):
        ranked = sorted(one, key=lambda each: (-each.score, each.identity))
        for place, each in enumerate(ranked):
            # Those that score as it does may come before it.
            level = sum(other.score >= each.score - SAME for other in ranked)
            assert found.index(each.identity) < 2 * max(place + 1, level)
        best = {each.identity for each in ranked if each.score >= ranked[0].score - SAME}
        assert not best or best & set(found[:2])


def test_an_exact_caption_of_somebody_whose_pictures_fit_least_comes_first():
    pictures = [match(f"p{number:02d}", 0.9 - number / 100) for number in range(70)]
    captions = [match("p69", 1.0), match("p03", 0.8), match("p05", 0.7)]
    found = together(pictures, captions)
    assert [one.match.identity for one in found[:6]] == ["p69", "p00", "p01", "p03", "p02", "p05"]
    assert (found[0].kind, found[1].kind) == (VectorKind.CAPTION, VectorKind.CROP)
    # Not exact: the pictures' first comes before it.
    nearly = together(pictures, [match("p69", EXACT - 1e-3)])
    assert [one.match.identity for one in nearly[:2]] == ["p00", "p69"]


def test_captions_that_say_the_same_are_in_the_order_of_the_pictures():
    pictures = [match(f"p{number:02d}", 0.5 + number / 100) for number in range(20)]
    # They differ in the last bits only, as one text's vector does between batches.
    captions = [match("p02", 1.0), match("p15", 1.0 - SAME / 20), match("p11", 1.0 - SAME / 10)]
    found = [one.match.identity for one in together(pictures, captions)]
    assert found[:5] == ["p15", "p19", "p11", "p18", "p02"]


# The service


@pytest.fixture
def gallery(books):
    with Gallery.open(books) as opened:
        yield opened


def fill(gallery, pictures, captions):
    """One identity for each picture; captions by its place."""
    scene = Scene(gallery)
    entries = [scene.entry(40 * i, np.atleast_2d(one)) for i, one in enumerate(pictures)]
    identities = gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
    for place, vector in captions.items():
        tracklet = entries[place].tracklet.id
        gallery.add_caption_vectors(tracklet, vector[None], model=Words.model_id, space=MODEL)
    return identities


@pytest.mark.slow
def test_pages_of_both_are_one_long_page_whose_chances_sum_to_one(gallery):
    draw = np.random.default_rng(7)
    text = unit(draw, 1)[0]
    pictures = [near(text, draw, 2, noise) for noise in np.linspace(0.1, 1.5, 90)]
    # Many say the very same, the last exactly what is asked.
    same = near(text, draw, 1, 0.2)[0]
    captions = dict.fromkeys(range(20, 40), same) | {89: text}
    captions |= {place: near(text, draw, 1, 1 + place / 60)[0] for place in range(60, 80)}
    identities = fill(gallery, pictures, captions)
    service = QueryService(gallery, MODEL, Words(text))
    query = Query(text="a red coat.", kind=None, form=Form.TEXT, calibration=CALIBRATION)
    whole = service.ask(query, 90)
    assert whole.identities[0].identity == identities[89]
    assert whole.identities[0].evidence.kind is VectorKind.CAPTION and whole.identities[0].score > EXACT
    assert (whole.searched, whole.captioned, whole.cursor) == (90, 41, None)
    assert whole.unknown + sum(one.probability for one in whole.identities) == pytest.approx(1)
    lists = [ranked_identities(gallery, text, MODEL, 1000, SearchFilter(), kind) for kind in VectorKind]
    expected = [one.match.identity for one in together(*lists)]
    assert [one.identity for one in whole.identities] == expected
    pages, cursor = [], None
    for size in (1, 2, 7, 30, 50):
        pages.append(service.ask(query, size, cursor))
        cursor = pages[-1].cursor
    told = [(one.rank, one.identity, one.score, one.evidence) for page in pages for one in page.identities]
    assert told == [(one.rank, one.identity, one.score, one.evidence) for one in whole.identities]
    assert cursor is None
    seen = [one for page in pages[:3] for one in page.identities]
    assert pages[2].unknown == pytest.approx(1 - sum(one.probability for one in seen), abs=1e-6)
    # A picture's chance is what it is without captions.
    alone = service.ask(Query(text="a red coat.", calibration=CALIBRATION), 5)
    chances = {one.identity: one.probability for one in whole.identities}
    assert [one.probability for one in alone.identities] == pytest.approx(
        [chances[one.identity] for one in alone.identities]
    )


def test_without_captions_it_is_the_pictures_answer(gallery):
    draw = np.random.default_rng(8)
    text = unit(draw, 1)[0]
    fill(gallery, unit(draw, 12), {})
    service = QueryService(gallery, MODEL, Words(text))
    both, pictures = service.ask(ASKED, 12), service.ask(Query(text="a red coat."), 12)
    assert both.identities == pictures.identities and both.captioned == 0 and pictures.captioned is None
    assert both.unknown is None


def test_only_a_text_is_compared_with_captions(gallery):
    with pytest.raises(UsageError, match="for a text alone"):
        QueryService(gallery, MODEL).ask(Query(np.eye(DIM, dtype=np.float32)[0], kind=None))
