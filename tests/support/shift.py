"""A night shift on real Kafka: frames published by hand, workers in processes that may be killed."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from stream.footage.opening import open_source
from stream.footage.sources import recording_id
from stream.kafka.envelope import Codec, Envelope, Kind, Stream
from stream.kafka.payloads import encode
from stream.kafka.wire import write
from stream.worker.config import WorkerSettings
from stream.worker.records import Prepared, Taken
from stream.worker.worker import Worker
from tests.support.brightness import SMALL, brightness_detector
from tests.support.night import specs


def make_topics(bootstrap: str, prefix: str, partitions: int = 2) -> None:
    """The topics of a deployment, small."""
    frames = {
        f"{prefix}{name}": {
            "num_partitions": partitions,
            "replication_factor": 1,
            "configs": {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(10 << 20)},
        }
        for name in ("frames.visible", "frames.infrared", "dlq.frames.visible", "dlq.frames.infrared")
    }
    results = {
        f"{prefix}{name}": {"num_partitions": 1, "replication_factor": 1}
        for name in ("sightings", "links", "captions", "alerts", "control")
    }
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({**frames, **results})
    admin.close()


def records_of(videos, cameras=("gate", "yard", "night"), live=False):
    """Every envelope of the small world's cameras, merged by capture time as the publisher merges them."""
    stop = threading.Event()
    merged: list[tuple[int, int, int, Envelope]] = []
    for order, spec in enumerate(specs(videos, cameras)):
        source = open_source(spec, 10.0, 5.0, 5.0)
        stream = Stream(
            recording_id(source),
            spec.camera,
            spec.modality,
            spec.spectrum,
            source.fps,
            source.start_ns,
            spec.location,
            live,
        )
        last = 0
        for picture in source.frames(0, stop):
            payload = encode(picture.rgb(), Codec.PNG)
            height, width = picture.image.shape[:2]
            frame = Envelope(
                Kind.FRAME, stream, picture.index, picture.time_ns, Codec.PNG, width, height, payload
            )
            merged.append((picture.time_ns, order, picture.index, frame))
            last = picture.time_ns
            frames = picture.index + 1
        merged.append((last, order, frames, Envelope(Kind.END, stream, frames, last)))
    merged.sort(key=lambda one: one[:3])
    return [one[3] for one in merged]


def topic_of(prefix: str, envelope: Envelope) -> str:
    return f"{prefix}frames.{envelope.stream.modality}"


def send(bootstrap: str, prefix: str, envelopes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_request_size=10 << 20)
    for envelope in envelopes:
        value, headers = write(envelope)
        producer.send(topic_of(prefix, envelope), value, key=envelope.key, headers=headers)
    producer.flush(60)
    producer.close()


@dataclass(frozen=True)
class Post:
    """One worker: what it is told, and what it is to die of.

    Attributes:
        bootstrap: of Kafka.
        prefix: of the topics.
        database: of the gallery.
        model: folder of the embedder.
        group: of the workers.
        member: static name, or empty.
        limits: of its memory and patience.
        order: how far records may be off.
        session_seconds: of its membership.
        slow: seconds the detector takes for each look.
        deadly: what kills it: see `tests.support.deaths`.
        blobs: where frames lie that are too large for a record, or empty.
        captions: how tracklets are captioned; not at all unless it names a captioner.
        status_port: where it answers; 0 any that is free, -1 none.
        log: file it writes its log to, or empty.
    """

    bootstrap: str
    prefix: str
    database: str
    model: str
    group: str = "night"
    member: str = ""
    limits: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    session_seconds: float = 6.0
    slow: float = 0.0
    deadly: str = ""
    blobs: str = ""
    captions: dict[str, Any] = field(default_factory=dict)
    status_port: int = -1
    log: str = ""

    def settings(self) -> WorkerSettings:
        return WorkerSettings.model_validate(
            {
                "kafka": {"bootstrap": [self.bootstrap]},
                "prefix": self.prefix,
                "group": self.group,
                "member": self.member or None,
                "database": self.database,
                "detector": SMALL.model_dump(),
                "identity": {"merge_score": 0.98},
                # As `tests.support.night` has it.
                "cameras": {"gate": {"overlaps": ["yard"]}},
                "session_seconds": self.session_seconds,
                "limits": {"idle_seconds": 4.0, "lease_seconds": 2.0, "commit_seconds": 0.1} | self.limits,
                "order": self.order,
                "blobs": self.blobs or None,
                "captions": self.captions,
                "metrics_port": self.status_port if self.status_port >= 0 else None,
            }
        )


def work(post: Post, prepare_record: Callable[[Taken], Prepared] | None = None) -> None:
    """Be that worker until SIGTERM."""
    import logging

    logging.basicConfig(
        filename=post.log or None, level=logging.INFO, format="%(asctime)s %(threadName)s %(message)s"
    )
    logging.getLogger("kafka").setLevel(os.environ.get("NIGHTREID_KAFKA_LOG", "ERROR"))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = post.settings()
    with Gallery.open(post.database) as gallery:
        embedder = load_embedder(post.model, threads=1)
        detector = brightness_detector(slow=post.slow)
        worker = Worker(gallery, detector, embedder, settings, stop, prepare_record)
        if post.deadly:
            from tests.support.deaths import arm

            arm(worker, gallery, post.deadly)
        worker.run()


def work_beside(installed: str, post: Post) -> None:
    """The same where packages are installed in a folder."""
    sys.path.insert(0, installed)
    work(post)


def main() -> None:
    work(Post(**json.loads(sys.argv[1])))


def as_argument(post: Post) -> str:
    return json.dumps(asdict(post))


if __name__ == "__main__":
    main()
