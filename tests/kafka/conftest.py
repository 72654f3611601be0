"""Real brokers for these tests: one to share, one to hurt."""

import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.broker import Cluster, NoBrokerError, external, jars
from tests.support.postgres import Postgres
from tests.support.shift import records_of
from tests.support.short_night import write_short_night

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.kafka)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Show what the servers of a failed test wrote last."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Cluster | Postgres):
                report.sections.append((f"log of {name}", value.log()))
    return report


@pytest.fixture(scope="session")
def broker_jars(missing):
    """Whether a broker can run here at all."""
    try:
        return jars()
    except NoBrokerError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def kafka(request, tmp_path_factory):
    """A broker that the whole session shares; ``kafka.bootstrap`` is its address. Nobody ends it.

    ``KAFKA_BOOTSTRAP`` names one that is there already.
    """
    if external():
        yield SimpleNamespace(bootstrap=external())
        return
    request.getfixturevalue("broker_jars")
    cluster = Cluster(tmp_path_factory.mktemp("kafka"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def make_cluster(missing, request, tmp_path):
    """``make_cluster(nodes=1, settings=None, client=None)``: a started cluster, free to be killed."""
    if external():
        missing("KAFKA_BOOTSTRAP names a broker that is not the tests' own to stop")
    request.getfixturevalue("broker_jars")
    made = []

    def make(nodes=1, settings=None, client=None):
        made.append(Cluster(tmp_path / f"kafka{len(made)}", nodes, settings, client))
        made[-1].start()
        return made[-1]

    yield make
    for cluster in made:
        cluster.kill()


@pytest.fixture
def own_broker(make_cluster):
    """A broker of this test's own: stop(), kill(), freeze(), thaw(), start(), restart(), bootstrap."""
    return make_cluster()


@pytest.fixture
def topic_prefix(kafka):
    """The beginning of this test's topic names on the shared broker; such topics are removed after it."""
    from kafka import KafkaAdminClient

    prefix = f"t{uuid.uuid4().hex[:8]}."
    yield prefix
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap) as admin:
        left = [name for name in admin.list_topics() if name.startswith(prefix)]
        if left:
            admin.delete_topics(left)


@pytest.fixture(scope="session")
def short_videos(tmp_path_factory):
    """Camera to video of the short night: gate, yard and night."""
    return write_short_night(tmp_path_factory.mktemp("short"))


@pytest.fixture(scope="session")
def short_records(short_videos):
    """Every record of the short night, in the order in which it is published."""
    return records_of(short_videos)
