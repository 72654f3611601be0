"""Galleries of before vectors had a space and a kind, and several kinds of vectors in one gallery."""

import logging
import shutil
import sqlite3

import numpy as np
import pytest
from alembic import command
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.engine import make_url

import reid_core.gallery.database as database_module
from reid_core.errors import ModelMismatchError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter, VectorKind
from reid_core.gallery.live import LiveIndex
from reid_core.gallery.outbox import Outbox
from reid_core.gallery.postgresql import postgresql_engine
from reid_core.gallery.schema import Base, VectorRow
from reid_core.gallery.staging import Staging
from reid_core.types import CloseReason, Modality
from tests.support.gallery_world import DIM, MODEL, OTHER_MODEL, Scene, all_rows, near, unit
from tests.support.old_gallery import POLICY, answers, go_on, known_answers, unpack

NEVER = IdentityPolicy(None)
CROP, CAPTION = VectorKind.CROP, VectorKind.CAPTION
ENCODER = "c" * 64


def rows_of(url):
    """Every row by column name, whatever order the columns stand in."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in Base.metadata.sorted_tables
        }
    engine.dispose()
    return {name: sorted(map(repr, found)) for name, found in rows.items()}


def without(payload, *names):
    return {name: value for name, value in payload.items() if name not in names}


# Galleries of the version before


@pytest.fixture
def old(tmp_path):
    return unpack(tmp_path, index=True)


def test_an_old_gallery_answers_as_ever_with_the_index_it_had(old, monkeypatch, caplog):
    def forbidden(*_):
        raise AssertionError("rebuilt")

    monkeypatch.setattr(LiveIndex, "_rebuild", forbidden)
    folder = next(old.with_name("gallery.db.index").iterdir())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with Gallery.open(f"sqlite:///{old}") as gallery:
                assert answers(gallery) == known_answers()
    assert not caplog.records
    assert list(old.with_name("gallery.db.index").iterdir()) == [folder]


def test_an_old_gallery_without_its_index(old):
    shutil.rmtree(old.with_name("gallery.db.index"))
    with Gallery.open(f"sqlite:///{old}") as gallery:
        assert answers(gallery) == known_answers()
        said = [(one.id, one.space, one.kind, one.vectors, one.active) for one in gallery.models()]
    assert said == [(MODEL, MODEL, CROP, 33, True), (OTHER_MODEL, OTHER_MODEL, CROP, 5, False)]


def test_an_old_gallery_goes_on_in_the_rows_it_would_have_had(old, tmp_path):
    with Gallery.open(f"sqlite:///{old}") as gallery:
        go_on(gallery)
        events = Outbox(gallery.database).after(0, ["vectors.added"], 999)
    continued = unpack(tmp_path, "gallery_continued")
    with Gallery.open(f"sqlite:///{continued}") as gallery:
        expected = Outbox(gallery.database).after(0, ["vectors.added"], 999)
    here, there = rows_of(f"sqlite:///{old}"), rows_of(f"sqlite:///{continued}")
    here_events, there_events = here.pop("outbox"), there.pop("outbox")
    assert here == there and len(here["tracklets"]) == 23
    assert len(here_events) == len(there_events)
    # What is told of vectors says more by now.
    assert [without(one.payload, "space", "kind") for one in events] == [
        dict(one.payload) for one in expected
    ]
    assert {(one.payload["space"], one.payload["kind"]) for one in events[-6:]} == {(MODEL, CROP)}
    other = [[one for one in told if "vectors.added" not in one] for told in (here_events, there_events)]
    assert other[0] == other[1]


def test_a_stopped_reembedding_of_before_is_completed(old):
    calls = []

    def embed(crops, modality):
        calls.append(len(crops))
        return np.eye(8, dtype=np.float32)[[int(crop.mean()) % 8 for crop in crops]]

    with Gallery.open(f"sqlite:///{old}") as gallery:
        assert gallery.reembed(embed, OTHER_MODEL, batch=7) == 28 == sum(calls)
        gallery.check_space(OTHER_MODEL)
        assert {(one.id, one.vectors, one.active) for one in gallery.models()} == {
            (MODEL, 33, False),
            (OTHER_MODEL, 33, True),
        }
        assert gallery.search(np.eye(8, dtype=np.float32)[:1], OTHER_MODEL, 50).ids.shape == (1, 33)


def test_what_was_staged_before_is_admitted(old):
    with Gallery.open(f"sqlite:///{old}") as gallery:
        staging = Staging(gallery, MODEL, lambda session: None)
        [waiting] = staging.waiting(9)
        staging.admit([waiting], POLICY)
        assert staging.count() == 0 and gallery.tracklet(waiting.subject).identity is not None


def test_ids_of_vectors_that_are_gone_do_not_return(old):
    with sqlite3.connect(old) as connection:
        connection.execute("UPDATE sqlite_sequence SET seq = 100 WHERE name = 'vectors'")
    with Gallery.open(f"sqlite:///{old}") as gallery:
        gallery.add_tracklets([Scene(gallery).entry(900, unit(np.random.default_rng(1), 1))], MODEL, NEVER)
        assert gallery.newest_vector() == 101


def at_revision(url, revision, change):
    engine = create_engine(url)
    config = database_module._alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        change(config, revision)
    engine.dispose()


def test_there_and_back_again_on_sqlite(old):
    before = all_rows(old)
    Gallery.open(f"sqlite:///{old}").close()
    assert all_rows(old) != before
    at_revision(f"sqlite:///{old}", "0003", command.downgrade)
    assert all_rows(old) == before


@pytest.mark.slow
def test_an_old_gallery_on_postgresql(old, postgres):
    """The rows of the file in a server's tables of before; then as the file's."""
    at_revision(postgres, "0003", command.upgrade)
    with sqlite3.connect(old) as source:
        source.row_factory = sqlite3.Row
        engine = postgresql_engine(make_url(postgres), 30)
        with engine.begin() as target:
            target.execute(text("DELETE FROM gallery_meta"))
            for table in Base.metadata.sorted_tables:
                copied(source, target, table)
            for counted in ("vectors", "outbox", "staged"):
                counter = f"pg_get_serial_sequence('{counted}', 'id')"
                target.execute(text(f"SELECT setval({counter}, (SELECT max(id) FROM {counted}))"))
        engine.dispose()
    before = all_rows(postgres)
    with Gallery.open(f"sqlite:///{old}") as gallery, Gallery.open(postgres) as server:
        assert answers(server) == answers(gallery) == known_answers()
    assert rows_of(postgres) == rows_of(f"sqlite:///{old}")
    at_revision(postgres, "0003", command.downgrade)
    assert all_rows(postgres) == before
    for url in (postgres, f"sqlite:///{old}"):
        with Gallery.open(url) as gallery:
            go_on(gallery)
    assert rows_of(postgres) == rows_of(f"sqlite:///{old}")


def copied(source, target, table):
    """A table's rows of before, as they are declared now but for what they did not have."""
    there = source.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table.name]).fetchone()
    rows = [dict(row) for row in source.execute(f"SELECT * FROM {table.name}")] if there else []
    kept = {column.name: column.type for column in table.columns if rows and column.name in rows[0]}
    for row in rows:
        for name, kind in kept.items():
            process = kind.result_processor(sqlite_dialect, None)
            row[name] = process(row[name]) if process is not None else row[name]
    if rows:
        target.execute(insert(table).values([{name: row[name] for name in kept} for row in rows]))


