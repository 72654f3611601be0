"""What only a server can do to a gallery: other writers, restarts, refusals, its own types."""

import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

import reid_core.gallery.database as database_module
import reid_core.gallery.postgresql as postgresql_module
from reid_core.errors import (
    ConfigError,
    DatabaseAwayError,
    DatabaseBusyError,
    DiskFullError,
    GalleryError,
    MissingDependencyError,
    StorageError,
    UsageError,
)
from reid_core.gallery import Gallery, IdentityPolicy, writing
from reid_core.gallery.failures import translated
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, Scene, unit
from tests.support.tables import whole_schema

NEVER = IdentityPolicy(None)


@pytest.fixture
def generator():
    return np.random.default_rng(5)


@pytest.fixture
def gallery(postgres_gallery):
    with Gallery.open(postgres_gallery) as opened:
        yield opened


@contextmanager
def other_writer(url):
    """Somebody who is at work in the gallery and does not end."""
    with Gallery.open(url) as other, other.database.write() as session:
        session.execute(text("SELECT 1"))
        yield


def run(url, *statements):
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def taken(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


# Schema


def test_the_migrations_make_the_schema(gallery, postgres_gallery):
    with create_engine(postgres_gallery).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, whole_schema()) == []
        kind = "SELECT udt_name FROM information_schema.columns WHERE table_name = 'vectors'"
        assert "vector" in connection.execute(text(kind)).scalars().all()


def test_vectors_that_were_bytes_are_converted_without_loss(postgres, generator):
    """And back again."""
    engine = create_engine(postgres)
    config = database_module._alembic_config()
    vectors = unit(generator, 2500, 5)
    vectors[7, 2] = -0.0
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        rows = [
            (i, f"s{i}", "t", "c", "visible", 0, MODEL, 5, vector.tobytes())
            for i, vector in enumerate(vectors, start=1)
        ]
        for statement in (
            "INSERT INTO cameras VALUES ('c', 'visible', 'visible', 0)",
            "INSERT INTO recordings VALUES ('r', 'c', '', 0, 0, 0, 0, 0, 0, '{}', '', NULL, '', '')",
            "INSERT INTO tracklets VALUES"
            " ('t', 1, 'r', 'c', 'visible', 0, 0, 0, 0, 1, 'end', '', NULL, '{}')",
            "INSERT INTO sightings SELECT 's' || i, 't', i, 0, 0, 0, 0, 0, 0, 0, 0, ''"
            " FROM generate_series(1, 2500) AS i",
        ):
            connection.exec_driver_sql(statement)
        columns = "id, sighting_id, tracklet_id, camera_id, modality, time_ns, model_id, dim, data"
        connection.exec_driver_sql(f"INSERT INTO vectors ({columns}) VALUES ({', '.join(['%s'] * 9)})", rows)
    Gallery.open(postgres).close()
    with engine.begin() as connection:
        stored = dict(map(tuple, connection.exec_driver_sql("SELECT id, data::text FROM vectors")))
    assert len(stored) == 2500
    assert np.array_equal(np.fromstring(stored[8][1:-1], np.float32, sep=","), vectors[7])
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        back = dict(map(tuple, connection.exec_driver_sql("SELECT id, data FROM vectors")))
    assert [back[i] for i in range(1, 2501)] == [vector.tobytes() for vector in vectors]
    engine.dispose()


def test_a_server_without_pgvector_is_named(postgres):
    # The catalogue as a server without the extension has it.
    run(
        postgres,
        "CREATE VIEW pg_available_extensions AS SELECT * FROM pg_catalog.pg_available_extensions WHERE false",
        f"ALTER DATABASE {postgres.rpartition('/')[2]} SET search_path = public, pg_catalog",
    )
    with pytest.raises(MissingDependencyError, match="server has no pgvector extension"):
        Gallery.open(postgres)
    run(postgres, "DROP VIEW pg_available_extensions")
    Gallery.open(postgres).close()


def test_a_user_who_may_not_create_the_extension_is_told_what_to_do(postgres_server, postgres):
    name = postgres.rpartition("/")[2]
    run(postgres, f"CREATE ROLE worker_of_{name} LOGIN", f"ALTER DATABASE {name} OWNER TO worker_of_{name}")
    url = postgres.replace("postgres@", f"worker_of_{name}@")
    with pytest.raises(GalleryError, match="may not create the extension") as caught:
        Gallery.open(url)
    assert "CREATE EXTENSION vector" in caught.value.hint
    run(postgres, "CREATE EXTENSION vector")
    Gallery.open(url).close()
    run(postgres, f"DROP OWNED BY worker_of_{name} CASCADE", f"ALTER DATABASE {name} OWNER TO postgres")
    run(postgres, f"DROP ROLE worker_of_{name}")


