"""What all pages have in common: signing in and out, keys, notices, and that nothing foreign is let in."""

import re

import pytest
from playwright.sync_api import expect

from reid_core.access import LOCAL, Role
from tests.support.accessibility import too_wide, violations
from tests.support.browsing import PASSWORD, go, served, shot, sign_in

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(tmp_path):
    with served(tmp_path / "gallery.db") as console:
        yield console


def test_signing_in_states_a_purpose_and_signing_out_ends_it(empty, page):
    empty.user("ada", Role.REVIEWER)
    page.goto(empty.url)
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("a wrong one, though long")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text=re.compile("."))).to_be_visible()
    expect(page.get_by_label("Password")).to_have_value("")
    assert violations(page) == []
    shot(page, "sign in")
    sign_in(page, empty, "ada", "missing person, hotline")
    expect(page.get_by_role("banner")).to_contain_text("missing person, hotline")
    page.reload()
    expect(page.get_by_role("banner")).to_contain_text("ada")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_session_that_was_ended_elsewhere_leads_to_signing_in(empty, page):
    empty.user("ada", Role.REVIEWER)
    sign_in(page, empty, "ada")
    page.context.clear_cookies()
    page.get_by_role("link", name="Review").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("session has ended")


def test_the_keys_are_told_and_rest_while_somebody_types(empty, page):
    empty.user("ada", Role.INVESTIGATOR)
    sign_in(page, empty, "ada")
    page.get_by_label("Description").fill("")
    page.keyboard.type("a man?")
    expect(page.get_by_label("Description")).to_have_value("a man?")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("?")
    told = page.get_by_role("dialog", name="Keys")
    expect(told).to_contain_text("To the description")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    page.keyboard.press("v")
    expect(page.get_by_role("heading", level=1, name="Review")).to_be_focused()


def test_the_first_tab_leads_past_the_menu(empty, page):
    empty.user("ada", Role.INVESTIGATOR)
    sign_in(page, empty, "ada")
    go(page, empty, "review", "Review")
    page.reload()
    page.get_by_role("heading", level=1, name="Review").wait_for()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_it_is_dark_until_somebody_wants_it_light(empty, page):
    colour = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    page.goto(empty.url)
    page.get_by_label("Name").wait_for()
    assert page.evaluate(colour) == "rgb(16, 21, 27)"
    page.get_by_role("button", name="Light").click()
    page.reload()
    page.get_by_label("Name").wait_for()
    assert page.evaluate(colour) == "rgb(244, 245, 247)"
    assert violations(page) == []


def test_a_role_sees_its_own_pages_alone(empty, window):
    shown = {}
    for role in Role:
        page = window(360)
        sign_in(page, empty, empty.user(role, role))
        shown[role] = page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts()
        assert too_wide(page) <= 0
    assert "Find" in shown[Role.INVESTIGATOR] and "Watches" in shown[Role.INVESTIGATOR]
    assert "Find" not in shown[Role.VIEWER] and "Night" in shown[Role.VIEWER]
    assert "Review" in shown[Role.REVIEWER] and "Watches" in shown[Role.REVIEWER]
    for role in (Role.ADMIN, Role.AUDITOR):
        assert not {"Find", "Review", "Night", "Watches"} & set(shown[role])


def test_no_script_but_the_pages_own_runs(empty, chromium):
    page = chromium.new_page()
    page.goto(empty.url)
    page.get_by_label("Name").wait_for()
    page.evaluate(
        """() => {
          const tries = [["script", "textContent", "window.ran = 1"], ["img", "src", "x"]];
          for (const [tag, name, value] of tries) {
            const one = document.createElement(tag);
            one.setAttribute("onerror", "window.ran = 1");
            one[name] = value;
            document.body.append(one);
          }
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    page.close()


def test_a_demonstration_asks_nobody_who_they_are_and_says_so(tmp_path, page):
    with served(tmp_path / "gallery.db", local=LOCAL, policy={"purpose": []}) as console:
        page.goto(console.url)
        expect(page.get_by_role("complementary", name="Notice")).to_contain_text("Demonstration")
        expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
        assert violations(page) == []


def test_passwords_stand_in_no_address(empty, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    empty.user("ada", Role.VIEWER)
    sign_in(page, empty, "ada")
    assert asked and not any(PASSWORD.split()[0] in url for url in asked)
    assert all(url.startswith(empty.url) for url in asked)
