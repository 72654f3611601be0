"""What a follower is given to work with."""

import threading
from dataclasses import dataclass, field

from reid_core.gallery import Gallery
from stream.kafka.settings import KafkaSettings
from stream.service.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of one worker.

    Attributes:
        gallery: whose outbox is followed.
        telemetry: told what happens.
        kafka: how the brokers are reached.
        prefix: in front of every topic's name.
        group: of the workers; a follower works in one of them at a time.
        record_bytes: the largest record that a topic takes.
        stop: set when followers are to end: what takes long gives up.
    """

    gallery: Gallery
    telemetry: Telemetry
    kafka: KafkaSettings
    prefix: str
    group: str
    record_bytes: int
    stop: threading.Event = field(default_factory=threading.Event)
