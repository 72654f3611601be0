"""A run's result read back: the run's own rows and what its links lead to, however large the gallery is."""

import sqlite3

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from reid_core.calibration import Calibration
from reid_core.gallery import Gallery, IdentityPolicy, VectorKind
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.types import Decision, Link, Modality
from stream.run.collect import collect
from tests.support.gallery_world import MODEL, OTHER_MODEL, Scene, near, unit

PEOPLE = np.eye(16, dtype=np.float32)[:3]
POLICY = IdentityPolicy(0.8)


def fill(url, strangers, top):
    """Others of long ago, two a camera, with links of their own; three by day; and a night that is run."""
    draw = np.random.default_rng(71)
    with Gallery.open(url) as gallery:
        for number in range(strangers // 2):
            scene = Scene(gallery, f"old {number}")
            dark = Scene(gallery, f"dark {number}", Modality.INFRARED)
            entries = [scene.entry(40 * i, unit(draw, 1)) for i in range(2)]
            entries += [dark.entry(40 * i, unit(draw, 1)) for i in range(2)]
            gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
            gallery.put_links([Link(one.tracklet.id, MODEL, Decision.UNKNOWN) for one in entries])
        day, yard = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
        entries = [day.entry(40 * i, near(PEOPLE[i % 3], draw, 2, 0.02)) for i in range(4)]
        entries += [yard.entry(40 * i, near(PEOPLE[i], draw, 2, 0.02)) for i in (1, 0)]
        gallery.add_tracklets(entries, MODEL, POLICY)
        matcher = Matcher(gallery, MODEL, Calibration(10.0, -5.0, 0.5, 100, 100, "made up"), top=top)
        linker = Linker(gallery, matcher)
        linker.link(linker.infrared_of(yard.recording))
        gallery.put_links([Link(entries[-1].tracklet.id, OTHER_MODEL, Decision.UNKNOWN)])
        tracklet = entries[0].tracklet.id
        gallery.add_caption_vectors(tracklet, PEOPLE, model="c" * 64, space=MODEL)


def collected(url, recordings=("recording of yard",)):
    with Gallery.open(url) as gallery:
        return collect(
            gallery,
            recordings,
            failed=(),
            timings=(),
            wall_s=0.0,
            detector="d",
            embedder="e",
            model=MODEL,
            space=MODEL,
            calibrated=True,
            warnings=(),
            interrupted=False,
        )


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'x.db'}"


def test_what_the_links_lead_to_is_shown_under_the_gallerys_numbers(url):
    fill(url, strangers=8, top=4)
    result = collected(url)
    with Gallery.open(url) as gallery:
        everybody, links = gallery.identities(), gallery.links(MODEL)
        [crops] = [one for one in gallery.models() if one.kind is VectorKind.CROP]
        tracklets = {one.id: one for one in gallery.tracklets()}
    shown = {one.id for camera in result.cameras for one in camera.tracklets}
    mine = [link for link in links if tracklets[link.tracklet].camera == "yard"]
    cameras = {"yard"} | {tracklets[one.tracklet].camera for link in mine for one in link.candidates}
    assert len(cameras) > 2
    assert {camera.id for camera in result.cameras} == cameras
    assert shown == {name for name, one in tracklets.items() if one.camera in cameras}
    assert [(one.id, one.label, one.tracklets) for one in result.identities] == [
        (one.id, f"P{number}", tuple(name for name in one.tracklets if name in shown))
        for number, one in enumerate(everybody, start=1)
        if shown & set(one.tracklets)
    ]
    assert {one.label for one in result.identities} >= {"P9", "P10", "P11"}
    assert [one.tracklet for one in result.links] == [link.tracklet for link in mine]
    assert [[c.identity for c in one.candidates] for one in result.links] == [
        [c.identity for c in link.candidates] for link in mine
    ]
    # Strangers, and the three with two crops each time; no caption.
    assert result.gallery_vectors == crops.visible == 8 + 8


class Counted:
    """Statements and rows that SQLite gave while it was asked."""

    def __init__(self):
        self.statements = self.rows = 0

    def __enter__(self):
        event.listen(Engine, "connect", self._connected)
        event.listen(Engine, "before_cursor_execute", self._asked)
        return self

    def __exit__(self, *_):
        event.remove(Engine, "connect", self._connected)
        event.remove(Engine, "before_cursor_execute", self._asked)

    def _connected(self, connection, _record):
        def count(_cursor, row):
            self.rows += 1
            return row

        assert isinstance(connection, sqlite3.Connection)
        connection.row_factory = count

    def _asked(self, *_):
        self.statements += 1


@pytest.mark.slow
def test_what_is_read_does_not_grow_with_the_gallery(tmp_path):
    read = []
    for strangers in (4, 60):
        url = f"sqlite:///{tmp_path / f'{strangers}.db'}"
        fill(url, strangers, top=1)
        with Counted() as counted:
            result = collected(url, ("recording of yard", "recording of lobby"))
        assert {camera.id for camera in result.cameras} == {"yard", "lobby"}
        assert counted.rows > 20
        read.append((counted.statements, counted.rows))
    assert read[0] == read[1]
