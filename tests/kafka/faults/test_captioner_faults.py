"""A captioner that is killed, or slower than the cameras: no caption is lost or doubled, no link waits."""

import shutil
import threading

import pytest

from reid_core.gallery import Gallery
from reid_core.gallery.outbox import CAPTION_MADE, LINK_MADE
from stream.chain.captioning import TrackletCaptioner
from stream.chain.config import CaptionSettings
from tests.support.bright_captions import bright_captions, install_bright_captions, worker_with_captions
from tests.support.crew import until
from tests.support.galleries import gallery_rows

KIND = "The captioner"
pytestmark = pytest.mark.slow
BOUND = 20
# As much longer than a lease lasts as than tracklets take to come.
PACE = 3.0


def killed(row, point, promise):
    mark = pytest.mark.fault(
        row=f"kill -9 of a captioner's worker {row}",
        injected="SIGKILL by the worker to itself at that point; another one is started (sqlite)",
        promise=promise,
        bound_s=BOUND,
    )
    return pytest.param(point, marks=mark, id=point)


POINTS = [
    killed(
        "after its captions are made, before the transaction",
        "say:after:2",
        "Each tracklet has its captions, told once: the other one makes them again",
    ),
    killed(
        "in the transaction, captions and mark written, not committed",
        "caption:commit:2",
        "Each tracklet has its captions, told once: all is rolled back, the other one repeats it",
    ),
    killed(
        "right after the transaction",
        "caption:after:2",
        "Each tracklet has its captions, told once: the other one resumes after it",
    ),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    install_bright_captions(folder)
    return folder


@pytest.fixture(scope="module")
def captioned(tmp_path_factory, installed, undisturbed_gallery):
    """The rows of `nightreid run` with that captioner, which it asks once everything is linked."""
    folder = tmp_path_factory.mktemp("captioned")
    file = shutil.copy(undisturbed_gallery, folder / "x.db")
    settings = CaptionSettings(captioner=str(bright_captions(folder / "captioner")))
    with pytest.MonkeyPatch.context() as patch, Gallery.open(f"sqlite:///{file}") as gallery:
        patch.syspath_prepend(installed)
        captioner = TrackletCaptioner.open(gallery, settings)
        recordings = {one.recording for one in gallery.tracklets()}
        assert captioner.caption_recordings(recordings, threading.Event()) == 6
    rows = gallery_rows(f"sqlite:///{file}")
    assert len(rows["captions"]) == 12
    return rows


def captions_made(deployment):
    """Number and tracklet of every event that says that a tracklet is captioned, in order."""
    return [(number, subject) for number, kind, subject in deployment.events() if kind == CAPTION_MADE]


def all_captioned(deployment, within):
    """Come back once every tracklet is captioned and told of; asserts that each was, once."""
    until("every tracklet is captioned", lambda: len(captions_made(deployment)) >= 6, within)
    deployment.drained(within)
    made = captions_made(deployment)
    assert len({subject for _, subject in made}) == len(made) == 6
    assert [(one.outbox, one.said["tracklet"]) for one in deployment.told("captions")] == made


@pytest.mark.parametrize("point", POINTS)
def test_a_captioner_killed_at(tmp_path, deploy, recovery, short_records, installed, captioned, point):
    folder = bright_captions(tmp_path / "captioner")
    deployment = deploy(captions={"captioner": str(folder), "together": 2})
    target = worker_with_captions(installed)
    worker = deployment.worker(target, deadly=point)
    deployment.publish(short_records)
    deployment.until_dead(worker, 120)
    before = len(captions_made(deployment))
    recovery.begins()
    deployment.worker(target)
    all_captioned(deployment, recovery.left)
    recovery.over()
    assert 0 < before < 6
    deployment.check(captioned)


@pytest.mark.fault(
    row="Slower than the cameras",
    injected=f"The captioner takes {PACE:g} s for each tracklet, three times as long as its lease lasts; all "
    "records wait in Kafka already",
    promise="Everything is admitted, linked and told within the time, while captions still wait; how many do "
    "is reported, and every one of them is caught up with, told once",
    bound_s=15,
)
def test_a_captioner_slower_than_the_cameras(tmp_path, deploy, recovery, short_records, installed, captioned):
    folder = bright_captions(tmp_path / "captioner", PACE)
    deployment = deploy(captions={"captioner": str(folder), "together": 1})
    deployment.publish(short_records)
    worker = deployment.worker(worker_with_captions(installed))
    until("the captioner has begun", lambda: waiting(worker) > 0, 60)
    recovery.begins()
    deployment.drained(recovery.left)
    recovery.over()
    assert len(captions_made(deployment)) < 6 and waiting(worker) > 0
    links = [number for number, kind, _ in deployment.events() if kind == LINK_MADE]
    all_captioned(deployment, 6 * PACE + BOUND)
    last, _ = captions_made(deployment)[-1]
    assert links and max(links) < last
    until("nothing waits for it", lambda: waiting(worker) == 0, 5)
    assert "Another worker is the captioner now" not in worker.log()
    deployment.check(captioned)


def waiting(worker):
    return worker.metric("follower_lag_events", follower="captioner")
