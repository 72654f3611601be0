"""A head behind a model's vectors, and a gallery that compares by one."""

import numpy as np
import pytest
from alembic import command
from sqlalchemy import create_engine

from reid_core.errors import GalleryError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery import database as database_module
from reid_core.gallery.standardisations import Learned, Standardisation
from reid_core.gallery.standardise import LEAST_TRACKLETS, as_seen, put_in_force, standardise
from reid_core.heads import Head
from reid_core.types import Modality
from tests.support.gallery_world import DIM, MODEL, Scene, all_rows, unit

FORM = "mean(10)"


def head():
    return Head.of(np.random.default_rng(7).standard_normal((DIM, DIM)))


def fill(gallery):
    draw = np.random.default_rng(3)
    scene = Scene(gallery, "hall")
    entries = [scene.entry(20 * i, unit(draw, 2)) for i in range(LEAST_TRACKLETS)]
    gallery.add_tracklets(entries, gallery.comparing(MODEL), IdentityPolicy(None))
    return entries


def adapted(gallery):
    made, _ = as_seen(gallery.database, MODEL, FORM)
    found = Standardisation.of(MODEL, FORM, made.cameras, Learned(head(), made.space, {"groups": 3}))
    put_in_force(gallery.database, found)
    return found


def test_a_vector_is_turned_alike_alone_and_with_others():
    vectors = unit(np.random.default_rng(1), 37)
    found = head().apply(vectors)
    wanted = vectors @ head().matrix
    assert np.allclose(found, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)
    for start in range(len(vectors)):
        assert np.array_equal(head().apply(vectors[start : start + 3]), found[start : start + 3])
    assert head().apply(vectors[:0]).shape == (0, DIM)


def test_what_a_head_takes_away_stays_as_it_was():
    vectors = np.eye(DIM, dtype=np.float32)
    blind = np.eye(DIM)
    blind[3, 3] = 0
    assert np.array_equal(Head.of(blind).apply(vectors), vectors)


def test_vectors_of_another_length_are_refused():
    with pytest.raises(UsageError, match="8 dimensions, the head 16"):
        head().apply(unit(np.random.default_rng(1), 2, 8))


@pytest.mark.parametrize("data", [b"", b"abc", b"\0" * 8, np.full(4, np.nan, "<f4").tobytes()])
def test_a_damaged_head_is_told(data):
    with pytest.raises(GalleryError, match="damaged"):
        Head.from_bytes(data)


def test_a_head_is_kept_to_the_bit():
    assert Head.from_bytes(head().to_bytes()).digest == head().digest
    assert np.array_equal(Head.from_bytes(head().to_bytes()).matrix, head().matrix)


def test_a_space_is_named_after_its_head():
    with Gallery.open("sqlite://") as gallery:
        fill(gallery)
        made, _ = as_seen(gallery.database, MODEL, FORM)
    names = {made.space}
    for learned in (
        Learned(head(), MODEL),
        Learned(head(), made.space),
        Learned(Head.of(np.eye(DIM)), MODEL),
    ):
        names.add(Standardisation.of(MODEL, FORM, made.cameras, learned).space)
    assert len(names) == 4
    assert made.calibrated_form == FORM
    assert Standardisation.of(MODEL, FORM, made.cameras, Learned(head(), MODEL)).calibrated_form is None


def test_another_process_finds_the_head(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Gallery.open(url) as gallery:
        entries = fill(gallery)
        made = adapted(gallery)
    monkeypatch.setattr("reid_core.gallery.standardisations._KNOWN", {})
    with Gallery.open(url) as gallery:
        found = gallery.standardisation(gallery.comparing(MODEL))
        assert found.learned.parent == made.learned.parent and found.learned.report == {"groups": 3}
        assert np.array_equal(
            found.apply(entries[0].vectors, Modality.VISIBLE, "hall"),
            made.apply(entries[0].vectors, Modality.VISIBLE, "hall"),
        )


def test_standardising_anew_leaves_what_was_learned_behind_and_says_so():
    with Gallery.open("sqlite://") as gallery:
        fill(gallery)
        first = standardise(gallery.database, MODEL, FORM)
        assert not any("adapt" in note for note in first.notes)
        adapted(gallery)
        again = standardise(gallery.database, MODEL, FORM)
        assert any("adapt again" in note for note in again.notes)
        assert again.version == first.version and gallery.comparing(MODEL) == first.standardisation.space


def to_revision(url, revision, change):
    engine = create_engine(url)
    config = database_module._alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        change(config, revision)
    engine.dispose()


def test_before_heads_there_were_none(tmp_path):
    """A step back leaves the model's vectors and the versions without a head."""
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Gallery.open(url) as gallery:
        entries = fill(gallery)
        made = adapted(gallery)
    to_revision(url, "0016", command.downgrade)
    rows = all_rows(tmp_path / "gallery.db")
    assert "heads" not in rows and not any(made.space in row for row in rows["standardisations"])
    with Gallery.open(url) as gallery:
        assert gallery.comparing(MODEL) == MODEL
        stored = gallery.vectors(entries[0].tracklet.id, MODEL).vectors
        assert np.array_equal(stored, entries[0].vectors)


@pytest.mark.slow
def test_both_databases_compare_alike(postgres):
    found = []
    with Gallery.open("sqlite://") as file, Gallery.open(postgres) as server:
        for gallery in (file, server):
            entries = fill(gallery)
            space = adapted(gallery).space
            late = Scene(gallery, "hall").entry(9000, entries[4].vectors)
            owner = gallery.add_tracklets([late], space, IdentityPolicy(0.9))
            hits = gallery.search(gallery.vectors(late.tracklet.id, space).vectors, space, 20)
            found.append((space, owner, hits.ids.tolist(), hits.scores.tolist()))
    assert found[0] == found[1]
