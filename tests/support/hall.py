"""Three people by day and two of them by night, linked: what people look at and put right."""

import numpy as np

from reid_core.calibration import Calibration
from reid_core.gallery import IdentityPolicy
from reid_core.gallery.corrections import Author
from reid_core.gallery.outbox import Outbox
from reid_core.matcher import Matcher
from reid_core.types import Modality
from tests.support.galleries import gallery_rows
from tests.support.gallery_world import MODEL, Scene, near

POLICY = IdentityPolicy(0.8)
ANNA, BEN, CARL = np.eye(16, dtype=np.float32)[:3]
OWN = {"corrections", "corrected", "doubts", "gallery_meta", "outbox"}


def by(reason=""):
    return Author("kim", 7, reason)


class Hall:
    """Three people, each seen twice by day, and Anna and Ben once by night, linked."""

    def __init__(self, gallery, url):
        self.gallery, self.url = gallery, url
        draw = np.random.default_rng(5)
        day, gate, night = Scene(gallery), Scene(gallery, "gate"), Scene(gallery, "yard", Modality.INFRARED)
        self.day, self.gate = day, gate
        self.entries = [
            scene.entry(start, near(person, draw, 2, 0.02))
            for scene, start, person in (
                *((day, 0, ANNA), (day, 100, BEN), (day, 200, CARL)),
                *((gate, 300, ANNA), (gate, 400, BEN), (gate, 500, CARL)),
            )
        ]
        self.ids = gallery.add_tracklets(self.entries, MODEL, POLICY)
        self.anna, self.ben, self.carl = self.ids[:3]
        self.tracklets = [one.tracklet.id for one in self.entries]
        dark = [night.entry(900, near(ANNA, draw, 2, 0.02)), night.entry(950, near(BEN, draw, 2, 0.02))]
        gallery.add_tracklets(dark, MODEL, POLICY)
        self.dark = [one.tracklet.id for one in dark]
        self.calibration = Calibration(10.0, -5.0, 0.5, 100, 100, "made up")
        matcher = Matcher(gallery, MODEL, self.calibration)
        gallery.put_links([matcher.match(one) for one in self.dark])

    def do(self, what, *arguments, reason=""):
        with self.gallery.database.write() as session:
            return what(session, *arguments, by(reason))

    def who(self):
        return {name: set(one.tracklets) for one in self.gallery.identities() for name in [one.id]}

    def links(self):
        return {
            one.tracklet: (one.identity, [c.identity for c in one.candidates]) for one in self.gallery.links()
        }

    def rows(self):
        return gallery_rows(self.url, leave=OWN | {"leases"})

    def told(self, kind):
        return [(one.subject, one.payload) for one in Outbox(self.gallery.database).after(0, {kind}, 99)]