def test_a_server_with_other_tables_keeps_them(postgres):
    run(postgres, "CREATE TABLE songs (id int)")
    Gallery.open(postgres).close()
    run(postgres, "DROP TABLE songs")


def test_somebody_elses_cameras_are_left_alone(postgres):
    run(postgres, "CREATE TABLE cameras (id int)")
    with pytest.raises(GalleryError, match="something other than a gallery"):
        Gallery.open(postgres)


def test_several_open_an_empty_database_at_once(postgres):
    failures = []

    def work():
        try:
            with database_module.Database(postgres).write() as session:
                session.execute(text("SELECT 1 FROM cameras"))
        except Exception as error:
            failures.append(error)

    _at_once([work] * 3)
    assert failures == []


# Writers and readers


def test_readers_wait_for_no_writer(gallery, postgres_gallery, generator):
    vectors = unit(generator, 3)
    gallery.add(vectors, camera="a", modality=Modality.VISIBLE, time_ns=[1, 2, 3], model=MODEL)
    failures = []
    with gallery.writing(MODEL) as (session, store):
        entry = Scene.entry(_scene_in(session, gallery), 0, unit(generator, 2))
        writing.add_tracklet(session, store, entry, NEVER)

        def read():
            # The very gallery that is being written, and another.
            with Gallery.open(postgres_gallery) as other:
                for each in (gallery, other):
                    if each.search(vectors, MODEL, 10).ids.shape != (3, 3) or len(each.tracklets()) != 3:
                        failures.append("saw what is not committed")

        assert taken(lambda: _at_once([read])) < 10
        # What is written can be found in its own transaction.
        assert store.search(session, vectors, 10, None).ids.shape == (3, 5)
    assert failures == []
    assert gallery.search(vectors, MODEL, 10).ids.shape == (3, 5)


def test_a_reader_sees_one_moment(gallery, generator):
    times = {"camera": "a", "modality": Modality.VISIBLE, "model": MODEL}
    gallery.add(unit(generator, 3), time_ns=[1, 2, 3], **times)
    with gallery.database.read() as session:
        count = text("SELECT count(*) FROM vectors")
        assert session.scalar(count) == 3
        gallery.add(unit(generator, 2), time_ns=[4, 5], **times)
        assert session.scalar(count) == 3


def test_a_writer_who_does_not_end_is_named(gallery, postgres_gallery, monkeypatch):
    with other_writer(postgres_gallery):
        monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.2)
        with (
            Gallery.open(postgres_gallery) as waiting,
            pytest.raises(DatabaseBusyError, match="in use by another program") as caught,
        ):
            Scene(waiting)
    assert caught.value.transient
    Scene(gallery)


def test_a_writer_who_stops_in_the_middle_loses_its_turn(postgres_gallery, monkeypatch, generator):
    monkeypatch.setattr(postgresql_module, "_IDLE_SECONDS", 0.3)
    with Gallery.open(postgres_gallery) as asleep, Gallery.open(postgres_gallery) as awake:
        scene = Scene(awake)
        lost, kept = scene.entry(0, unit(generator, 2)), scene.entry(50, unit(generator, 2))
        with (
            pytest.raises(DatabaseAwayError, match="idle-in-transaction") as caught,
            asleep.writing(MODEL) as (session, store),
        ):
            writing.add_tracklet(session, store, lost, NEVER)
            # It is as if this process were suspended: the other gets its turn meanwhile.
            awake.add_tracklets([kept], MODEL, NEVER)
            session.execute(text("SELECT 1"))
        assert caught.value.transient
        assert [each.id for each in asleep.tracklets()] == [kept.tracklet.id]
        asleep.add_tracklets([lost], MODEL, NEVER)
        assert [each.position for each in awake.tracklets()] == [1, 2]


