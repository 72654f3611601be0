import json

import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy
from tests.support.gallery_world import MODEL, Scene, unit


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with Gallery.open(url) as gallery:
        # Captured in 1970.
        entry = Scene(gallery).entry(0, unit(np.random.default_rng(1), 2))
        gallery.add_tracklets([entry], MODEL, IdentityPolicy(None))
    return url


def test_rules_of_a_workers_file_are_enforced_kept_and_reported(command, url, tmp_path):
    file = tmp_path / "worker.yaml"
    file.write_text("group: g\nretention: {cameras: {lobby: {crops: 7}}}\n")
    assert command("retention", "enforce", "--db", url).out == "no rules: all is kept for ever\n"
    done = command("retention", "enforce", "--db", url, "--config", file, "--purpose", "ruled")
    assert done.status == 0 and done.out.startswith("2 crops of lobby: older than 7 days, before ")
    assert command("retention", "enforce", "--db", url).out == "nothing is over\n"
    said = json.loads(command("retention", "report", "--db", url, "--json").out)
    [crops] = [one for one in said["lines"] if (one["camera"], one["what"]) == ("lobby", "crops")]
    assert (crops["days"], crops["oldest"], crops["removed"], crops["over"]) == (7, None, 2, False)
    assert said["enforced"] == crops["last"] is not None
    lines = command("retention", "report", "--db", url).out.splitlines()
    tracklets = "lobby  tracklets  for ever  oldest 1970-01-01T00:00:00.000Z  0 removed"
    assert tracklets in lines and lines[-1] == f"enforced last: {said['enforced']}"
    last = f"2 removed, last {crops['last']} by 7 days"
    assert f"lobby  crops  7 days  none left  {last}" in lines
    log = [json.loads(line) for line in command("audit", "export", "--db", url).out.splitlines()]
    assert [(one["action"], one["purpose"]) for one in log[:3]] == [
        ("retention.enforce", None),
        ("retention.change", "ruled"),
        ("retention.enforce", None),
    ]


def test_a_rule_that_is_none_is_told(command, url):
    said = command("retention", "enforce", "--db", url, "--set", "retention.days.crop=7")
    assert "crops" in said.err and said.error("config")
    assert command("retention", "enforce", "--db", url, "--set", "retention.outbox=0.5").error("config")
