"""A camera's password, whatever it is, stands in nothing that is written or told of the camera."""

import json
import logging
import threading
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from unittest.mock import patch
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from prometheus_client import CollectorRegistry, generate_latest

from console.dead_letters import list_command, show_command
from console.kafka import Deployment
from console.log_lines import JsonLines, TextLines
from console.report import write_report
from reid_core.errors import ConfigError, NightreidError
from reid_core.gallery import Gallery
from reid_core.redaction import redact
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.chain.config import LiveSettings, RunSettings
from stream.footage.naming import parse_source
from stream.kafka.blobs import BlobStore
from stream.kafka.dead_letters import DeadLetter
from stream.kafka.envelope import Envelope, Kind, Stream
from stream.kafka.settings import KafkaSettings
from stream.kafka.wire import read, write
from stream.publisher.config import PublishSettings, ReconnectSettings, with_sources
from stream.publisher.publishing import publish
from stream.run.export import to_json
from stream.run.running import run_footage
from tests.support.brightness import SMALL, brightness_detector
from tests.support.mjpeg import camera
from tests.support.night import Counting
from tests.support.secrets import logins, passwords, seen

# Seconds each: few, and none to look for a smaller one.
FEW = settings(
    max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.generate],
    database=None,
)


def encoded(login):
    user, _, password = login.partition(":")
    return f"{quote(user, safe='')}:{quote(password, safe='')}"


@pytest.mark.slow
@FEW
@given(login=logins(), other=logins())
def test_a_run_writes_and_tells_it_nowhere(login, other, colour_checkpoint, module_tmp, caplog):
    """One camera that lets us in, and one that does not answer, whose password nobody encoded."""
    folder = module_tmp("run")
    progress = Counting(0, lambda: None)
    live = LiveSettings(open_seconds=2, gone_seconds=0.2)
    with (
        camera(frames=30, login=encoded(login)) as server,
        Gallery.open(f"sqlite:///{folder}/x.db") as gallery,
    ):
        addresses = [server.url, f"rtsp://{other}@127.0.0.1:1/s"]
        specs = [parse_source(address, Modality.VISIBLE) for address in addresses]
        result = run_footage(
            specs,
            gallery,
            brightness_detector(),
            load_embedder(colour_checkpoint),
            RunSettings(detector=SMALL, live=live),
            progress,
            threading.Event(),
        )
    write_report(result, folder / "report.html", datetime.now(UTC))
    assert {one.status for one in result.cameras} == {"partial", "failed"}, "else nothing is shown here"
    assert all(one.id.startswith("127.0.0.1-") for one in result.cameras)
    outputs = [
        *(json.dumps(to_json(result)), str(result), *progress.notes, str(specs)),
        *(path.read_bytes() for path in folder.rglob("*") if path.is_file()),
        *(record.getMessage() for record in caplog.records),
    ]
    assert seen(login.partition(":")[2], *outputs) == set()
    assert seen(other.partition(":")[2], *outputs) == set()


@pytest.mark.slow
@FEW
@given(login=logins(), other=logins())
def test_a_publisher_sends_and_tells_it_nowhere(login, other, fake_kafka):
    registry, progress = CollectorRegistry(), _Notes()
    fake_kafka.records.clear()
    live = ReconnectSettings(open_seconds=1, gone_seconds=0, first_seconds=0.1, most_seconds=0.2)
    with camera(frames=5, login=encoded(login)) as server:
        addresses = [server.url, f"rtsp://{other}@127.0.0.1:1/s"]
        specs = [parse_source(address, Modality.VISIBLE) for address in addresses]
        chosen = with_sources(PublishSettings(codec="png", live=live), specs)
        stop = threading.Event()
        timer = threading.Timer(3, stop.set)
        timer.start()
        result = publish(chosen, stop, progress, registry)
        timer.cancel()
    sent = fake_kafka.records
    assert sent and fake_kafka.envelopes[0].stream.source == redact(server.url), "else nothing is shown here"
    outputs = [
        *(str(result), str(chosen), *progress.notes, generate_latest(registry)),
        *(each for one in sent for each in (one.key, one.value or b"", str(one.headers))),
    ]
    assert seen(login.partition(":")[2], *outputs) == set()
    assert seen(other.partition(":")[2], *outputs) == set()


class _Notes:
    def __init__(self):
        self.notes = []

    def update(self, status):
        self.notes.append(str(status))

    def note(self, text):
        self.notes.append(text)


