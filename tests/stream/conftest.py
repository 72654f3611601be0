"""What several tests of streams need."""

import pytest

from stream.publisher import delivering
from tests.support.fake_kafka import FakeKafka


@pytest.fixture
def fake_kafka(monkeypatch):
    """What the publisher takes for Kafka."""
    kafka = FakeKafka()
    monkeypatch.setattr(delivering, "producer", kafka.producer)
    monkeypatch.setattr(delivering, "admin", kafka.admin)
    return kafka
