"""FAISS beside SQLite and pgvector in PostgreSQL: the same calls end in the same rows and answers."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, event, select
from sqlalchemy.engine import Engine

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery import (
    Checkpoint,
    Gallery,
    IdentityPolicy,
    RecordingRecord,
    SearchFilter,
    VectorKind,
    writing,
)
from reid_core.gallery.schema import Base
from reid_core.matcher import Matcher
from reid_core.querying import Query, QueryService
from reid_core.size_law import SizeLaw
from reid_core.types import CloseReason, Modality, Spectrum
from tests.support.gallery_world import DIM, MODEL, OTHER_MODEL, Scene, near, unit

pytestmark = pytest.mark.slow

NEVER = IdentityPolicy(None)
CALIBRATION = Calibration(10.0, -5.0, 0.5, 100, 100, "made up")
SIZED = replace(
    CALIBRATION,
    sizes=SizeLaw(20.0, -8.0, 1.0, 0.1, 0.9, 0.12, -0.2, rate=0.1, smallest=5, largest=80),
)
DIMS = {MODEL: DIM, OTHER_MODEL: 8}


@pytest.fixture
def both(tmp_path, postgres_gallery):
    """The addresses of two empty galleries: in a file and on a server."""
    return f"sqlite:///{tmp_path / 'x.db'}", postgres_gallery


def table_rows(url):
    """Every row of every table as the schema reads it, whatever the database stores it as."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }
    engine.dispose()
    return rows


def told(hits):
    return hits.ids.tolist(), hits.scores.tobytes(), hits.tracklets.tolist(), hits.sightings.tolist()


# Random lives of a gallery


class Said:
    """A text encoder whose texts are the numbers of vectors."""

    model_id = "c" * 64

    def __init__(self, space, vectors):
        self.space, self.dim = space, len(vectors[0])
        self.vectors = vectors

    def encode(self, texts):
        return np.stack([self.vectors[int(text)] for text in texts])


