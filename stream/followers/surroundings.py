"""What a follower is given to work with."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from reid_core.gallery import Gallery
from reid_core.models.language import TextEncoder
from reid_core.watching.service import Watching
from stream.chain.config import CaptionSettings
from stream.kafka.settings import KafkaSettings
from stream.service.telemetry import Telemetry
from stream.webhooks.settings import WebhookSettings


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
        captions: how tracklets are captioned.
        encoder: of captions, where there is one for the gallery's space.
        watching: who looks out for watches, where somebody does.
        webhooks: where alerts are delivered to, by name.
        alert_keys: that sign the records of alerts; none where they are not signed.
    """

    gallery: Gallery
    telemetry: Telemetry
    kafka: KafkaSettings
    prefix: str
    group: str
    record_bytes: int
    stop: threading.Event = field(default_factory=threading.Event)
    captions: CaptionSettings = field(default_factory=CaptionSettings)
    encoder: TextEncoder | None = None
    watching: Watching | None = None
    webhooks: Mapping[str, WebhookSettings] = field(default_factory=dict)
    alert_keys: tuple[bytes, ...] = field(default=(), repr=False)
