"""`nightreid publish` where it cannot begin: one sentence, no traceback, a status that is not zero."""

from http.server import HTTPServer

import pytest

VIDEO = ("night=night.mp4", "--modality", "infrared")


@pytest.fixture
def folder(tmp_path, night_videos):
    (tmp_path / "night.mp4").symlink_to(night_videos["night"])
    return tmp_path


@pytest.fixture
def call(folder, command, monkeypatch):
    """Run ``nightreid publish`` in this process."""
    monkeypatch.chdir(folder)
    return lambda *arguments: command("publish", *arguments)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "There is nothing to publish."),
        (("night.mp4",), 2, "The modality of the sources is not given."),
        (("missing.mp4", "--modality", "visible"), 1, "missing.mp4 does not exist"),
        (("night.mp4", "--modality", "thermal"), 2, "thermal"),
        ((*VIDEO, "--camera", "a", "--camera", "b"), 2, "There are 1 sources and 2 ids of cameras."),
        ((*VIDEO, "--camera", ""), 2, "an id has 1 to 255 characters"),
        ((*VIDEO, "night=night.mp4"), 2, "2 sources are called 'night'"),
        (("--camera", "a"), 2, "there are none"),
        ((*VIDEO, "--start", "yesterday"), 2, "'yesterday' is not a time"),
        ((*VIDEO, "--start", "2026-11-20T18:00:00"), 2, "the time has no zone"),
        ((*VIDEO, "--start", "gate=2026-11-20T18:00:00Z"), 2, "no source is called 'gate'"),
        ((*VIDEO, "b=night.mp4", "--start", "2026-11-20T18:00:00Z"), 2, "which of the 2 sources?"),
        ((*VIDEO, "--max-fps", "-3"), 2, "max_fps"),
        ((*VIDEO, "--codec", "gif"), 2, "gif"),
        ((*VIDEO, "--bootstrap", "some where"), 2, "kafka.bootstrap"),
        ((*VIDEO, "--set", "buffer.size=3"), 2, "'buffer.bytes'"),
        ((*VIDEO, "--config", "missing.yaml"), 2, "missing.yaml does not exist"),
        ((*VIDEO, "--metrics-port", "99999"), 2, "metrics_port"),
        ((*VIDEO, "--set", "blobs=gopher://x"), 2, "blob store's address"),
    ],
)
def test_wrong_input_is_one_sentence(call, arguments, status, said):
    done = call(*arguments)
    (sentence,) = [line for line in done.err.splitlines() if line.startswith("error[")]
    assert said in done.err and sentence.endswith((".", "?"))
    assert done.status == status and done.out == "" and "Traceback" not in done.err


def test_what_is_wrong_with_a_camera_does_not_tell_its_password(call, folder):
    address = "rtsp://joe:s3cret@cam/1"
    (folder / "c.yaml").write_text(
        f"cameras:\n- {{camera: a, source: '{address}', modality: visible, spectrum: near}}\n"
    )
    for arguments in (
        ("--config", "c.yaml"),
        (address,),
        (address, "--modality", "visible", "--camera", "a", "--camera", "b"),
        (address, "--modality", "visible", "--start", "b=2026-11-20T18:00:00Z"),
        (address, address, "--modality", "visible"),
    ):
        done = call(*arguments)
        assert done.status == 2 and "s3cret" not in done.err + done.out


def test_a_port_that_is_taken_is_one_sentence(call):
    with HTTPServer(("", 0), None) as server:
        done = call(*VIDEO, "--metrics-port", server.server_port)
    assert done.status == 2 and f"port {server.server_port} " in done.err and "Traceback" not in done.err


def test_help_names_everything(nightreid, tmp_path):
    done = nightreid("publish", "--help", cwd=tmp_path)
    for option in ("--camera", "--modality", "--bootstrap", "--config", "--realtime", "--json"):
        assert option in done.stdout
