"""The page's files: whole, closed to what is foreign, and calling nothing that is not there."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from console.api.app import create_app
from console.api.permitted import API, declared_routes
from console.api.settings import ServeSettings
from reid_core.gallery import Gallery

STATIC = Path(__file__).parents[2] / "console" / "web" / "static"
SCRIPTS = sorted(STATIC.rglob("*.js"))
METHODS = {"get": "GET", "post": "POST", "change": "PATCH", "place": "PUT", "remove": "DELETE"}
CALL = re.compile(r"\b(get|post|change|place|remove)\(\s*(?:\"(/[^\"]*)\"|`(/[^`]*)`)")


def calls():
    """Method and path of every call of the API, what is filled in as ``*``."""
    for script in SCRIPTS:
        for name, plain, filled in CALL.findall(script.read_text(encoding="utf-8")):
            yield script.name, METHODS[name], re.sub(r"\$\{[^}]*\}", "*", plain or filled)


@pytest.fixture(scope="module")
def routes():
    with Gallery.open("sqlite://") as gallery:
        app = create_app(ServeSettings(gallery="sqlite://"), gallery)
        found = [(one.method, one.path.removeprefix(API).split("/")) for one in declared_routes(app)]
        app.state.context.close()
    return found


def answers(path, route):
    """Whether a route answers a path; either may leave parts open."""
    parts = path.split("/")
    return len(parts) == len(route) and all(
        "*" in part or there.startswith("{") or part == there
        for part, there in zip(parts, route, strict=True)
    )


def test_everything_that_the_page_calls_is_there(routes):
    found = set(calls())
    assert len(found) > 25
    dead = [
        (script, method, path)
        for script, method, path in sorted(found)
        if not any(method == there and answers(path, route) for there, route in routes)
    ]
    assert dead == []


def test_every_imported_script_is_there():
    imported = 0
    for script in SCRIPTS:
        for name in re.findall(r'from "(\.[^"]+)"', script.read_text(encoding="utf-8")):
            assert (script.parent / name).resolve() in SCRIPTS, (script, name)
            imported += 1
    assert imported > 40


def test_nothing_is_fetched_from_elsewhere_and_nothing_becomes_markup():
    for path in [*SCRIPTS, STATIC / "index.html", STATIC / "console.css"]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.", text.replace("// ", "")), path
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
            assert word not in text, (path, word)


def test_the_page_has_no_inline_script_or_style():
    tags = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.append((tag, dict(attributes)))

    Reader().feed((STATIC / "index.html").read_text(encoding="utf-8"))
    assert [one["src"] for tag, one in tags if tag == "script"] == ["/web/main.js"]
    assert not [tag for tag, _ in tags if tag == "style"]
    assert not [name for _, one in tags for name in one if name == "style" or name.startswith("on")]
