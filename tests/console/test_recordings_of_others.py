"""Recordings that went wrong for others, by the command: the right answer, or a sentence."""

import json

import pytest

from tests.support.file_server import files

pytestmark = [pytest.mark.footage, pytest.mark.slow]
START = "2026-11-20T08:00:00Z"


@pytest.fixture
def case(shared, missing):
    """A recording of the folder of cases."""

    def path(name):
        file = shared / "cases" / name
        if not file.is_file():
            missing(f"needs {file}")
        return file

    return path


@pytest.fixture
def run(nightreid, tmp_path):
    """The run's status, its cameras by name, and what it said."""

    def call(*arguments):
        found = nightreid("run", *arguments, "--db", "sqlite:///x.db", "--json", cwd=tmp_path)
        assert "Traceback" not in found.stderr
        cameras = {camera["id"]: camera for camera in json.loads(found.stdout)["cameras"]}
        return found.returncode, cameras, found.stderr

    return call


def seconds(tracklet):
    """Where a tracklet begins and ends, seconds behind eight o'clock."""
    times = [tracklet["start"], tracklet["end"]]
    assert all(time.startswith("2026-11-20T08:0") for time in times)
    return [60 * int(time[14:16]) + float(time[17:23]) for time in times]


def test_uneven_clocks(run, case):
    slow, gap = case("01-vfr-mp4/slowidle.mp4"), case("01-vfr-mp4/gap.mp4")
    starts = [word for name in ("slow", "gap") for word in ("--start", f"{name}={START}")]
    status, cameras, _ = run("--visible", f"slow={slow}", "--visible", f"gap={gap}", *starts)
    assert status == 0
    [visit] = cameras["slow"]["tracklets"]
    assert seconds(visit) == pytest.approx([14.0, 41.5], abs=1.1)
    before, behind = sorted(cameras["gap"]["tracklets"], key=seconds)
    assert seconds(before)[1] == pytest.approx(7.9, abs=0.2)
    assert seconds(behind)[0] == pytest.approx(68.0, abs=0.2)


def test_thermal_counts_of_sixteen_bits(run, case):
    status, cameras, _ = run("--infrared", f"video={case('05-gray16-video/radiometric.mkv')}")
    assert status == 0 and len(cameras["video"]["tracklets"]) == 1


def test_forty_bad_packets(run, case):
    hole = case("13-broken-gop/hole.mp4")
    status, cameras, said = run("--visible", f"hole={hole}", "--start", f"hole={START}")
    assert status == 1 and "40 frames in the middle could not be read" in said
    assert cameras["hole"]["status"] == "partial" and cameras["hole"]["frames"] == 130
    last = max(cameras["hole"]["tracklets"], key=seconds)
    assert seconds(last)[1] == pytest.approx(14.5, abs=0.2)


@pytest.mark.parametrize("name", ["mirror", "rot180"])
def test_turned_and_mirrored(run, case, name):
    status, cameras, _ = run("--visible", f"cam={case(f'23-rotated/{name}.mp4')}")
    assert status == 0 and len(cameras["cam"]["tracklets"]) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_a_video_on_a_server(run, case, ranges):
    with files(case("08-http-vod/clip.mp4").read_bytes(), ranges) as server:
        status, cameras, _ = run("--visible", f"clip={server.url}")
    clip = cameras["clip"]
    assert (status, clip["status"], clip["frames"], len(clip["tracklets"])) == (0, "complete", 92, 1)