@given(login=logins())
def test_a_camera_without_a_name_is_named_after_its_host(login):
    for scheme in ("rtsp", "http", "srt"):
        named = parse_source(f"{scheme}://{login}@cam.example:554/s", Modality.VISIBLE)
        assert named.camera.startswith("cam.example-"), "a part of the password is no host"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("rtsp://a:b@cam.example/1", "cam.example-9512"),
        ("http://cam/video?user=joe&password=x&size=2", "cam-0786"),
        ("rtsp://cam:554/user=admin&pwd=hush&channel=1", "cam-2483"),
        ("rtsps://192.168.1.1:7441/x8Jh2kLmN0pQrStu?enableSrtp", "192.168.1.1-5962"),
        ("rtsps://192.168.1.1:7441/Ab3dEf6hIjK9mNoP?enableSrtp", "192.168.1.1-3923"),
        ("rtsp://a:b@cam.example/cam?psw=x", "cam.example-0724"),
    ],
)
def test_cameras_of_galleries_keep_their_names(address, name):
    assert parse_source(address, Modality.VISIBLE).camera == name


@given(login=logins())
@pytest.mark.slow
def test_addresses_of_brokers_blobs_and_databases_are_refused_without_it(login):
    _, _, password = login.partition(":")
    for attempt in (
        lambda: KafkaSettings(bootstrap=f"{login}@kafka:9092"),
        lambda: KafkaSettings(bootstrap=[f"SASL_SSL://{login}@kafka:9092"]),
        lambda: BlobStore(f"nosuch://{login}@store/blobs"),
        lambda: Gallery.open(f"nosuch://{login}@db.example/x"),
        lambda: Gallery.open(f"sqlite://{login}@db.example/x"),
        lambda: Gallery.open(f"postgresql+psycopg://{login}@db.example:port/x"),
    ):
        with pytest.raises((ValueError, NightreidError)) as refused:
            attempt()
        error = refused.value
        said = str(error.errors(include_input=False)) if hasattr(error, "errors") else str(error)
        assert seen(password, said) == set()


@pytest.mark.slow
@settings(max_examples=10)
@given(password=passwords())
def test_a_database_that_does_not_answer_is_told_of_without_it(password):
    for given_as in (password, quote(password, safe="")):
        with pytest.raises(NightreidError) as away:
            Gallery.open(f"postgresql+psycopg://joe:{given_as}@127.0.0.1:1/x?sslpassword=Qzsecret")
        assert seen(password, str(away.value)) | seen("Qzsecret", str(away.value)) == set()


def test_a_blob_store_whose_login_is_odd_is_refused_with_a_way_out():
    with pytest.raises(ConfigError, match="told from its login") as refused:
        BlobStore("sftp://joe:Hush#2024@store/blobs")
    assert "# as %23" in refused.value.hint


@given(login=logins())
def test_workers_and_dead_letters_hide_what_another_publisher_sent(login):
    address = f"rtsp://{login}@cam/1"
    stream = Stream("s", "gate", Modality.VISIBLE, Spectrum.VISIBLE, 10.0, 0, address)
    value, headers = write(Envelope(Kind.END, stream, 3, 4, problem=address))
    found = read(value, headers)
    assert found.stream.source == found.problem == "rtsp://***@cam/1"
    letter = DeadLetter("frames", 0, 1, address.encode(), value, headers, "codec", address, 1, "1", 0)
    with (
        patch("console.dead_letters.list_letters", lambda *_: iter([letter])),
        patch("console.dead_letters.show", lambda *_: letter),
        redirect_stdout(StringIO()) as out,
    ):
        for as_json in (False, True):
            list_command(Deployment(), (), None, as_json)
            show_command(Deployment(), letter.place, None, as_json)
    assert out.getvalue().count("rtsp://***@cam/1") == 7
    assert seen(login.partition(":")[2], out.getvalue()) == set()


@given(login=logins())
def test_log_lines_hide_it(login):
    address = f"rtsp://{login}@cam/1"
    try:
        raise ValueError(f"cannot open {address}")
    except ValueError as error:
        trouble = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "%s is away", (address,), trouble)
    lines = [form.format(record) for form in (JsonLines(), TextLines())]
    assert all("rtsp://***@cam/1 is away" in line for line in lines)
    assert seen(login.partition(":")[2], *lines) == set()
