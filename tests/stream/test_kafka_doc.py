"""docs/kafka.md says what the code says: its tables hold every name that the code has, and no other."""

import json
import re
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import msgpack
import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.outbox import ALERT_RAISED, LINK_MADE, TRACKLET_CLOSED, Outbox
from reid_core.matcher import Matcher
from reid_core.types import Candidate, Modality, Spectrum
from stream.followers import announcements, announcing, told_before
from stream.kafka import dead_letters, envelope, wire
from stream.kafka.envelope import Codec, Envelope, Kind, Refusal, Stream
from stream.kafka.topic_plan import TopicSettings, plan
from stream.kafka.wire import write
from stream.publisher.config import PublishSettings
from stream.publisher.outgoing import Cause
from stream.worker import sequencing
from stream.worker.config import WorkerSettings
from tests.support.gallery_world import MODEL, Scene, unit
from tests.support.metrics import publisher_metrics, worker_metrics
from tests.support.watched import Square

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/kafka.md").read_text(encoding="utf-8")
PROSE = " ".join(DOCUMENT.split())
HOURS = {"hours": 1, "days": 24}


@cache
def tables():
    """``(section, names of the columns) -> rows``; first cells without their backticks."""
    found, section, rows = {}, "", None
    for line in DOCUMENT.splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else None
        if cells is None:
            rows = None
        elif rows is None:
            rows = found[section, tuple(cells)] = []
        elif set(cells[0]) != {"-"}:
            rows.append([cells[0].strip("`"), *cells[1:]])
    return found


def table(section, *columns):
    """A table as a dictionary from its first column to the rest, or to the second where there are two."""
    rows = tables()[section, columns]
    names = [row[0] for row in rows]
    assert len(set(names)) == len(names)
    return {row[0]: row[1] if len(row) == 2 else row[1:] for row in rows}


def test_every_table_of_the_document_is_held_to_the_code():
    checked = {
        ("Topics", "topic"),
        ("Headers", "header"),
        ("Body", "field"),
        ("Codecs", "codec"),
        ("Order", "kind"),
        ("Results", "header"),
        ("Sightings", "field"),
        ("Links", "field"),
        ("Captions", "field"),
        ("Alerts", "field"),
        ("Dead letters", "header"),
        ("Dead letters", "reason"),
        ("What a publisher guarantees", "cause"),
        ("Of a worker", "metric"),
        ("Of a publisher", "metric"),
    }
    there = [(section, columns[0]) for section, columns in tables()]
    # Under "Links" are two: of a link and of its candidates.
    assert set(there) == checked


def test_topics_are_those_that_are_made():
    said = table("Topics", "topic", "key", "partitions", "kept for", "holds")
    settings = TopicSettings()
    made = {topic.name: topic for topic in plan(settings)}
    assert list(said) == [name for name in said if name in made] and set(said) == set(made)
    for name, (_, partitions, kept, _) in said.items():
        configs = made[name].configs
        assert int(partitions) == made[name].partitions, name
        assert configs["message.timestamp.type"] == "LogAppendTime"
        if kept == "last of each key":
            assert configs["cleanup.policy"] == "compact"
        else:
            number, word = kept.split()
            assert int(number) * HOURS[word] * 3_600_000 == int(configs["retention.ms"]), name
    assert said["control"][2] == "last of each key"
    assert settings.max_message_bytes == 2 << 20 and "may have 2 MiB" in PROSE
    for key in re.findall(r"--set (\w+)=", DOCUMENT):
        assert key in TopicSettings.model_fields


def test_headers_and_body_are_the_envelopes():
    assert table("Headers", "header", "holds") == envelope.HEADERS
    assert table("Body", "field", "holds") == envelope.BODY
    assert f"`{wire.SCHEMA}/{wire.MAJOR}.{wire.MINOR}`" in DOCUMENT


@pytest.mark.parametrize(
    "sent",
    [
        {"payload": b"x"},
        {"blob": "0" * 64, "digest": "sha256:" + "0" * 64},
        {"kind": Kind.END, "codec": Codec.NONE, "problem": "It broke."},
    ],
)
def test_what_is_written_has_those_headers_and_fields_and_no_other(sent):
    stream = Stream("s", "gate", Modality.INFRARED, Spectrum.NEAR, 10.0, 0, "gate.mp4")
    usual = {"kind": Kind.FRAME, "codec": Codec.PNG, "width": 64, "height": 48}
    value, headers = write(Envelope(stream=stream, seq=3, capture_ns=4, sent_ns=5, **usual | sent))
    assert [name for name, _ in headers] == list(envelope.HEADERS)
    assert set(msgpack.unpackb(value)) <= set(envelope.BODY)
    # Needed are all but two, as the document says.
    for left_out in envelope.HEADERS:
        fewer = [(name, text) for name, text in headers if name != left_out]
        if left_out == "live":
            assert not wire.read(value, fewer).stream.live
        elif left_out == wire.SENT_HEADER:
            assert wire.read(value, fewer).sent_ns is None
        else:
            with pytest.raises(envelope.EnvelopeError):
                wire.read(value, fewer)


def test_codecs_refusals_and_causes_are_all_there():
    assert set(table("Codecs", "codec", "the payload is", "pixels")) == set(Codec)
    assert set(table("Dead letters", "reason", "the record")) == set(Refusal)
    assert set(table("What a publisher guarantees", "cause", "the frame")) == set(Cause)


def test_oddities_are_those_that_are_counted():
    source = Path(sequencing.__file__).read_text(encoding="utf-8")
    counted = set(re.findall(r'_counts\["(\w+)"\]', source))
    said = table("Order", "kind", "counts")
    assert set(said) == counted
    [family] = [one for one, _ in worker_metrics() if one.name == "nightreid_worker_oddities"]
    assert set(re.findall(r"\w+", family.documentation.partition(":")[2])) == counted


