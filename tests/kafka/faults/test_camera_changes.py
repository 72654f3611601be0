"""A camera is switched while workers follow it, and one of them is killed."""

import pytest

from reid_core.gallery.database import Database
from reid_core.gallery.schema import RecordingRow
from tests.support.changed_night import SWITCHED, write_changed_night
from tests.support.crew import until
from tests.support.forked import PROCESSES, start_server
from tests.support.galleries import gallery_rows
from tests.support.night import Night, run_night
from tests.support.shift import records_of

KIND = "Cameras"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def changed(module_tmp, colour_checkpoint):
    """Every record of the changed night, and the rows of the gallery that `nightreid run` makes of it."""
    folder = module_tmp("changed")
    videos = write_changed_night(folder)
    start_server()
    process = PROCESSES.Process(target=run_night, args=(Night(videos, colour_checkpoint, folder / "x.db"),))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    database = f"sqlite:///{folder / 'x.db'}"
    rows = gallery_rows(database)
    # Both walks of the night, the second one cut where the camera was switched.
    assert len(rows["links"]) == 3 and invert_of(database) is True
    return records_of(videos), rows


def invert_of(database):
    """What the night camera's row says of its polarity."""
    gallery = Database(database)
    with gallery.read() as session:
        [row] = [row for row in session.query(RecordingRow) if row.camera_id == "night"]
        invert = row.state["invert"]
    gallery.close()
    return invert


@pytest.mark.fault(
    row="A thermal camera's polarity is switched",
    injected="From one frame to the next, in the middle of a walk, its pictures are their negatives; the "
    "worker that has seen the switch is killed (SIGKILL), another one goes on",
    promise="People are found as before from that frame on, and all rows are those of one run",
    bound_s=20,
)
def test_a_polarity_that_is_switched(deploy, recovery, changed):
    records, rows = changed
    deployment = deploy()
    worker = deployment.worker()
    seen = next(one for one in records if one.stream.camera == "night" and one.seq == SWITCHED + 4)
    deployment.publish(one for one in records if one.capture_ns <= seen.capture_ns)
    until("it sees the switch", lambda: worker.metric("frames_total", camera="night") > SWITCHED + 2, 40)
    worker.kill()
    recovery.begins()
    deployment.worker()
    deployment.publish(one for one in records if one.capture_ns > seen.capture_ns)
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(rows)
