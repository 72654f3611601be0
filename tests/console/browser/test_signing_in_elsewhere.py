"""Signing in at an identity provider, in a real browser: there, back, and what it is for."""

import socket

import pytest
from playwright.sync_api import expect

from reid_core.access import Role
from reid_core.access.vouched import vouch_for
from tests.support.accessibility import violations
from tests.support.browsing import served, shot
from tests.support.identity_provider import identity_provider

pytestmark = pytest.mark.slow


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_there_and_back(tmp_path, page, port):
    # By another name, so that for the browser the provider is another site.
    with (
        identity_provider(f"http://127.0.0.1:{port}", "localhost") as provider,
        served(tmp_path / "gallery.db", bind={"port": port}, oidc=provider.settings()) as console,
    ):
        page.goto(console.url)
        way = page.get_by_role("link", name="Sign in with your organisation")
        expect(way).to_be_visible()
        assert violations(page) == []
        shot(page, "sign in elsewhere")
        way.click()
        refused = page.get_by_role("alert").filter(has_text="You were not signed in")
        expect(refused).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(refused).to_have_count(0)

        console.user("ada", Role.REVIEWER)
        with console.gallery.database.write() as session:
            vouch_for(session, "ada", provider.issuer, "ada-4711")
        page.get_by_role("link", name="Sign in with your organisation").click()
        expect(page.get_by_role("banner")).to_contain_text("none stated")
        expect(page.get_by_role("banner")).to_contain_text("ada")
        assert page.url == console.url
        page.get_by_role("button", name="Purpose: none stated").click()
        page.get_by_role("dialog").get_by_label("Purpose").fill("missing person, hotline")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("banner")).to_contain_text("missing person, hotline")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in with your organisation")).to_be_visible()


def test_without_a_provider_there_is_no_such_way(tmp_path, page):
    with served(tmp_path / "gallery.db") as console:
        page.goto(console.url)
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert page.get_by_role("link", name="organisation").count() == 0
