"""Real footage over real Kafka into real PostgreSQL, by the commands: the rows of `nightreid run`."""

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.request

import psycopg
import pytest

from tests.conftest import command_environment
from tests.support.galleries import gallery_rows
from tests.support.shift import make_topics

pytestmark = [pytest.mark.footage, pytest.mark.slow]
STARTS = {"day": "2026-03-01T10:00:00Z", "night": "2026-03-01T22:00:00Z"}


def command(*arguments):
    return [sys.executable, "-m", "console.cli", *map(str, arguments)]


@contextlib.contextmanager
def worker(tmp_path, name, *arguments):
    """A worker of the command line; its port and its log."""
    log = (tmp_path / f"{name}.log").open("w")
    process = subprocess.Popen(
        command("worker", *arguments), cwd=tmp_path, env=command_environment(), stderr=log
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        log.close()


def port_of(tmp_path, name):
    for _ in range(600):
        for line in (tmp_path / f"{name}.log").read_text().splitlines():
            if "Status at port" in line:
                return int(line.partition("Status at port ")[2].partition(":")[0])
        time.sleep(0.1)
    raise AssertionError((tmp_path / f"{name}.log").read_text())


def metric(port, name):
    """The sum over all labels of a metric."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    lines = (line for line in text.splitlines() if line.startswith(name) and not line.startswith("#"))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def ready(port):
    with contextlib.suppress(urllib.error.HTTPError):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5).status == 200
    return False


def settled(url):
    """Whether every recording is complete and nothing waits for its turn."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        done = connection.execute("SELECT count(*) FROM recordings WHERE status = 'complete'").fetchone()[0]
        staged = connection.execute("SELECT count(*) FROM staged").fetchone()[0]
    return done == len(STARTS) and staged == 0


def test_two_workers_make_the_rows_of_one_run(kafka, postgres, topic_prefix, footage, nightreid, tmp_path):
    starts = [part for camera, start in STARTS.items() for part in ("--start", f"{camera}={start}")]
    run = nightreid(
        *("run", "--visible", f"day={footage['day']}", "--infrared", f"night={footage['night']}"),
        *(*starts, "--db", "sqlite:///run.db", "--json"),
        cwd=tmp_path,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    make_topics(kafka.bootstrap, topic_prefix, partitions=1)
    common = ("--bootstrap", kafka.bootstrap, "--set", f"prefix={topic_prefix}")
    told = (*common, "--db", postgres, "--metrics-port", "0", "--set", "limits.idle_seconds=5")
    with worker(tmp_path, "one", *told) as one, worker(tmp_path, "two", *told) as two:
        ports = [port_of(tmp_path, name) for name in ("one", "two")]
        cameras = [
            {"camera": camera, "source": str(footage[camera]), "modality": modality, "start": STARTS[camera]}
            for camera, modality in (("day", "visible"), ("night", "infrared"))
        ]
        (tmp_path / "publish.yaml").write_text(json.dumps({"cameras": cameras, "codec": "png"}))
        published = nightreid(
            "publish", "--config", "publish.yaml", *common, "--json", cwd=tmp_path, timeout=300
        )
        assert published.returncode == 0, published.stderr
        begun = time.monotonic()
        while not settled(postgres):
            assert time.monotonic() - begun < 240, (tmp_path / "one.log").read_text()
            assert one.poll() is None and two.poll() is None, (tmp_path / "one.log").read_text()
            time.sleep(0.5)
        assert all(ready(port) for port in ports)
        taken = [metric(port, "nightreid_worker_frames_total") for port in ports]
        for process in (one, two):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(30) for process in (one, two)] == [0, 0]
    # Each of them had a camera; a rebalance may have made it go over some frames again.
    assert min(taken) >= 783 and max(taken) >= 1394
    expected = gallery_rows(f"sqlite:///{tmp_path}/run.db")
    found = gallery_rows(postgres)
    assert {name: len(rows) for name, rows in found.items()} == {
        name: len(rows) for name, rows in expected.items()
    }
    assert len(expected["tracklets"]) >= 9 and expected["links"]
    different = {
        name: (set(rows) - set(found[name]), set(found[name]) - set(rows))
        for name, rows in expected.items()
        if found[name] != rows
    }
    assert different == {}
