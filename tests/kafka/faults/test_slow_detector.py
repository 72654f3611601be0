"""The detector takes longer than frames come: what waits is bounded, what is told of it is true."""

import time

import pytest

from tests.support.crew import until

KIND = "The detector"
pytestmark = pytest.mark.slow
# What one fetch may bring beyond the bounds: of frames, no more than they take encoded.
FETCHED, ENCODED = 32, 16 << 10
BYTES = 1 << 20
CAMERAS = ("gate", "yard", "night")


@pytest.mark.fault(
    row="Slow",
    injected="Each detector call takes 30 ms per frame region, while all records wait in Kafka already",
    promise="Partitions pause; the worker holds no more than its limits and one fetch; the age of the "
    "frames is reported, /live stays green, and all records are processed",
    bound_s=60,
)
def test_a_slow_detector(deploy, recovery, short_records, undisturbed):
    deployment = deploy(partitions=1, limits={"bytes": BYTES})
    captured = {
        camera: [one.capture_ns / 1e9 for one in short_records if one.stream.camera == camera]
        for camera in CAMERAS
    }
    deployment.publish(short_records)
    recovery.begins()
    worker = deployment.worker(slow=0.03)
    until("it works", lambda: worker.metric("frames_total") > 20, 40)
    begun, most, most_bytes, paused, lags = worker.memory, 0.0, 0.0, False, []
    while deployment.records_left() > 30:
        assert worker.live
        most, paused = max(most, worker.metric("waiting_records")), paused or worker.metric("paused") == 1
        most_bytes = max(most_bytes, worker.metric("waiting_bytes"))
        lags.append(sum(worker.metric("lag_records", topic=topic) for topic in _topics(deployment)))
        for camera in CAMERAS:
            first = int(worker.metric("frames_total", camera=camera))
            # None before its first frame, nor behind its last.
            if age := worker.metric("frame_age_seconds", camera=camera):
                last = int(worker.metric("frames_total", camera=camera))
                times = captured[camera][max(0, first - 1) : last + 1]
                assert time.time() - times[-1] - 2 <= age <= time.time() - times[0] + 2
        time.sleep(0.2)
    assert paused and 0 < most <= 8 + FETCHED
    assert 0 < most_bytes <= BYTES + (8 + FETCHED) * ENCODED
    assert max(lags) > 0 and lags[-1] < max(lags), "the lag is told, and shrinks"
    assert worker.memory - begun < 200 << 20
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"])


def _topics(deployment):
    return [f"{deployment.prefix}frames.{modality}" for modality in ("visible", "infrared")]
