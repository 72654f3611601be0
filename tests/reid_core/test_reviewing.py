"""Pairs that may be one person: listed best first under numbers of their own, until people have answered."""

import numpy as np
import pytest

from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy, corrections
from reid_core.gallery.corrections import Author
from reid_core.gallery.reviewing import doubtful_pairs, number_pairs, numbered_pair
from reid_core.gallery.whereabouts import Whereabouts
from tests.support.gallery_world import MODEL, Scene

AXES = np.eye(16, dtype=np.float32)


def like(cosine, one, other):
    return (cosine * one + np.sqrt(1 - cosine**2) * other).astype(np.float32)[None]


@pytest.fixture
def hall(books):
    """Anna, who is .7 like one, .6 like another and .9 like somebody in her own picture; and a stranger."""
    with Gallery.open(books) as gallery:
        scene, gate = Scene(gallery), Scene(gallery, "gate")
        entries = [
            scene.entry(100, AXES[0][None]),
            scene.entry(200, like(0.7, AXES[0], AXES[1])),
            gate.entry(103, like(0.6, AXES[0], AXES[2])),
            scene.entry(105, like(0.9, AXES[0], AXES[3])),
            scene.entry(400, AXES[4][None]),
        ]
        ids = gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.95))
        assert len({*ids}) == 5
        yield gallery, ids, [one.tracklet.id for one in entries]


def told(gallery, **options):
    return [
        (one.identity, one.other, round(one.score, 3))
        for one in doubtful_pairs(gallery, MODEL, 0.55, **options)
    ]


def test_pairs_are_listed_until_people_answer(hall):
    gallery, (anna, likely, doubtful, twin, _), tracklets = hall
    # The twin is .9 like Anna, in whose picture she was.
    assert told(gallery) == [(anna, likely, 0.7), (likely, twin, 0.63), (anna, doubtful, 0.6)]
    pairs = doubtful_pairs(gallery, MODEL, 0.55, Whereabouts(0))
    assert [one.excluded for one in pairs] == [None, None, (tracklets[0], tracklets[2])]
    assert {pairs[0].tracklet, pairs[0].matched} == {*tracklets[:2]}
    with gallery.database.write() as session:
        numbers = number_pairs(session, pairs[1:])
        # A number is a pair's own, whatever is listed later.
        assert number_pairs(session, pairs)[pairs[1].identity, pairs[1].other] == (1, False)
        assert sorted(number for number, _ in numbers.values()) == [1, 2]
        assert numbered_pair(session, 3) == (anna, likely)
        with pytest.raises(UsageError, match="No pair 4 was listed"):
            numbered_pair(session, 4)
        number = corrections.keep_apart(session, anna, likely, Author("kim", 7))
    assert told(gallery) == [(likely, twin, 0.63), (anna, doubtful, 0.6)]
    with gallery.database.write() as session:
        corrections.undo(session, number, Author("kim", 8))
        corrections.merge(session, anna, likely, Author("kim", 9))
    # Whoever is one with Anna was in the twin's picture as well.
    assert told(gallery) == [(anna, doubtful, 0.6)]


def test_answers_are_carried_out_by_number(hall, books, command, monkeypatch, tmp_path):
    monkeypatch.setenv("NIGHTREID_AUDIT_KEY_FILE", str(tmp_path / "audit-key"))
    gallery, (anna, likely, *_), _ = hall
    pairs = doubtful_pairs(gallery, MODEL, 0.55)
    with gallery.database.write() as session:
        number_pairs(session, pairs)
    review = ("identity", "review", "--db", books, "--by", "kim")
    assert "two answers" in command(*review, "--yes", 1, "--no", 1).err
    assert command(*review, "--skip", 3, "--no", 2).status == 0
    done = command(*review, "--yes", 1)
    assert done.status == 0 and f"{likely} (1 tracklet) merged into {anna}" in done.out
    again = command(*review, "--yes", 1)
    assert again.status == 2 and f"merged it into {anna}" in again.err
    with gallery.database.write() as session:
        assert [skipped for _, skipped in number_pairs(session, pairs).values()] == [False, False, True]