sqlite_dialect = create_engine("sqlite://").dialect


# Several kinds in one gallery


@pytest.fixture
def gallery(url):
    with Gallery.open(url) as opened:
        yield opened


@pytest.fixture
def generator():
    return np.random.default_rng(31)


def caption(gallery, tracklet, vectors, model=ENCODER, space=MODEL):
    gallery.add_caption_vectors(tracklet, vectors, model=model, space=space)


def fill(gallery, generator, people):
    """A tracklet a person in the lobby, each with captions opposite to its crops; its ids."""
    scene = Scene(gallery)
    entries = [scene.entry(40 * number, near(one, generator, 2)) for number, one in enumerate(people)]
    gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.8))
    return [entry.tracklet.id for entry in entries]


def test_captions_are_read_as_they_were_written(gallery, generator):
    one, other = fill(gallery, generator, np.eye(16, dtype=np.float32)[:2])
    vectors = unit(generator, 3)
    caption(gallery, one, vectors)
    stored = gallery.caption_vectors(one, MODEL)
    assert stored.models == (ENCODER,) * 3 and stored.vectors.tobytes() == vectors.tobytes()
    assert gallery.caption_vectors(other, MODEL).models == ()
    assert gallery.caption_vectors(one, OTHER_MODEL).models == ()
    assert len(gallery.vectors(one, MODEL).vectors) == 2