class Life:
    """One gallery and what is done with it: the same for the same seed, whatever it answers."""

    def __init__(self, url, seed):
        self.url = url
        self.draw = np.random.default_rng(seed)
        self.model = MODEL
        self.people = {model: unit(self.draw, 5, dim) for model, dim in DIMS.items()}
        self.seen = {model: list(people) for model, people in self.people.items()}
        self.entries = []
        self.answers = []
        self.open()

    def open(self):
        self.gallery = Gallery.open(self.url)
        self.scenes = [Scene(self.gallery, name) for name in ("lobby", "gate", "Gate-2")]
        self.scenes += [Scene(self.gallery, name, Modality.INFRARED) for name in ("yard", "roof")]

    def reopen(self):
        self.gallery.close()
        self.open()

    def vectors(self, count):
        """Of one person or of several, some the very ones or nearly the ones that were there before."""
        person = self.draw.choice(self.people[self.model])
        drawn = near(person, self.draw, count, float(self.draw.choice([0.02, 0.2])))
        for place in range(count):
            before = self.seen[self.model][self.draw.integers(len(self.seen[self.model]))]
            kind = self.draw.integers(5)
            if kind == 0:
                drawn[place] = before
            elif kind == 1:
                # Nearer than a float32 sum tells apart.
                drawn[place] = before + np.float32(1e-8) * self.draw.standard_normal(len(before), np.float32)
        self.seen[self.model].extend(drawn)
        return drawn

    def add(self):
        policies = [NEVER, IdentityPolicy(0.5), IdentityPolicy(0.8), IdentityPolicy(0.8, margin=0.02)]
        entries = []
        for _ in range(self.draw.integers(1, 5)):
            scene = self.scenes[self.draw.integers(len(self.scenes))]
            start, length = int(self.draw.integers(0, 200)), int(self.draw.integers(4, 20))
            entry = scene.entry(start, self.vectors(int(self.draw.integers(0, 5))), length)
            if self.draw.integers(4) == 0:
                ended = replace(entry.tracklet, close_reason=CloseReason.INTERRUPTED)
                entry = replace(entry, tracklet=ended)
            entries.append(entry)
        self.entries.extend((self.model, entry) for entry in entries)
        checkpoint = Checkpoint(scene.recording, start, start, {"step": len(self.entries)})
        policy = policies[self.draw.integers(len(policies))]
        self.answers.append(self.gallery.add_tracklets(entries, self.model, policy, [checkpoint]))

    def add_again(self):
        mine = [entry for model, entry in self.entries if model == self.model]
        if mine:
            self.answers.append(
                self.gallery.add_tracklets([mine[self.draw.integers(len(mine))]], self.model, NEVER)
            )

    def remove(self):
        scene = self.scenes[self.draw.integers(len(self.scenes))]
        self.answers.append(self.gallery.remove_tracklets(scene.recording, CloseReason.INTERRUPTED))

    def link(self):
        calibration = CALIBRATION if self.draw.integers(2) else None
        matcher = Matcher(self.gallery, self.model, calibration, top=int(self.draw.integers(1, 6)))
        dark = self.gallery.tracklets(modality=Modality.INFRARED)
        links = [matcher.match(each.id, self.filter(infrared=False)) for each in dark]
        self.answers.append(links)
        self.gallery.put_links(links)

    def reembed(self):
        self.model = OTHER_MODEL if self.model == MODEL else MODEL
        directions = self.people[self.model]

        def embed(crops, modality):
            places = [int(crop.mean()) % len(directions) for crop in crops]
            return directions[places]

        self.answers.append(self.gallery.reembed(embed, self.model, batch=3))

    def caption(self):
        tracklets = self.gallery.tracklets()
        if tracklets:
            chosen = tracklets[self.draw.integers(len(tracklets))]
            encoder = ("c" * 64, "d" * 64)[self.draw.integers(2)]
            vectors = self.vectors(int(self.draw.integers(0, 4)))
            space = next((one.space for one in self.gallery.models() if one.active), self.model)
            if space == self.model:
                self.gallery.add_caption_vectors(chosen.id, vectors, model=encoder, space=space)
            self.answers.append(self.gallery.caption_vectors(chosen.id, self.model).vectors.tolist())

    def filter(self, infrared=True):
        names = ["lobby", "gate", "Gate-2", "yard", "nowhere"]
        kinds = [None, Modality.VISIBLE, *([Modality.INFRARED] if infrared else [])]
        chosen = frozenset(self.draw.choice(names, self.draw.integers(0, 4)).tolist())
        return SearchFilter(
            cameras=chosen if self.draw.integers(2) else None,
            exclude_cameras=frozenset(self.draw.choice(names, self.draw.integers(0, 3)).tolist()),
            modality=kinds[self.draw.integers(len(kinds))],
            since_ns=int(self.draw.integers(0, 8000)) if self.draw.integers(2) else None,
            until_ns=int(self.draw.integers(0, 9000)) if self.draw.integers(2) else None,
            hours=tuple(self.draw.integers(0, 9000, 2).tolist()) if self.draw.integers(4) == 0 else None,
        )

    def search(self):
        seen = np.stack(self.seen[self.model])
        queries = np.concatenate(
            [
                unit(self.draw, int(self.draw.choice([0, 1, 40])), DIMS[self.model]),
                seen[self.draw.integers(0, len(seen), 3)],
            ]
        )
        for where in (None, self.filter()):
            k = int(self.draw.integers(1, 60))
            for kind in VectorKind:
                self.answers.append(told(self.gallery.search(queries, self.model, k, where, kind)))
                self.answers.append(self.gallery.count_identities(self.model, where, kind))

    def ask(self):
        seen = self.seen[self.model]
        service = QueryService(self.gallery, self.model, Said(self.model, seen))
        kind = (*VectorKind, None)[self.draw.integers(3)]
        number, where = self.draw.integers(len(seen)), self.filter(infrared=False)
        query = Query(seen[number], where=where, kind=kind)
        if kind is None:
            query = Query(text=str(number), where=where, kind=kind, calibration=SIZED)
        there = self.gallery.tracklets()
        if there and self.draw.integers(2):
            left = frozenset({there[self.draw.integers(len(there))].id})
            query = replace(query, without=left)
        cursor = None
        for _ in range(3):
            page = service.ask(query, int(self.draw.integers(1, 4)), cursor)
            self.answers.append(page)
            cursor = page.cursor

    def live(self, steps):
        deeds = [self.add, self.search, self.add_again, self.remove, self.link, self.reembed, self.reopen]
        deeds += [self.caption, self.ask]
        odds = np.array([8, 4, 1, 1, 2, 0.5, 1, 4, 2])
        self.add()
        for _ in range(steps):
            deeds[self.draw.choice(len(deeds), p=odds / odds.sum())]()
        self.search()
        self.link()
        records = self.gallery.cameras(), self.gallery.recordings(), self.gallery.identities()
        self.answers.append((records, self.gallery.links(), self.gallery.models()))
        self.gallery.close()
        return self.answers


