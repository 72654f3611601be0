"""Settings of a night-shift worker."""

from typing import Literal

from pydantic import Field

from reid_core.audit.settings import AuditSettings
from reid_core.config import Settings
from reid_core.retention.rules import RetentionRules
from reid_core.types import Modality
from stream.chain.config import ChainSettings
from stream.kafka.clients import KafkaSettings
from stream.kafka.envelope import MOST_PIXELS
from stream.kafka.topic_plan import DEAD_LETTER_ROOM, DEFAULT_MESSAGE_BYTES
from stream.webhooks.settings import SigningSettings, WebhookName, WebhookSettings
from stream.worker.sequencing import OrderSettings


class ModelSettings(Settings):
    """Which models look.

    Attributes:
        detector: YOLO weights, as `nightreid run --detector` takes them; ``null`` for the starter model.
        reid: embedder, as `nightreid run --reid` takes it; ``null`` for the starter model.
    """

    detector: str | None = None
    reid: str | None = None


class LimitSettings(Settings):
    """Bounds of a worker's memory and patience.

    Attributes:
        records: records that may wait inside the worker; above it, and above ``bytes``, partitions pause.
        bytes: what those may take decoded.
        pixels: a larger frame is a dead letter.
        record_bytes: the largest record that is sent, a dead letter among them; no more than the topics take.
        decoders: frames decoded at once.
        commit_seconds: how long what is settled may wait to be written.
        idle_seconds: a camera that is silent for longer holds nobody up, and what it left open is closed.
        hold_seconds: a closed tracklet waits for its turn for no longer, whatever other cameras do; time in
            which records waited in Kafka, or Kafka did not answer, does not count.
        attempts: how often a record that ends the process is tried before it is a dead letter.
        stop_seconds: how long stopping may take.
        lease_seconds: how long a worker may be silent before another admits and announces in its place.
        stuck_seconds: a worker that gets nowhere for longer is not alive.
    """

    records: int = Field(default=128, ge=1)
    bytes: int = Field(default=512 << 20, ge=1 << 20)
    pixels: int = Field(default=MOST_PIXELS, ge=1024)
    record_bytes: int = Field(default=DEFAULT_MESSAGE_BYTES + DEAD_LETTER_ROOM, ge=1 << 16)
    decoders: int = Field(default=2, ge=1, le=64)
    commit_seconds: float = Field(default=0.5, ge=0)
    idle_seconds: float = Field(default=10.0, gt=0)
    hold_seconds: float = Field(default=60.0, gt=0)
    attempts: int = Field(default=3, ge=1)
    stop_seconds: float = Field(default=20.0, gt=0)
    lease_seconds: float = Field(default=5.0, gt=0)
    stuck_seconds: float = Field(default=120.0, gt=0)


class WorkerSettings(ChainSettings):
    """Everything `nightreid worker` can be told in a file.

    Attributes:
        kafka: how the brokers are reached.
        prefix: in front of every topic's name.
        group: the consumer group; workers of one group share the cameras out.
        member: name of this worker for static membership: started again under it within the session's time,
            it gets its partitions back and nobody is disturbed; ``null`` for none.
        session_seconds: a worker that is silent for longer has its partitions given to others.
        database: of the gallery, as SQLAlchemy spells it.
        blobs: where payloads lie that are too large for a record; ``null`` refuses such records.
        blob_hours: the clerk removes blobs that are older; longer than the topics keep their records.
        models: which models look.
        order: how far records may be out of order and clocks off.
        limits: of memory and patience.
        retention: for how long what is kept; ``null`` for the rules that the gallery keeps already.
        retention_minutes: how often what is over is removed.
        audit: the audit log: its key, and where checkpoints of it are written.
        log: form of the log's lines on standard error.
        metrics_port: where /metrics, /live and /ready are served; 0 for a free port, ``null`` for none.
        metrics_host: address at which they are: this machine's own; ``0.0.0.0`` for others, ``::`` for IPv6.
        alert_signing: what the records of the topic ``alerts`` are signed with; nothing by default.
        webhooks: where alerts are delivered to, by name.
    """

    kafka: KafkaSettings = KafkaSettings()
    prefix: str = ""
    group: str = "nightreid"
    member: str | None = None
    session_seconds: float = Field(default=45.0, ge=1)
    database: str = Field(default="sqlite:///nightreid.db", repr=False)
    blobs: str | None = Field(default=None, repr=False)
    blob_hours: float = Field(default=24.0, gt=0)
    models: ModelSettings = ModelSettings()
    order: OrderSettings = OrderSettings()
    limits: LimitSettings = LimitSettings()
    retention: RetentionRules | None = None
    retention_minutes: float = Field(default=60.0, gt=0)
    audit: AuditSettings = AuditSettings()
    log: Literal["text", "json"] = "text"
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    metrics_host: str = Field(default="127.0.0.1", min_length=1)
    alert_signing: SigningSettings = SigningSettings()
    webhooks: dict[WebhookName, WebhookSettings] = Field(default_factory=dict)

    @property
    def topics(self) -> list[str]:
        """The topics that frames are taken from."""
        return [f"{self.prefix}frames.{modality}" for modality in Modality]