@pytest.mark.slow
def test_two_reembed_at_once(gallery, postgres_gallery, generator):
    scene = Scene(gallery)
    gallery.add_tracklets([scene.entry(20 * i, unit(generator, 4)) for i in range(5)], MODEL, NEVER)
    directions = unit(generator, 30, 6)
    failures, counts = [], []
    met = threading.Barrier(2, timeout=20)

    def embed(crops, _modality):
        # Both have read the same page before either writes.
        if len(counts) < 2:
            counts.append(len(crops))
            met.wait()
        return directions[[int(crop.mean()) // 10 for crop in crops]]

    def work():
        try:
            with Gallery.open(postgres_gallery) as mine:
                mine.reembed(embed, "c" * 64, batch=7)
        except Exception as error:
            failures.append(error)

    _at_once([work, work])
    assert failures == []
    assert {(model.id, model.vectors, model.active) for model in gallery.models()} == {
        (MODEL, 20, False),
        ("c" * 64, 20, True),
    }


# Failures


@pytest.mark.slow
def test_a_restarted_server_is_used_again(own_postgres, generator, monkeypatch):
    monkeypatch.setattr(postgresql_module, "_CONNECT_SECONDS", 2)
    url = own_postgres.fresh_database()
    vectors = unit(generator, 2)
    with Gallery.open(url) as gallery:
        scene = Scene(gallery)
        entry = scene.entry(0, vectors)
        gallery.add_tracklets([entry], MODEL, NEVER)
        own_postgres.restart()
        assert gallery.search(vectors, MODEL, 5).ids.shape == (2, 2)
        lost = scene.entry(50, vectors)
        with (
            pytest.raises(DatabaseAwayError, match=r"connection to the database .* broke") as caught,
            gallery.writing(MODEL) as (session, store),
        ):
            writing.add_tracklet(session, store, lost, NEVER)
            own_postgres.kill()
        assert caught.value.transient and caught.value.code == "gallery-away"
        with pytest.raises(DatabaseAwayError, match="cannot be reached: Connection refused"):
            gallery.search(vectors, MODEL)
        with pytest.raises(DatabaseAwayError, match="cannot be reached"):
            Gallery.open(url)
        own_postgres.start()
        assert [each.id for each in gallery.tracklets()] == [entry.tracklet.id]
        gallery.add_tracklets([lost], MODEL, NEVER)
        assert gallery.search(vectors, MODEL, 5).ids.shape == (2, 4)
        gallery.database.close()
        own_postgres.freeze()
        try:
            with pytest.raises(DatabaseAwayError, match="timeout expired"):
                gallery.search(vectors, MODEL)
        finally:
            own_postgres.thaw()


@pytest.mark.slow
def test_who_is_not_let_in_is_told_why(own_postgres, tmp_path, monkeypatch):
    url = own_postgres.fresh_database()
    run(url, "CREATE ROLE ann LOGIN PASSWORD 'right'", "CREATE ROLE ben LOGIN")
    rules = own_postgres.folder / "data/pg_hba.conf"
    rules.write_text(
        "host all ann 127.0.0.1/32 scram-sha-256\nhost all ben 127.0.0.1/32 reject\n" + rules.read_text()
    )
    own_postgres.restart()
    for there, kind, said in (
        (url.replace("postgres@", "ann:s3cret@"), GalleryError, "password authentication failed"),
        (url.replace("postgres@", "ann@"), GalleryError, "no password supplied"),
        (url.replace("postgres@", "ben@"), GalleryError, "pg_hba.conf rejects"),
        (url.replace("postgres@", "nobody@"), GalleryError, 'role "nobody" does not exist'),
        (url + "x", GalleryError, "There is no database"),
        (url + "?sslmode=require", GalleryError, "SSL was required"),
        (url + "?nonsense=1", GalleryError, "invalid connection option"),
        (url.replace("127.0.0.1", "nowhere.invalid"), DatabaseAwayError, "cannot be reached"),
    ):
        with pytest.raises(GalleryError, match=said) as caught:
            Gallery.open(there)
        assert type(caught.value) is kind and caught.value.transient == (kind is DatabaseAwayError)
        assert "s3cret" not in str(caught.value)
    # The password in a file that the environment names.
    run(url, "CREATE EXTENSION vector", "GRANT ALL ON SCHEMA public TO ann")
    file = tmp_path / "password"
    monkeypatch.setenv("PGPASSWORD_FILE", str(file))
    with pytest.raises(ConfigError, match="No such file"):
        Gallery.open(url.replace("postgres@", "ann@"))
    file.write_text("right\n")
    Gallery.open(url.replace("postgres@", "ann@")).close()
    file.write_text("s3cret")
    with pytest.raises(GalleryError, match="password authentication failed") as caught:
        Gallery.open(url.replace("postgres@", "ann@"))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("state", "kind", "said", "transient"),
    [
        ("53100", DiskFullError, "no space left", True),
        ("53300", DatabaseBusyError, "out of resources: made up", True),
        ("25006", StorageError, "server is read-only", False),
        ("40001", DatabaseBusyError, "in use", True),
        ("40P01", DatabaseBusyError, "in use", True),
        ("42501", GalleryError, "may not do this", False),
        ("57014", DatabaseBusyError, "its own time limit", True),
        ("57P03", DatabaseAwayError, "cannot be reached: made up", True),
        ("58030", StorageError, "disk failed", False),
        ("XX001", GalleryError, "damaged", False),
        ("22000", GalleryError, "cannot be used: made up", False),
    ],
)
def test_what_a_server_says_is_told_in_our_words(gallery, generator, state, kind, said, transient):
    raised = f"BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{state}', DETAIL = 'of a row'; END"
    scene = Scene(gallery)
    with gallery.database.write() as session:
        session.execute(text(f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ {raised} $$"))
        session.execute(text("CREATE TRIGGER fails BEFORE INSERT ON vectors EXECUTE FUNCTION fail()"))
    try:
        with pytest.raises(kind, match=said) as caught:
            gallery.add_tracklets([scene.entry(0, unit(generator, 2))], MODEL, NEVER)
    finally:
        with gallery.database.write() as session:
            session.execute(text("DROP FUNCTION fail() CASCADE"))
    assert type(caught.value) is kind and caught.value.transient is transient
    assert "of a row" not in str(caught.value)
    assert gallery.tracklets() == ()


def test_a_standby_can_be_searched(gallery, postgres_gallery, generator):
    vectors = unit(generator, 3)
    arguments = {"camera": "a", "modality": Modality.VISIBLE, "time_ns": [1, 2, 3], "model": MODEL}
    gallery.add(vectors, **arguments)
    name = postgres_gallery.rpartition("/")[2]
    run(postgres_gallery, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        with Gallery.open(postgres_gallery) as standby:
            assert standby.search(vectors, MODEL, 1).ids[:, 0].tolist() == [1, 2, 3]
            with pytest.raises(StorageError, match="server is read-only"):
                standby.add(unit(generator, 3), **arguments)
    finally:
        run(
            postgres_gallery,
            "SET default_transaction_read_only = off",
            f"ALTER DATABASE {name} RESET default_transaction_read_only",
        )


def test_more_threads_than_connections(postgres_gallery):
    with Gallery.open(postgres_gallery) as gallery:
        gallery.database._engine.pool._timeout = 0.2
        held = [gallery.database.read() for _ in range(15)]
        sessions = [each.__enter__() for each in held]
        for session in sessions:
            session.execute(text("SELECT 1"))
        with pytest.raises(DatabaseBusyError, match="All connections"):
            gallery.cameras()
        for each in held:
            each.__exit__(None, None, None)
        assert gallery.cameras() == ()


def test_a_drivers_own_error_is_translated_too():
    with pytest.raises(DatabaseAwayError, match="cannot be reached: gone"), translated("it"):
        raise psycopg.OperationalError("gone")


@pytest.mark.parametrize("package", ["psycopg", "pgvector"])
def test_a_missing_driver_is_named_by_its_extra(monkeypatch, package):
    for name in [*sys.modules]:
        if name.partition(".")[0] == package or name == "reid_core.gallery.pgvector_type":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=package) as caught:
        Gallery.open("postgresql://ann:s3cret@host/x")
    assert caught.value.hint == "Install it: pip install 'nightreid[postgres]'"
    assert "s3cret" not in str(caught.value)


def test_another_driver_is_refused():
    with pytest.raises(UsageError, match="through psycopg, not through psycopg2"):
        Gallery.open("postgresql+psycopg2://ann:s3cret@host/x")


def test_the_plain_address_and_secrets_in_it(postgres_gallery):
    url = postgres_gallery.replace("postgresql+psycopg", "postgresql")
    with Gallery.open(url.replace("postgres@", "postgres:s3cret@") + "?sslpassword=s3cret") as gallery:
        assert gallery.database.dialect == "postgresql" and "s3cret" not in gallery.name


def _scene_in(session, gallery):
    """A scene whose camera is made in the caller's transaction."""
    scene = Scene.__new__(Scene)
    scene.gallery, scene.camera, scene.modality, scene.recording = gallery, "b", Modality.VISIBLE, "of b"
    session.execute(text("INSERT INTO cameras VALUES ('b', 'visible', 'visible', 0)"))
    writing.put_recording(
        session, writing.RecordingRecord("of b", "b", "b.mp4", 25.0, 640, 480, 0, "yolo", MODEL)
    )
    return scene


def _at_once(works):
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
