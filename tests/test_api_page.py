"""docs/api.md: its routes, permissions, settings and actions are real, and no subject is missing."""

import re

import pytest

from console.api.permitted import declared_routes
from console.api.problems import STATUSES
from console.api.settings import ServeSettings
from reid_core.gallery import Gallery
from reid_core.reviewing.actions import ACTIONS
from tests.conftest import ROOT
from tests.support.command_line import accepted, console_lines
from tests.support.serving import serve

DOCUMENT = (ROOT / "docs/api.md").read_text(encoding="utf-8")
SUBJECTS = ("searches", "pictures", "tracklets", "identities", "crops", "links", "proposals")


@pytest.fixture(scope="module")
def declared():
    """Method and path of every route to its permission."""
    with Gallery.open("sqlite://") as gallery:
        return {(one.method, one.path): one.permission for one in declared_routes(serve(gallery).app)}


def test_its_routes_and_their_permissions_are_real(declared):
    told = re.findall(r"^\| `([A-Z]+) (/\S+)` \| `(\S+)` \|", DOCUMENT, re.MULTILINE)
    assert len(told) > 10
    assert {(method, path): permission for method, path, permission in told} == {
        route: permission
        for route, permission in declared.items()
        if route[1].removeprefix("/api/v1/").partition("/")[0] in SUBJECTS
    }
    assert ("GET", "/api/v1/openapi.json") in declared


def test_its_settings_are_real():
    table = DOCUMENT.partition("## Limits")[2]
    names = re.findall(r"`([a-z_.]+)`", table.replace("`overloaded`", ""))
    assert len(names) == 7
    for name in names:
        place = ServeSettings()
        for part in name.split("."):
            place = getattr(place, part)


def test_its_actions_and_codes_are_real():
    said = re.search(r"names an action \(([^;]+);", DOCUMENT).group(1)
    assert set(re.findall(r"`([a-z.]+)`", said)) <= set(ACTIONS)
    codes = {kind.code for kind in STATUSES}
    assert {"stale", "no-footage", "overloaded"} <= codes
    assert set(re.findall(r"the code `([a-z-]+)`", DOCUMENT)) == {"stale", "no-footage", "overloaded"}


def test_its_commands_are_accepted():
    commands = [words for words in console_lines(DOCUMENT) if words[0] == "nightreid"]
    assert [accepted(words[1:])[0] for words in commands] == ["serve"]