def test_captions_of_one_encoder_are_written_once(gallery, url, generator):
    one, _ = fill(gallery, generator, np.eye(16, dtype=np.float32)[:2])
    caption(gallery, one, unit(generator, 2))
    before = all_rows(url)
    caption(gallery, one, unit(generator, 2))
    caption(gallery, one, unit(generator, 0), model="e" * 64)
    assert all_rows(url) == before
    caption(gallery, one, unit(generator, 1), model="d" * 64)
    assert gallery.caption_vectors(one, MODEL).models == (ENCODER, ENCODER, "d" * 64)


def test_captions_of_another_space_or_of_nobody_are_refused(gallery, url, generator):
    one, _ = fill(gallery, generator, np.eye(16, dtype=np.float32)[:2])
    before = all_rows(url)
    with pytest.raises(
        ModelMismatchError, match="holds vectors of model aaaaaaaaaaaa, not of model bbbbbbbbbbbb"
    ):
        caption(gallery, one, unit(generator, 1), space=OTHER_MODEL)
    with pytest.raises(UsageError, match="no tracklet 'nobody'"):
        caption(gallery, "nobody", unit(generator, 1))
    with pytest.raises(UsageError, match="8 dimensions, those of the gallery 16"):
        caption(gallery, one, unit(generator, 1, 8))
    with pytest.raises(UsageError, match="not of length 1"):
        caption(gallery, one, 2 * unit(generator, 1))
    assert all_rows(url) == before


def test_each_kind_is_searched_apart(gallery, generator):
    people = np.eye(16, dtype=np.float32)[:2]
    one, other = fill(gallery, generator, people)
    crops = gallery.search(people, MODEL, 10)
    caption(gallery, one, people[1:])
    caption(gallery, other, people[:1])
    again = gallery.search(people, MODEL, 10)
    assert again.ids.tolist() == crops.ids.tolist() and again.scores.tobytes() == crops.scores.tobytes()
    assert again.tracklets[:, 0].tolist() == [one, other] and all(again.sightings.ravel())
    words = gallery.search(people, MODEL, 10, kind=CAPTION)
    assert words.ids.shape == (2, 2)
    assert words.tracklets[:, 0].tolist() == [other, one] and not any(words.sightings.ravel())
    # One is from 0 ns, the other from 1,600.
    for where, found in (
        (SearchFilter(until_ns=1600), [one]),
        (SearchFilter(since_ns=1600), [other]),
        (SearchFilter(cameras=frozenset({"gate"})), []),
        (SearchFilter(modality=Modality.INFRARED), []),
        (SearchFilter(newest=5), [one]),
    ):
        assert gallery.search(people[:1], MODEL, 10, where, CAPTION).tracklets[0].tolist() == found
        assert gallery.count_identities(MODEL, where, CAPTION) == len(found)
    assert gallery.count_identities(MODEL) == 2
    with pytest.raises(UsageError, match="8 dimensions"):
        gallery.search(unit(generator, 1, 8), MODEL, kind=CAPTION)


def test_identities_are_decided_by_crops_alone(gallery, generator):
    people = np.eye(16, dtype=np.float32)[:3]
    one, other = fill(gallery, generator, people[:2])
    # Words that fit the next two tracklets to the bit, but are of somebody else.
    caption(gallery, one, people[[1, 2]])
    scene = Scene(gallery, "gate")
    entries = [scene.entry(0, people[1:2]), scene.entry(40, people[2:3])]
    second, third = gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.8))
    assert second == gallery.tracklet(other).identity
    assert third not in {gallery.tracklet(one).identity, second}
    evidence = gallery.tracklet(entries[0].tracklet.id).evidence
    assert evidence["tracklet"] == other and evidence["matched_sighting"] is not None


