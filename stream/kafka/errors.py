"""What goes wrong between the project and Kafka."""

from typing import ClassVar

from reid_core.errors import NightreidError


class BrokerError(NightreidError):
    """Kafka refuses what was asked of it."""

    code: ClassVar[str] = "kafka"


class BrokerAwayError(BrokerError):
    """Kafka cannot be reached, or is busy with itself; whoever can wait tries again."""

    code: ClassVar[str] = "kafka-away"
    transient: ClassVar[bool] = True


class DeadLetterError(NightreidError):
    """A record of a dead-letter topic is no dead letter, or the one asked for is not there."""

    code: ClassVar[str] = "dead-letter"
