"""Questions to a gallery: by vector, by text or by both, in pages that stay what they are while it grows."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.errors import ModelMismatchError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter, VectorKind
from reid_core.matcher import Matcher
from reid_core.querying import Evidence, Query, QueryService, normalised_mean
from reid_core.types import Modality
from tests.support.gallery_world import DIM, MODEL, OTHER_MODEL, Scene, near, unit

CALIBRATION = Calibration(10.0, -5.0, 0.5, 100, 100, "made up")
PEOPLE = np.eye(DIM, dtype=np.float32)[:7]


@pytest.fixture
def gallery(books):
    with Gallery.open(books) as opened:
        yield opened


@pytest.fixture
def generator():
    return np.random.default_rng(41)


class Words:
    """A text encoder that knows the first seven numbers."""

    model_id = "c" * 64
    dim = DIM

    def __init__(self, space=MODEL):
        self.space = space
        self.asked = []

    def encode(self, texts):
        self.asked.extend(texts)
        return PEOPLE[[int(text) for text in texts]]


def fill(gallery, people, camera="lobby", start=0):
    """Everybody founds an identity; ids of identities and tracklets."""
    scene = Scene(gallery, camera)
    entries = [scene.entry(start + 40 * i, np.atleast_2d(one)) for i, one in enumerate(people)]
    return gallery.add_tracklets(entries, MODEL, IdentityPolicy(None)), [one.tracklet.id for one in entries]


def all_pages(service, query, size):
    pages, cursor = [], None
    while True:
        pages.append(service.ask(query, size, cursor))
        cursor = pages[-1].cursor
        if cursor is None:
            return pages


def told(pages):
    return [one for page in pages for one in page.identities]


def test_identities_come_ranked_with_evidence(gallery, generator):
    identities, tracklets = fill(gallery, [near(one, generator, 3) for one in PEOPLE])
    query = Query(near(PEOPLE[3], generator, 1)[0], calibration=CALIBRATION)
    answer = QueryService(gallery, MODEL).ask(query, 3)
    assert answer.searched == 7 and [one.rank for one in answer.identities] == [1, 2, 3]
    best = answer.identities[0]
    pairs = gallery.vectors(tracklets[3], MODEL)
    scores = pairs.vectors.astype(np.float64) @ query.vector.astype(np.float64)
    assert best.identity == identities[3] and best.score == np.float32(scores.max())
    sighting = pairs.sightings[int(scores.argmax())]
    assert best.evidence == Evidence(VectorKind.CROP, tracklets[3], sighting)
    assert best.probability == pytest.approx(1 / (1 + np.exp(5 - 10 * best.score)))
    plain = QueryService(gallery, MODEL).ask(replace(query, calibration=None), 3)
    assert [one.probability for one in plain.identities] == [None] * 3
    assert [one.identity for one in plain.identities] == [one.identity for one in answer.identities]


def test_a_link_is_the_answer_to_its_tracklets_query(gallery, generator):
    fill(gallery, [near(one, generator, 3) for one in PEOPLE])
    vector = unit(generator, 1)[0]
    link = Matcher(gallery, MODEL, CALIBRATION, top=4).match_vector("t", vector)
    answer = QueryService(gallery, MODEL).ask(Query(vector, calibration=CALIBRATION), 4)
    assert [
        (one.rank, one.identity, one.score, one.probability, one.tracklet, one.sighting)
        for one in link.candidates
    ] == [
        (one.rank, one.identity, one.score, one.probability, one.evidence.tracklet, one.evidence.sighting)
        for one in answer.identities
    ]


def test_an_empty_gallery_has_no_answer(gallery):
    answer = QueryService(gallery, MODEL).ask(Query(PEOPLE[0]))
    assert (answer.identities, answer.searched, answer.cursor) == ((), 0, None)


# Pages


@pytest.mark.parametrize("size", [1, 3, 7, 50])
def test_pages_are_one_long_page(gallery, generator, size):
    # People of many sightings: the first sightings fetched are of few of them.
    fill(gallery, [near(one, generator, 20, 0.3) for one in PEOPLE])
    service, query = QueryService(gallery, MODEL), Query(unit(generator, 1)[0])
    [whole] = all_pages(service, query, 1000)
    pages = all_pages(service, query, size)
    assert told(pages) == list(whole.identities) and len(whole.identities) == 7
    assert [one.rank for one in whole.identities] == [1, 2, 3, 4, 5, 6, 7]
    assert all(len(page.identities) == size for page in pages[:-1])
    assert {page.searched for page in pages} == {7}


@pytest.mark.slow
def test_equally_good_ones_go_by_their_id_over_all_pages(gallery):
    # More of them than are fetched at first, and two who are better and worse.
    identities, _ = fill(gallery, [PEOPLE[1]] + [PEOPLE[0]] * 100 + [-PEOPLE[0]])
    query = Query((PEOPLE[0] + PEOPLE[1]) / np.float32(np.sqrt(2)))
    found = [one.identity for one in told(all_pages(QueryService(gallery, MODEL), query, 9))]
    assert found == [*sorted(identities[:-1]), identities[-1]]


def test_pages_stay_what_they_are_while_the_gallery_grows(gallery, generator):
    fill(gallery, [near(one, generator, 2, 0.3) for one in PEOPLE])
    service, query = QueryService(gallery, MODEL), Query(unit(generator, 1)[0])
    [whole] = all_pages(service, query, 50)
    first = service.ask(query, 3)
    # Somebody new fits best, and so does somebody of the last page by now.
    policy = IdentityPolicy(0.99)
    last = whole.identities[-1].evidence.tracklet
    scene, seen = Scene(gallery, "gate"), gallery.vectors(last, MODEL).vectors
    entries = [scene.entry(0, query.vector[None])]
    entries.append(scene.entry(40, np.concatenate([seen, seen])))
    new, _ = gallery.add_tracklets(entries, MODEL, policy)
    second = service.ask(query, 3, first.cursor)
    third = service.ask(query, 3, second.cursor)
    assert told([first, second, third]) == list(whole.identities) and third.cursor is None
    assert (first.searched, second.searched, third.searched) == (7, 7, 7)
    # Whoever asks anew sees the new one.
    again = service.ask(query, 3)
    assert again.identities[0].identity == new and again.searched == 8


def test_a_cursor_is_of_its_query_alone(gallery, generator):
    fill(gallery, PEOPLE)
    service, query = QueryService(gallery, MODEL, Words()), Query(PEOPLE[0], "1")
    cursor = service.ask(query, 2).cursor
    assert service.ask(query, 5, cursor).identities[0].rank == 3
    for other in (
        replace(query, vector=PEOPLE[1]),
        replace(query, text="2"),
        replace(query, kind=VectorKind.CAPTION),
        replace(query, where=SearchFilter(cameras=frozenset({"lobby"}))),
    ):
        with pytest.raises(UsageError, match="cursor is of another query"):
            service.ask(other, 2, cursor)
    for word in ("", "x", "ä", cursor[:-4], base64.urlsafe_b64encode(b"{}").decode()):
        with pytest.raises(UsageError, match="cursor is damaged"):
            service.ask(query, 2, word)


# What is asked


def test_the_filter_decides_who_is_searched(gallery):
    lobby, _ = fill(gallery, PEOPLE[:3])
    gate, _ = fill(gallery, PEOPLE[3:5], "gate", start=200)
    service = QueryService(gallery, MODEL)
    for where, expected in (
        (SearchFilter(cameras=frozenset({"gate"})), gate),
        (SearchFilter(until_ns=8000), lobby),
        (SearchFilter(modality=Modality.VISIBLE, exclude_cameras=frozenset({"lobby"})), gate),
        (SearchFilter(newest=1), lobby[:1]),
    ):
        answer = service.ask(Query(PEOPLE[0], where=where))
        assert {one.identity for one in answer.identities} == set(expected)
        assert answer.searched == len(expected)
    with pytest.raises(UsageError, match="not by infrared ones"):
        service.ask(Query(PEOPLE[0], where=SearchFilter(modality=Modality.INFRARED)))


def test_infrared_tracklets_are_nobody(gallery):
    fill(gallery, PEOPLE[:2])
    entry = Scene(gallery, "yard", Modality.INFRARED).entry(0, PEOPLE[:2])
    gallery.add_tracklets([entry], MODEL, IdentityPolicy(None))
    gallery.add_caption_vectors(entry.tracklet.id, PEOPLE[:1], model=Words.model_id, space=MODEL)
    for kind, searched in ((VectorKind.CROP, 2), (VectorKind.CAPTION, 0)):
        answer = QueryService(gallery, MODEL).ask(Query(PEOPLE[0], kind=kind))
        assert (len(answer.identities), answer.searched) == (searched, searched)


def test_a_text_is_read_by_the_text_encoder_of_the_space(gallery):
    identities, tracklets = fill(gallery, PEOPLE)
    # Of the first two there are words: each the other's.
    for tracklet, words in zip(tracklets, PEOPLE[[1, 0]], strict=False):
        gallery.add_caption_vectors(tracklet, words[None], model=Words.model_id, space=MODEL)
    words = Words()
    service = QueryService(gallery, MODEL, words)
    assert service.ask(Query(text="1"), 1).identities[0].identity == identities[1]
    by_caption = service.ask(Query(text="1", kind=VectorKind.CAPTION), 9)
    assert by_caption.searched == len(by_caption.identities) == 2
    assert by_caption.identities[0].identity == identities[0]
    assert by_caption.identities[0].evidence == Evidence(VectorKind.CAPTION, tracklets[0], None)
    assert words.asked == ["1", "1"]


def test_picture_and_text_are_fused_by_a_strategy(gallery):
    identities, _ = fill(gallery, PEOPLE)
    query = Query(PEOPLE[2], "5")
    best = QueryService(gallery, MODEL, Words()).ask(query, 3).identities
    assert {one.identity for one in best[:2]} == {identities[2], identities[5]}
    assert best[0].score == best[1].score == np.float32(np.sqrt(0.5))
    only_words = QueryService(gallery, MODEL, Words(), fusion=lambda vector, text: text)
    assert only_words.ask(query, 1).identities[0].identity == identities[5]


def test_the_normalised_mean(generator):
    one, other = unit(generator, 2)
    mean = normalised_mean(one, other)
    assert mean.dtype == np.float32 and np.linalg.norm(mean) == pytest.approx(1, abs=1e-6)
    assert mean @ one == pytest.approx(mean @ other, abs=1e-6)
    assert np.array_equal(normalised_mean(one, -one), one)


def test_what_cannot_be_asked_is_refused_in_one_sentence(gallery):
    fill(gallery, PEOPLE)
    service = QueryService(gallery, MODEL)
    for query, size, said in (
        (Query(), 1, "neither a vector nor a text"),
        (Query(text="a red coat"), 1, "there is no text encoder to read it"),
        (Query(PEOPLE[0], "a red coat"), 1, "there is no text encoder to read it"),
        (Query(PEOPLE[0][:8] / np.linalg.norm(PEOPLE[0][:8])), 1, "8 dimensions"),
        (Query(PEOPLE[0]), 0, "at least 1 identity"),
    ):
        with pytest.raises(UsageError, match=said):
            service.ask(query, size)
    with pytest.raises(ModelMismatchError, match="text encoder cccccccccccc is of the space bbbbbbbbbbbb"):
        QueryService(gallery, MODEL, Words(OTHER_MODEL))
    with pytest.raises(ModelMismatchError, match="holds vectors of model aaaaaaaaaaaa"):
        QueryService(gallery, OTHER_MODEL).ask(Query(PEOPLE[0]))