def test_models_are_listed_by_kind(gallery, generator):
    one, _ = fill(gallery, generator, np.eye(16, dtype=np.float32)[:2])
    caption(gallery, one, unit(generator, 3))
    assert [
        (model.id, model.space, model.kind, model.vectors, model.active) for model in gallery.models()
    ] == [
        (MODEL, MODEL, CROP, 4, True),
        (ENCODER, MODEL, CAPTION, 3, True),
    ]


def test_a_new_space_is_of_crops_alone(gallery, generator):
    """Captions do not pass for crops that are embedded, and stay behind in their space."""
    one, _ = fill(gallery, generator, np.eye(16, dtype=np.float32)[:2])
    caption(gallery, one, unit(generator, 3))
    eye = np.eye(8, dtype=np.float32)
    assert gallery.reembed(lambda crops, _: eye[: len(crops)], OTHER_MODEL) == 4
    assert gallery.search(eye[:1], OTHER_MODEL, 9, kind=CAPTION).ids.shape == (1, 0)
    caption(gallery, one, eye[:1], space=OTHER_MODEL)
    assert gallery.search(eye[:1], OTHER_MODEL, 9, kind=CAPTION).tracklets.tolist() == [[one]]
    assert len(gallery.caption_vectors(one, MODEL).models) == 3


def test_captions_go_with_their_tracklet(gallery, url, generator):
    scene = Scene(gallery)
    entry = scene.entry(0, unit(generator, 2))
    gallery.add_tracklets([entry], MODEL, NEVER)
    words = unit(generator, 2)
    caption(gallery, entry.tracklet.id, words)
    assert gallery.search(words, MODEL, 9, kind=CAPTION).ids.shape == (2, 2)
    assert gallery.remove_tracklets(scene.recording, CloseReason.TIMEOUT) == 1
    assert gallery.search(words, MODEL, 9, kind=CAPTION).ids.shape == (2, 0)
    assert all_rows(url)["vectors"] == []
    removed = Outbox(gallery.database).after(0, ["vectors.removed"], 9)
    assert sorted(one.payload["kind"] for one in removed) == [CAPTION, CROP]


def test_each_kind_has_an_index_of_its_own_on_disk(sqlite_gallery, generator, monkeypatch):
    people = np.eye(16, dtype=np.float32)[:2]

    def searched(gallery):
        found = [gallery.search(people, MODEL, 9, kind=kind) for kind in (CROP, CAPTION)]
        return [(hits.ids.tolist(), hits.tracklets.tolist(), hits.sightings.tolist()) for hits in found]

    with Gallery.open(sqlite_gallery) as gallery:
        one, other = fill(gallery, generator, people)
        caption(gallery, one, people)
        searched(gallery)
        # Both indexes are in step with what another wrote of either kind.
        with Gallery.open(sqlite_gallery) as beside:
            caption(beside, other, people)
            beside.add_tracklets([Scene(beside, "gate").entry(0, people)], MODEL, NEVER)
        told = searched(gallery)
        assert [len(ids[0]) for ids, *_ in told] == [6, 4]

    def forbidden(*_):
        raise AssertionError("rebuilt")

    monkeypatch.setattr(LiveIndex, "_rebuild", forbidden)
    with Gallery.open(sqlite_gallery) as gallery:
        assert searched(gallery) == told


def test_the_digest_over_all_vectors_tells_captions_from_crops(tmp_path, generator):
    """An index of one life of a gallery is not that of another."""
    chains = set()
    vectors = unit(generator, 1)
    for number, (model, space) in enumerate([(ENCODER, MODEL), ("d" * 64, MODEL), (None, MODEL)]):
        with Gallery.open(f"sqlite:///{tmp_path / f'{number}.db'}") as gallery:
            scene = Scene(gallery)
            entry = scene.entry(0, np.zeros((0, DIM), np.float32))
            gallery.add_tracklets([entry], MODEL, NEVER)
            if model is not None:
                caption(gallery, entry.tracklet.id, vectors, model, space)
            else:
                gallery.add_tracklets([scene.entry(40, vectors)], MODEL, NEVER)
            with gallery.database.read() as session:
                chains.add(
                    session.execute(text("SELECT value FROM gallery_meta WHERE key = 'chain'")).scalar()
                )
                assert session.scalars(select(VectorRow.id)).all() == [1]
    assert len(chains) == 3
