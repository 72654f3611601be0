"""What several tests of streams need."""

import pytest

from stream.publisher import delivering
from tests.reid_core.conftest import (
    _postgres_gallery,
    _sqlite_gallery,
    books,
    postgres_gallery,
    sqlite_gallery,
)
from tests.support.fake_kafka import FakeKafka

__all__ = [
    "_postgres_gallery",
    "_sqlite_gallery",
    "books",
    "fake_kafka",
    "postgres_gallery",
    "sqlite_gallery",
]


@pytest.fixture
def fake_kafka(monkeypatch):
    """What the publisher takes for Kafka."""
    kafka = FakeKafka()
    monkeypatch.setattr(delivering, "producer", kafka.producer)
    monkeypatch.setattr(delivering, "admin", kafka.admin)
    return kafka
