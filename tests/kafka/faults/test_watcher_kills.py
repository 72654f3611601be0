"""A watcher that is killed while it raises alerts: none is lost, and none is told twice."""

import json

import numpy as np
import pytest

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from reid_core.watching.alerts import alerts
from reid_core.watching.keeping import add_watch
from reid_core.watching.watch import NewWatch
from tests.support.crew import until

KIND = "A watcher is killed"
pytestmark = pytest.mark.slow
BOUND = 20
OWN = {"watches", "alerts", "gallery_meta"}


def killed(row, point, database, promise):
    mark = pytest.mark.fault(
        row=f"kill -9 of a watcher's worker {row}",
        injected=f"SIGKILL by the worker to itself at that point; another one is started ({database})",
        promise=promise,
        bound_s=BOUND,
    )
    return pytest.param(point, database, marks=mark, id=f"{point} {database}")


POINTS = [
    killed(
        "in the transaction, alerts and mark written, not committed",
        "alert:commit:2",
        "sqlite",
        "Every tracklet that a watch finds has one alert, told once: what is rolled back is repeated",
    ),
    killed(
        "right after the transaction",
        "alert:after:1",
        "postgresql",
        "Every tracklet that a watch finds has one alert, told once: the other one resumes after it",
    ),
]


@pytest.mark.parametrize(("point", "database"), POINTS)
def test_a_watcher_killed_at(
    request, deploy, recovery, short_records, undisturbed, colour_checkpoint, point, database
):
    url = request.getfixturevalue("postgres") if database == "postgresql" else None
    deployment = deploy(database=url)
    everybody = watch_everybody(deployment.database, colour_checkpoint)
    worker = deployment.worker(deadly=point)
    deployment.publish(short_records)
    deployment.until_dead(worker)
    before = len(raised(deployment))
    recovery.begins()
    deployment.worker()
    deployment.drained(recovery.left)
    seen = {one.id for one in tracklets(deployment.database)}
    until("everybody is found", lambda: {one.tracklet for one in raised(deployment)} >= seen, recovery.left)
    recovery.over()
    found = raised(deployment)
    assert sorted(one.tracklet for one in found) == sorted(seen) and 0 < before < len(found)
    assert {one.watch for one in found} == {everybody}
    news = sorted(one.number for one in found if one.repeats is None)
    until("they are told", lambda: len(told(deployment)) >= len(news), BOUND)
    # Another event behind them is told too: nothing of them can still come.
    deployment.drained(BOUND)
    assert told(deployment) == news
    expected = undisturbed[database]
    deployment.check({table: rows for table, rows in expected.items() if table not in OWN})


def watch_everybody(database, checkpoint):
    """A watch that whoever comes by is near enough to."""
    embedder = load_embedder(checkpoint, threads=1)
    vector = embedder.embed([np.full((60, 30, 3), 200, np.uint8)], Modality.VISIBLE)[0]
    new = NewWatch(
        vector=vector, space=embedder.model_id, pictured=Modality.VISIBLE, score=-1.0, author="kim"
    )
    with Gallery.open(database) as gallery:
        gallery.adopt_space(embedder.model_id)
        with gallery.database.write() as session:
            return add_watch(session, new, 1)


def raised(deployment):
    with deployment.gallery.read() as session:
        return alerts(session)


def tracklets(database):
    with Gallery.open(database) as gallery:
        return gallery.tracklets()


def told(deployment):
    """The alerts on their topic, each time that it has them, by their number."""
    return sorted(json.loads(record.value)["alert"] for record in deployment.read("alerts"))
