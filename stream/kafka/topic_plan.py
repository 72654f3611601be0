"""The topics of a deployment: what they are called and how they are to be set up.

Every topic takes its records' time from the broker (``LogAppendTime``): it is the one clock that cameras,
publishers and workers can all be compared with, and retention cannot be misled by a wrong one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Modality

DEAD_LETTERS = "dlq."
DEFAULT_MESSAGE_BYTES = 2 * 1024 * 1024
"""Bytes of a record, headers and all, that topics take unless told otherwise."""

DEAD_LETTER_ROOM = 64 * 1024
"""Bytes that a dead letter may be larger than its record: the headers that say why it is one."""

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# Only whole segments are deleted: a quarter more than the retention is the longest that a record stays.
_SEGMENTS_OF_RETENTION = 4
_SHORTEST_SEGMENT_MS = 60_000


class TopicSettings(Settings):
    """How many topics there are, for how long they keep what, and how large a record may be.

    Attributes:
        prefix: in front of every topic's name, as ``siteA.``; it keeps deployments on one cluster apart.
        frame_partitions: of the frames of each modality: the most workers that can share them. A camera
            stays in its partition, so choose more than are needed at first: raising it later moves cameras.
        result_partitions: of sightings, links, captions, alerts and dead letters.
        replication: copies of each partition; 3 outlives one broker.
        frame_hours: frames are kept for.
        frame_bytes: a partition of frames keeps no more than this, the oldest going first; ``null`` is no
            limit.
        result_days: sightings, links, captions and alerts are kept for.
        dead_letter_weeks: dead letters are kept for.
        audit_days: checkpoints of the audit log are kept for.
        max_message_bytes: of one record, headers and all.
    """

    prefix: str = Field(default="", max_length=100, pattern=r"^[A-Za-z0-9._-]*$")
    frame_partitions: int = Field(default=8, ge=1, le=1000)
    result_partitions: int = Field(default=4, ge=1, le=1000)
    replication: int = Field(default=1, ge=1, le=10)
    frame_hours: float = Field(default=6.0, gt=0)
    frame_bytes: int | None = Field(default=None, ge=1 << 20)
    result_days: float = Field(default=7.0, gt=0)
    dead_letter_weeks: float = Field(default=4.0, gt=0)
    audit_days: float = Field(default=366.0, gt=0)
    max_message_bytes: int = Field(default=DEFAULT_MESSAGE_BYTES, ge=1024, le=1 << 30)

    def frames(self, modality: Modality) -> str:
        """Name of the topic of a modality's frames."""
        return f"{self.prefix}frames.{modality}"

    @property
    def sightings(self) -> str:
        """Name of the topic of sightings."""
        return f"{self.prefix}sightings"

    @property
    def links(self) -> str:
        """Name of the topic of links."""
        return f"{self.prefix}links"

    @property
    def captions(self) -> str:
        """Name of the topic of captions."""
        return f"{self.prefix}captions"

    @property
    def alerts(self) -> str:
        """Name of the topic of alerts."""
        return f"{self.prefix}alerts"

    @property
    def audit(self) -> str:
        """Name of the topic of checkpoints of the audit log."""
        return f"{self.prefix}audit"

    @property
    def control(self) -> str:
        """Name of the topic of commands to all workers, the last of each key kept."""
        return f"{self.prefix}control"

    def dead_letters(self, topic: str) -> str:
        """Name of the topic that takes the dead letters of another, which has the prefix in its name."""
        return f"{self.prefix}{DEAD_LETTERS}{topic.removeprefix(self.prefix)}"


@dataclass(frozen=True)
class Topic:
    """A topic as it should be.

    Attributes:
        name: with the prefix.
        partitions: how many.
        replication: copies of each.
        configs: Kafka's own settings of it.
    """

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str] = field(default_factory=dict)


def plan(settings: TopicSettings) -> list[Topic]:
    """The topics of a deployment, as they should be."""
    frames = _kept_for(settings.frame_hours * _HOUR_MS) | {
        "max.message.bytes": str(settings.max_message_bytes)
    }
    if settings.frame_bytes is not None:
        frames["retention.bytes"] = str(settings.frame_bytes)
        # The segment being written is never deleted: several must fit.
        frames["segment.bytes"] = str(
            max(settings.frame_bytes // _SEGMENTS_OF_RETENTION, settings.max_message_bytes, 1 << 20)
        )
    results = _kept_for(settings.result_days * _DAY_MS)
    letters = _kept_for(settings.dead_letter_weeks * 7 * _DAY_MS) | {
        "max.message.bytes": str(settings.max_message_bytes + DEAD_LETTER_ROOM)
    }
    control = {
        "cleanup.policy": "compact",
        "segment.ms": str(_DAY_MS),
        "min.cleanable.dirty.ratio": "0.1",
    }
    by_modality = [settings.frames(modality) for modality in Modality]
    partitions = settings.result_partitions
    return [
        *(_topic(settings, name, settings.frame_partitions, frames) for name in by_modality),
        *(
            _topic(settings, name, partitions, results)
            for name in (settings.sightings, settings.links, settings.captions, settings.alerts)
        ),
        *(_topic(settings, settings.dead_letters(name), partitions, letters) for name in by_modality),
        _topic(settings, settings.audit, 1, _kept_for(settings.audit_days * _DAY_MS)),
        _topic(settings, settings.control, 1, control),
    ]


def _topic(settings: TopicSettings, name: str, partitions: int, configs: Mapping[str, str]) -> Topic:
    # With one copy missing, three can still be written to; of fewer, none can be missing.
    in_step = 2 if settings.replication >= 3 else 1
    everywhere = {"message.timestamp.type": "LogAppendTime", "min.insync.replicas": str(in_step)}
    return Topic(name, partitions, settings.replication, everywhere | dict(configs))


def _kept_for(milliseconds: float) -> dict[str, str]:
    segment = max(int(milliseconds / _SEGMENTS_OF_RETENTION), _SHORTEST_SEGMENT_MS)
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(int(milliseconds)),
        "segment.ms": str(segment),
    }
