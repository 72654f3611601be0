"""Mix-retrieve: of similarities, and over a gallery."""

import numpy as np
import pytest

from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter, VectorKind
from reid_core.querying.mixing import kept_by_text
from reid_core.querying.ranking import ranked_in
from reid_core.ranking.mixing import MixRetrieve, mix_retrieve, parse_mix
from tests.support.gallery_world import DIM, MODEL, Scene

IMAGES = np.array([[0.9, 0.1, 0.5, 0.3], [0.2, 0.4, 0.6, 0.8]])
TEXTS = np.array([[0.0, 0.3, 0.2, 0.1], [1.0, 0.0, 0.0, 0.0]])


def ranked(share):
    return np.argsort(-mix_retrieve(IMAGES, TEXTS, share), axis=1, kind="stable").tolist()


def test_what_the_text_keeps_is_ranked_by_the_image_before_all_else():
    # The first query's text keeps 1 and 2; the second one's 0, and of equal ones the first, 1.
    assert ranked(0.5) == [[2, 1, 0, 3], [1, 0, 3, 2]]
    assert ranked(1.0) == np.argsort(-IMAGES, axis=1).tolist()
    # Half of three is two: rounded up.
    assert (np.argsort(-mix_retrieve(IMAGES[:, :3], TEXTS[:, :3], 0.5), axis=1)[0] == [2, 1, 0]).all()


def test_seven_of_a_hundred_are_seven():
    images, texts = np.zeros((1, 100)), np.arange(100.0)[None]
    assert (mix_retrieve(images, texts, 0.07) == 0).sum() == 7


@pytest.mark.parametrize("share", [0, -0.5, 1.5, float("nan")])
def test_a_share_is_above_0_and_at_most_1(share):
    with pytest.raises(UsageError, match="share above 0"):
        mix_retrieve(IMAGES, TEXTS, share)


def test_names_are_written_one_way():
    assert parse_mix("mix-retrieve(0.5)") == MixRetrieve(0.5) and parse_mix("fused") is None
    assert parse_mix(MixRetrieve(0.25).id) == MixRetrieve(0.25)
    for text, said in (
        ("mix-retrieve(.5)", "is written mix-retrieve(0.5)"),
        ("mix-retrieve(1.2.3)", "keeps no share"),
    ):
        with pytest.raises(UsageError, match=said.replace("(", r"\(").replace(")", r"\)")):
            parse_mix(text)


def test_shapes_must_agree():
    with pytest.raises(UsageError, match="shape"):
        mix_retrieve(IMAGES, TEXTS[:1], 0.5)


@pytest.mark.slow
def test_a_text_narrows_whom_an_image_ranks_in_a_gallery(url):
    people = np.eye(DIM, dtype=np.float32)[:7]
    with Gallery.open(url) as gallery:
        scene = Scene(gallery, "lobby")
        entries = [scene.entry(40 * place, one[None]) for place, one in enumerate(people)]
        ids = gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
        # The image is most like 0, then 1, 2 ...; the text most like 6, then 5, 4 ...
        falling = np.zeros(DIM, np.float32)
        falling[:7] = np.arange(7, 0, -1)
        image = falling / np.linalg.norm(falling)
        text = np.roll(falling[::-1], 7 - DIM)
        text = text / np.linalg.norm(text)
        assert np.argsort(-text[:7]).tolist() == [6, 5, 4, 3, 2, 1, 0]

        def asked(count, mix=None, where=None):
            where = where or SearchFilter()
            kept = kept_by_text(gallery, text, MODEL, where, VectorKind.CROP, mix or MixRetrieve())
            for with_ties in (False, True):
                with gallery.reading(MODEL, VectorKind.CROP) as (session, store):
                    found = ranked_in(session, store, image, count, where, with_ties=with_ties, among=kept)
                assert [ids.index(one.identity) for one in found] == sorted(map(ids.index, kept))[:count]
            return [ids.index(one.identity) for one in found]

        # Four of seven are kept, best image first.
        assert asked(10) == [3, 4, 5, 6] and asked(2) == [3, 4]
        assert asked(10, MixRetrieve(1.0)) == list(range(7))
        assert asked(1, MixRetrieve(0.1)) == [6]
        assert asked(3, where=SearchFilter(cameras=frozenset({"nowhere"}))) == []