def test_dead_letters_have_those_headers():
    assert table("Dead letters", "header", "holds") == dead_letters.HEADERS
    assert f"the header `{wire.REPLAY_HEADER}`" in PROSE
    assert f"the header `{announcing.LEFT_OUT_HEADER}`" in PROSE
    record = SimpleNamespace(
        topic="t", partition=0, offset=0, timestamp=0, key=b"k", value=b"v", headers=[("schema", b"?")]
    )
    sent = dead_letters.DeadLetter.of(record, "schema", "Why.").to_record()
    assert [name for name, _ in sent.headers] == ["schema", *dead_letters.HEADERS]


def test_results_have_those_fields():
    headers = table("Results", "header", "holds")
    assert set(headers) == {
        announcements.SCHEMA_HEADER,
        told_before.OUTBOX_HEADER,
        told_before.EVENT_HEADER,
        told_before.GENERATION_HEADER,
    }
    for schema in (announcements.SIGHTING_SCHEMA, announcements.LINK_SCHEMA, announcements.ALERT_SCHEMA):
        assert f"`{schema}`" in headers[announcements.SCHEMA_HEADER]
    generator = np.random.default_rng(3)
    with Gallery.open("sqlite://") as gallery:
        day, night = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
        entries = [day.entry(0, unit(generator, 2)), night.entry(0, unit(generator, 1))]
        gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
        gallery.put_links([Matcher(gallery, MODEL, None, top=3).match(entries[1].tracklet.id)])
        outbox = Outbox(gallery.database)
        seen = {event.kind for event in outbox.after(0, {TRACKLET_CLOSED, LINK_MADE}, 9)}
        sighting = outbox.tracklet(entries[1].tracklet.id)
        link = outbox.link(entries[1].tracklet.id, MODEL)
    assert seen == {TRACKLET_CLOSED, LINK_MADE}
    assert list(table("Sightings", "field", "holds")) == list(sighting)
    of_link, of_candidate = links_and_candidates()
    assert set(of_link) == set(link) - set(sighting)
    assert of_candidate == list(link["candidates"][0]) == [field.name for field in fields(Candidate)]
    json.dumps({**sighting, **link})


def test_alerts_have_those_fields():
    with Gallery.open("sqlite://") as gallery:
        square = Square(gallery)
        square.watch("a red coat", name="Monday")
        square.comes("lobby", 0)
        square.looks().catch_up()
        [event] = Outbox(gallery.database).after(0, {ALERT_RAISED}, 9)
        told = announcements.KINDS[ALERT_RAISED].make(Outbox(gallery.database), event, "siteA.")
    said = json.loads(told.value)
    assert list(said) == list(table("Alerts", "field", "holds"))
    assert (told.topic, told.key) == ("siteA.alerts", b"lobby")
    assert (said["name"], said["watch"], said["modality"], said["calibrated"]) == (
        "Monday",
        1,
        "visible",
        True,
    )


def links_and_candidates():
    """Names of the fields in the two tables of the section on links."""
    text = DOCUMENT.partition("### Links")[2].partition("\n### ")[0]
    first, second = text.split("Each candidate:")
    return tuple(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) for part in (first, second))


@pytest.mark.parametrize(
    ("section", "metrics"), [("Of a worker", worker_metrics), ("Of a publisher", publisher_metrics)]
)
def test_metrics_are_those_that_are_served(section, metrics):
    said = table(section, "metric", "kind", "labels", "says")
    served = {
        f"{family.name}{'_total' if family.type == 'counter' else ''}": [
            family.type,
            ", ".join(f"`{label}`" for label in labels),
            family.documentation,
        ]
        for family, labels in metrics()
    }
    assert said == served


def test_metrics_and_settings_in_the_text_exist():
    tabled = {
        *table("Of a worker", "metric", "kind", "labels", "says"),
        *table("Of a publisher", "metric", "kind", "labels", "says"),
    }
    assert set(re.findall(r"nightreid_(?:worker|publisher)_\w+", DOCUMENT)) == tabled
    worker, publisher = WorkerSettings(), PublishSettings()
    for section, key in re.findall(r"`(limits|order|tracker)\.(\w+)`", DOCUMENT):
        assert hasattr(getattr(worker, section), key), key
    for section, key in re.findall(r"`(buffer|live)\.(\w+)`", DOCUMENT):
        assert hasattr(getattr(publisher, section), key), key


def test_numbers_beside_settings_are_the_defaults():
    worker, publisher = WorkerSettings(), PublishSettings()
    said = dict(re.findall(r"`((?:limits|order|tracker)\.\w+)`\s+(?:records\s+)?\((\d+)", PROSE))
    assert said
    for key, number in said.items():
        section, name = key.split(".")
        assert getattr(getattr(worker, section), name) == float(number), key
    assert f"`buffer.bytes` ({publisher.buffer.bytes >> 20} MiB)" in PROSE
    assert f"({publisher.inline_bytes:,})" in PROSE
    assert f"`blob_hours` ({worker.blob_hours:.0f})" in PROSE


def test_stages_are_those_that_are_timed():
    text = DOCUMENT.partition("Stages (`stage`):")[2].partition(".\n")[0].partition("`frame_age`")[0]
    timed = set()
    for file in (ROOT / "stream").rglob("*.py"):
        timed |= set(re.findall(r'telemetry\.timed\("(\w+)"\)', file.read_text(encoding="utf-8")))
    assert set(re.findall(r"`(\w+)`", text)) == timed


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", DOCUMENT):
        if target == "faults.md" and not (ROOT / "docs/faults.md").exists():
            pytest.skip("docs/faults.md is not there yet")
        assert (ROOT / "docs" / target).exists(), target
