"""What may open beside what."""

import os
import threading
import time

from stream.footage.door import _Door, environment


def inside(context, entered, leave):
    def work():
        with context():
            entered.append(context.__name__)
            leave.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_cameras_open_side_by_side_and_files_alone():
    door, entered, first, second = _Door(), [], threading.Event(), threading.Event()
    threads = [inside(door.camera, entered, first) for _ in range(3)]
    time.sleep(0.1)
    assert entered == ["camera"] * 3
    threads.append(inside(door.file, entered, second))
    time.sleep(0.1)
    # A camera that comes later does not keep the file out for longer.
    threads.append(inside(door.camera, entered, second))
    time.sleep(0.1)
    assert entered == ["camera"] * 3
    first.set()
    time.sleep(0.2)
    assert entered[3:] == ["file"]
    second.set()
    for thread in threads:
        thread.join(5)
    assert entered[3:] == ["file", "camera"]


def test_an_environment_is_as_it_was(monkeypatch):
    monkeypatch.delenv("NIGHTREID_X", raising=False)
    with environment("NIGHTREID_X", "1"):
        assert os.environ["NIGHTREID_X"] == "1"
    assert "NIGHTREID_X" not in os.environ
    monkeypatch.setenv("NIGHTREID_X", "0")
    with environment("NIGHTREID_X", "1"):
        pass
    assert os.environ["NIGHTREID_X"] == "0"