@pytest.mark.parametrize("seed", range(5))
def test_the_same_life_on_both(both, seed):
    one, other = (Life(url, seed).live(18) for url in both)
    assert one == other
    assert table_rows(both[0]) == table_rows(both[1])


# Searches


def fill(url, batches):
    """Tracklets of (camera, infrared, start, vectors) in one transaction, none compared with any."""
    with Gallery.open(url) as gallery, gallery.writing(MODEL) as (session, store):
        for camera, infrared, start, vectors in batches:
            modality = Modality.INFRARED if infrared else Modality.VISIBLE
            scene = Scene.__new__(Scene)
            scene.gallery, scene.camera, scene.modality = gallery, camera, modality
            scene.recording = f"recording of {camera}"
            spectrum = Spectrum.THERMAL if infrared else Spectrum.VISIBLE
            writing.put_camera(session, writing.CameraRecord(camera, modality, spectrum, 0))
            writing.put_recording(
                session, RecordingRecord(scene.recording, camera, "a.mp4", 25.0, 640, 480, 0, "yolo", MODEL)
            )
            writing.add_tracklet(session, store, scene.entry(start, vectors), NEVER)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_answers_among_equals_behind_any_filter(both, seed):
    draw = np.random.default_rng(100 + seed)
    dim = int(draw.choice([1, 3, 32]))
    count = int(draw.integers(1, 300))
    # Few different vectors: many exactly equal scores.
    different = unit(draw, int(draw.integers(1, count + 1)), dim)
    vectors = different[draw.integers(0, len(different), count)]
    parts = np.array_split(vectors, max(1, count // 25))
    batches = [(f"camera-{i % 5}", i % 5 == 4, 7 * i, part) for i, part in enumerate(parts)]
    for url in both:
        fill(url, batches)
    queries = np.concatenate([unit(draw, int(draw.choice([1, 3, 35])), dim), different[:2]])
    cameras = [frozenset({"camera-1", "camera-4"}), frozenset({"nowhere"}), frozenset()]
    with Gallery.open(both[0]) as one, Gallery.open(both[1]) as other:
        for where in (
            SearchFilter(),
            *(SearchFilter(cameras=names) for names in cameras),
            *(SearchFilter(exclude_cameras=names) for names in cameras),
            *(SearchFilter(modality=modality) for modality in Modality),
            SearchFilter(since_ns=900, until_ns=1500, modality=Modality.VISIBLE),
            SearchFilter(since_ns=10**6),
        ):
            for k in (1, 10, 1000):
                hits = one.search(queries, MODEL, k, where)
                assert told(other.search(queries, MODEL, k, where)) == told(hits)
                assert hits.scores.shape[0] == len(queries)


def test_the_same_answers_among_thousands_and_many_nearly_equal(both):
    draw = np.random.default_rng(3)
    vectors = unit(draw, 2500, 64)
    vectors[500:900] = vectors[0]
    # Nearly equal: further apart than float64 tells, nearer than a float32 sum does.
    vectors[1000:1100] = vectors[0] + np.float32(1e-8) * draw.standard_normal((100, 64), np.float32)
    batches = [(f"camera-{i % 4}", True, 20 * i, part) for i, part in enumerate(np.array_split(vectors, 25))]
    for url in both:
        fill(url, batches)
    asked = np.concatenate([vectors[:1], vectors[1000:1002], unit(draw, 40, 64)])
    statements = []

    def count(_connection, _cursor, statement, *_):
        statements.append(statement)

    with Gallery.open(both[0]) as one, Gallery.open(both[1]) as other:
        for where in (SearchFilter(), SearchFilter(cameras=frozenset({"camera-2"}))):
            for queries in (asked, asked[:1], asked[5:6]):
                expected = one.search(queries, MODEL, 10, where)
                event.listen(Engine, "before_cursor_execute", count)
                statements.clear()
                found = other.search(queries, MODEL, 10, where)
                event.remove(Engine, "before_cursor_execute", count)
                assert told(found) == told(expected)
                assert len(statements) <= 8


def test_vectors_of_another_model_are_never_touched(both):
    """Of another length, they could not even be compared."""
    draw = np.random.default_rng(4)
    vectors = np.repeat(unit(draw, 1), 40, axis=0)
    directions = unit(draw, 300, 8)
    hits = []
    for url in both:
        fill(url, [("lobby", False, 0, vectors), ("yard", True, 0, vectors)])
        with Gallery.open(url) as gallery:
            found = gallery.search(vectors[:1], MODEL, 3)
            gallery.reembed(lambda crops, _: directions[: len(crops)], OTHER_MODEL, batch=7)
            hits.append((told(found), told(gallery.search(directions[:3], OTHER_MODEL, 3))))
            entry = Scene(gallery).entry(900, directions[:2])
            gallery.add_tracklets([entry], OTHER_MODEL, IdentityPolicy(0.5))
            with pytest.raises(UsageError, match="16 dimensions, those of the gallery 8"):
                gallery.search(vectors, OTHER_MODEL)
    assert hits[0] == hits[1]
    assert table_rows(both[0]) == table_rows(both[1])


@pytest.mark.parametrize("dim", [1, 2, 511, 2048])
def test_every_bit_of_a_vector_comes_back(both, dim):
    draw = np.random.default_rng(dim)
    vectors = unit(draw, 4, dim)
    if dim > 2:
        vectors[0, :4] = [-0.0, 1e-40, -1.4e-45, 2.0**-126]
        vectors[0] /= np.linalg.norm(vectors[0])
    for url in both:
        fill(url, [("lobby", False, 0, vectors)])
        with Gallery.open(url) as gallery:
            (tracklet,) = gallery.tracklets()
            assert gallery.vectors(tracklet.id, MODEL).vectors.tobytes() == vectors.tobytes()


# Identities


def by_definition(gallery, entry, forbidden=()):
    """The two best identities for a tracklet and their scores, by float64."""
    scores = []
    for identity in gallery.identities():
        of = [gallery.vectors(name, MODEL).vectors for name in identity.tracklets]
        rows = np.concatenate([vectors for vectors in of if len(vectors)])
        pairs = entry.vectors.astype(np.float64) @ rows.astype(np.float64).T
        scores.append((-np.float32(pairs.max(axis=1)).astype(np.float64).mean(), identity.id))
    return sorted(pair for pair in scores if pair[1] not in forbidden)[:2]


@pytest.mark.parametrize("alike", ["different", "nearly equal", "equal"])
def test_the_same_identities_among_many(both, alike):
    """More equally good ones than are fetched at first."""
    draw = np.random.default_rng(6)
    people = unit(draw, 40)
    if alike == "equal":
        people[:] = people[0]
    elif alike == "nearly equal":
        people = near(people[0], draw, 40, 1e-8)
    for url in both:
        with Gallery.open(url) as gallery:
            scene, gate = Scene(gallery), Scene(gallery, "gate")
            entries = [scene.entry(20 * i, people[i : i + 1].repeat(2, axis=0)) for i in range(40)]
            known = gallery.add_tracklets(entries, MODEL, NEVER)
            # At the gate at the very time of the first ten: they are elsewhere, but not in its picture.
            query = gate.entry(0, near(people[7], np.random.default_rng(8), 3, 1e-3))
            expected = by_definition(gallery, query)
            (found,) = gallery.add_tracklets([query], MODEL, IdentityPolicy(0.5))
            assert found == expected[0][1]
            evidence = gallery.tracklet(query.tracklet.id).evidence
            assert evidence["score"] == round(-expected[0][0], 6)
            assert evidence["runner_up"] == {"identity": expected[1][1], "score": round(-expected[1][0], 6)}
            # In the lobby, at the time of three of them.
            there = scene.entry(100, people[5:8], length=50)
            expected = by_definition(gallery, there, set(known[5:8]))
            (found,) = gallery.add_tracklets([there], MODEL, IdentityPolicy(-1.0))
            assert found == expected[0][1]
    assert table_rows(both[0]) == table_rows(both[1])


@pytest.mark.parametrize("seed", range(3))
def test_the_same_sighting_of_an_identity_that_has_nearly_equal_ones(both, seed):
    draw = np.random.default_rng(seed)
    person = unit(draw, 1, 512)[0]
    seen = person + np.float32(5e-8) * draw.standard_normal((60, 512), np.float32)
    query = near(person, draw, 2, 1e-3)
    pairs = np.float32(query.astype(np.float64) @ seen.astype(np.float64).T)
    view, best = np.unravel_index(pairs.argmax(), pairs.shape)
    for url in both:
        with Gallery.open(url) as gallery:
            scene, gate = Scene(gallery), Scene(gallery, "gate")
            first, second = scene.entry(0, seen), gate.entry(0, query)
            one, two = gallery.add_tracklets([first, second], MODEL, IdentityPolicy(0.5))
            assert one == two
            evidence = gallery.tracklet(second.tracklet.id).evidence
            assert evidence["matched_sighting"] == gallery.sightings(first.tracklet.id)[best].id
            assert evidence["sighting"] == gallery.sightings(second.tracklet.id)[view].id
    assert table_rows(both[0]) == table_rows(both[1])


def test_the_same_where_everybody_known_is_in_the_picture(both):
    draw = np.random.default_rng(9)
    person = unit(draw, 1)[0]
    parts = [near(person, draw, 2) for _ in range(3)]
    for url in both:
        with Gallery.open(url) as gallery:
            scene = Scene(gallery)
            for start, part in zip((0, 3, 5), parts, strict=True):
                gallery.add_tracklets([scene.entry(start, part)], MODEL, IdentityPolicy(0.5))
            assert len(gallery.identities()) == 3
    assert table_rows(both[0]) == table_rows(both[1])


def test_a_tracklet_of_very_many_sightings(both):
    draw = np.random.default_rng(10)
    vectors = unit(draw, 400)
    for url in both:
        with Gallery.open(url) as gallery:
            scene = Scene(gallery)
            for i in range(3):
                part = vectors[100 * i : 100 * (i + 2)]
                gallery.add_tracklets([scene.entry(500 * i, part, 300)], MODEL, IdentityPolicy(0.6))
    assert table_rows(both[0]) == table_rows(both[1])


def test_the_same_after_failures(both):
    """A server's counters run on over what was not committed; all else is the same."""
    draw = np.random.default_rng(11)
    people = unit(draw, 4)
    answers = []
    for url in both:
        local = np.random.default_rng(12)
        with Gallery.open(url) as gallery:
            scene = Scene(gallery)
            for i in range(6):
                entry = scene.entry(20 * i, near(people[i % 4], local, 2))
                bad = scene.entry(20 * i + 10, np.full((1, DIM), np.nan, np.float32))
                with pytest.raises(UsageError, match="not finite"):
                    gallery.add_tracklets([entry, bad], MODEL, IdentityPolicy(0.8))
                gallery.add_tracklets([entry], MODEL, IdentityPolicy(0.8))
            answers.append(told(gallery.search(people, MODEL, 20))[1:])
    rows = [table_rows(url) for url in both]
    assert answers[0] == answers[1]
    assert rows[0]["tracklets"] == rows[1]["tracklets"] and rows[0]["identities"] == rows[1]["identities"]
    by_id = [sorted(each["vectors"], key=lambda row: row[0]) for each in rows]
    assert [row[1:] for row in by_id[0]] == [row[1:] for row in by_id[1]]


# Several processes


WRITER = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, {root!r})
from tests.support.gallery_world import MODEL, Scene, near
from reid_core.calibration import Calibration
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.matcher import Matcher
from reid_core.types import Modality
number = int(sys.argv[1])
generator = np.random.default_rng(number)
people = np.eye(16, dtype=np.float32)[:4]
print("ready", flush=True)
sys.stdin.readline()
with Gallery.open({url!r}, Path({folder!r}) / str(number)) as gallery:
    shared, own = Scene(gallery), Scene(gallery, f"camera-{{number}}")
    night = Scene(gallery, f"yard-{{number}}", Modality.INFRARED)
    matcher = Matcher(gallery, MODEL, Calibration(10.0, -5.0, 0.5, 100, 100, "made up"))
    for i in range(8):
        start = 60 * i + 20 * number
        for scene in (shared, own, night):
            entry = scene.entry(start, near(people[generator.integers(4)], generator, 2, 0.1))
            gallery.add_tracklets([entry], MODEL, IdentityPolicy(0.8))
            if scene is night:
                gallery.put_links([matcher.match(entry.tracklet.id)])
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_writers_in_several_processes_are_as_good_as_one(request, kind, tmp_path):
    """From the empty database on; what they wrote is what one writer would have, in the same order."""
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    if kind == "postgresql":
        shared = request.getfixturevalue("postgres")
    root = str(Path(__file__).parents[2])
    code = WRITER.format(root=root, url=shared, folder=str(tmp_path / "index"))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said
    alone = f"sqlite:///{tmp_path / 'alone.db'}"
    with Gallery.open(shared) as gallery, Gallery.open(alone) as replay:
        stored = gallery.tracklets()
        assert [each.position for each in stored] == list(range(1, 73))
        by_id = {}
        for number in range(3):
            generator = np.random.default_rng(number)
            people = np.eye(16, dtype=np.float32)[:4]
            scenes = Scene(replay), Scene(replay, f"camera-{number}")
            scenes += (Scene(replay, f"yard-{number}", Modality.INFRARED),)
            for i in range(8):
                for scene in scenes:
                    vectors = near(people[generator.integers(4)], generator, 2, 0.1)
                    entry = scene.entry(60 * i + 20 * number, vectors)
                    by_id[entry.tracklet.id] = entry
        for each in stored:
            replay.add_tracklets([by_id[each.id]], MODEL, IdentityPolicy(0.8))
        assert len(gallery.links()) == 24 and len(gallery.identities()) >= 4
        kinds = [row[1] for row in table_rows(shared)["outbox"]]
        assert kinds.count("link.made") == 24
    one, other = table_rows(shared), table_rows(alone)
    for name in ("gallery_meta", "cameras", "recordings", "identities", "tracklets", "sightings", "vectors"):
        assert one[name] == other[name], name
