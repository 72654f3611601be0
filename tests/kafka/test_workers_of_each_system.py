"""TVI-LFM, EEES and STAR-ReID in turn behind a run, a worker at a real Kafka, and a query.

What a run makes of a night, a worker makes too, and a query tells the same.
"""

import json

import pytest

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from tests.support.crew import Deployment
from tests.support.forked import start_server
from tests.support.galleries import gallery_rows
from tests.support.night import Night, run_night
from tests.support.small_systems import SYSTEMS, small_checkpoint

pytestmark = pytest.mark.slow
WITHIN = 300


@pytest.fixture
def deployment(request, kafka, topic_prefix, tmp_path):
    """Topics, an empty gallery, and a worker with the system."""
    start_server()
    model = small_checkpoint(request.param, tmp_path / "model")
    made = Deployment(
        kafka.bootstrap,
        topic_prefix,
        f"sqlite:///{tmp_path / 'worker.db'}",
        str(model),
        tmp_path,
        {"group": f"{topic_prefix}night", "limits": {"idle_seconds": 8.0}},
    )
    made.make_topics(partitions=1)
    yield made
    made.close()


@pytest.mark.parametrize("deployment", SYSTEMS, indirect=True)
def test_a_worker_with_it_makes_a_runs_rows_and_a_query_its_links(
    deployment, short_videos, short_records, tmp_path, command
):
    result = run_night(Night(short_videos, deployment.model, tmp_path / "run.db"))
    model = load_embedder(deployment.model).model_id
    assert result.model == model and len(result.links) == 2
    worker = deployment.worker()
    deployment.publish(short_records)
    deployment.drained(WITHIN)
    assert worker.stop() == 0, worker.log()
    expected, found = gallery_rows(f"sqlite:///{tmp_path / 'run.db'}"), gallery_rows(deployment.database)
    assert len(expected["vectors"]) > len(expected["tracklets"]) == 6
    assert found == expected
    with Gallery.open(deployment.database) as gallery:
        assert [one.id for one in gallery.models()] == [model]
    for link in result.links:
        asked = command(
            *("query", "--db", deployment.database, "--reid", deployment.model, "--track", link.tracklet),
            "--json",
        )
        assert asked.status == 0, asked.err
        ranked = [one["identity"] for one in json.loads(asked.out)["identities"]]
        assert ranked == [one.identity for one in link.candidates]
