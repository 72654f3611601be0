"""The page that describes the API: every route, every schema it leads to, nothing from elsewhere."""

import re
from html import unescape

from reid_core.access import Role

PAGE = "/api/v1/docs"


def test_it_lists_every_route_with_its_permission(bare):
    viewer = bare.client(Role.VIEWER)
    answer = viewer.get(PAGE)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    text = unescape(answer.text)
    document = viewer.get("/api/v1/openapi.json").json()
    told = dict(
        re.findall(
            r'<code class="source">([A-Z]+ /[^<]*)</code></h3>\n<p class="quiet">Permission: <code>([^<]+)',
            text,
        )
    )
    assert told == {
        f"{method.upper()} {path}": said["x-permission"]
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    }
    assert len(told) > 50
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in text


def test_its_links_lead_somewhere_and_nothing_is_fetched_from_elsewhere_or_inline(bare):
    client = bare.client(Role.AUDITOR)
    answer = client.get(PAGE)
    text, policy = answer.text, answer.headers["content-security-policy"]
    anchors = set(re.findall(r' id="([^"]+)"', text))
    assert len(anchors) == len(re.findall(r' id="', text)), "each id once"
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors
    fetched = re.findall(r'(?:href|src)="([^#"][^"]*)"', text)
    assert fetched and all(one.startswith("/") and not one.startswith("//") for one in fetched)
    assert all(client.get(one).status_code == 200 for one in fetched)
    assert "<script" not in text and "style=" not in text and "<style" not in text
    assert "'unsafe" not in policy and "default-src 'none'" in policy


def test_it_is_for_who_is_signed_in(bare):
    assert bare.client().get(PAGE).status_code == 401


def test_types_bounds_and_what_is_told_are_there(bare):
    text = unescape(bare.client(Role.VIEWER).get(PAGE).text)
    start = text.index('id="schema-SearchAsked"')
    search = text[start : text.index("</article>", start)]
    assert "In English, as a witness would say it." in search
    assert (
        "integer (at least 1, at most 100)" in search and '<a href="#schema-Form">Form</a> or null' in search
    )
