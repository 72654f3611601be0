"""A small gallery with a day and a night, and who looks out for watches in it."""

from collections.abc import Sequence

import numpy as np

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.outbox import ALERT_RAISED, Outbox
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.types import Modality
from reid_core.watching.alerts import Alert, alerts
from reid_core.watching.keeping import add_watch
from reid_core.watching.service import KINDS, Watching
from reid_core.watching.watch import NewWatch
from tests.support.gallery_world import MODEL, Scene, near

PEOPLE = np.eye(16, dtype=np.float32)
# Even at a score of .9, 400 times likelier of the same person.
CALIBRATION = Calibration(30.0, -21.0, 0.8, 100, 100, "made up")
CALIBRATIONS = {"text": CALIBRATION, "infrared-visible": CALIBRATION, "visible-visible": CALIBRATION}
COATS = ("red coat", "green coat", "blue coat", "white coat", "black coat", "grey coat", "pink coat")


class Coats:
    """A text encoder that knows a person by each coat."""

    model_id, space, dim = "e" * 64, MODEL, 16

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        known = [[place for place, coat in enumerate(COATS) if coat in text] for text in texts]
        if not all(known):
            raise UsageError("Nothing of it is understood.")
        return np.array([PEOPLE[places[0]] for places in known], np.float32)

    def calibration(self, kind: str) -> Calibration | None:
        return CALIBRATION if kind == "text" else None


class Square:
    """Cameras of a square: lobby and gate by day, yard and lane by night."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery, self.database = gallery, gallery.database
        self.draw = np.random.default_rng(8)
        self.cameras = {
            name: Scene(gallery, name, modality)
            for name, modality in (
                ("lobby", Modality.VISIBLE),
                ("gate", Modality.VISIBLE),
                ("yard", Modality.INFRARED),
                ("lane", Modality.INFRARED),
            )
        }
        self.linker = Linker(gallery, Matcher(gallery, MODEL, CALIBRATION))
        self.frame = 0

    def comes(self, camera: str, *people: int, link: bool = True, after: int = 1000) -> list[str]:
        """Somebody comes by each ``after`` frames of 40 ns; ids of the tracklets."""
        entries = []
        for who in people:
            self.frame += after
            vectors = near(PEOPLE[who], self.draw, 2, 0.02)
            entries.append(self.cameras[camera].entry(self.frame, vectors))
        self.gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.8))
        names = [entry.tracklet.id for entry in entries]
        if link and self.cameras[camera].modality is Modality.INFRARED:
            self.linker.link(names)
        return names

    def watch(self, text: str | None = None, *, now_ns: int = 5, **asked: object) -> int:
        with self.database.write() as session:
            return add_watch(session, NewWatch(text=text, author="kim", **asked), now_ns)

    def picture(self, who: int, **asked: object) -> int:
        return self.watch(vector=PEOPLE[who], space=MODEL, pictured=Modality.VISIBLE, **asked)

    def looks(self, calibrations=CALIBRATIONS, encoder=True, **how: object) -> Watching:
        """Somebody who watches, to whom no alert is a repetition unless said."""
        how = {"quiet_ns": 0, **how}
        return Watching(self.gallery, MODEL, calibrations, Coats() if encoder else None, **how)

    def alerts(self, watch: int | None = None) -> tuple[Alert, ...]:
        with self.database.read() as session:
            return alerts(session, watch)

    def fired(self, watch: int | None = None) -> list[str]:
        """The tracklets of the alerts, in order."""
        return [one.tracklet for one in self.alerts(watch)]

    def told(self) -> list[int]:
        """The alerts of which the outbox tells, each time that it does."""
        return [one.payload["alert"] for one in Outbox(self.database).after(0, {ALERT_RAISED}, 1 << 20)]

    def events(self):
        return Outbox(self.database).after(0, KINDS, 1 << 20)
