"""Links are reviewed by keyboard; where the policy asks for two people, a second one agrees."""

import pytest
from playwright.sync_api import expect

from reid_core.access import Role
from tests.support.accessibility import violations
from tests.support.browsing import go, shot, sign_in

pytestmark = pytest.mark.slow


def judged(page):
    """What the page says of the queue."""
    return page.locator("#reviewed")


def links(page, console, state):
    """What the API says of links, to whoever is signed in."""
    return page.request.get(f"{console.url}api/v1/links?state={state}&limit=200").json()["links"]


def test_ten_links_are_reviewed_by_keyboard(console, watched_night, page):
    sign_in(page, console, console.user("rita", Role.REVIEWER))
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("v")
    page.get_by_label("Ask about links").select_option("all")
    page.evaluate("document.activeElement.blur()")
    expect(judged(page)).to_contain_text(f"{len(watched_night.tracklets)} waiting")
    card = page.get_by_role("article", name="Link to review")
    truth = {}
    for number in range(10):
        expect(judged(page)).to_contain_text("waiting")
        tracklet = card.get_attribute("data-tracklet")
        person = watched_night.tracklets[tracklet]
        if number == 0:
            assert violations(page) == []
            shot(page, "review")
        choices = card.locator(".choice").all()
        right = [
            place
            for place, one in enumerate(choices)
            if person is not None and one.get_attribute("data-identity") in watched_night.of(person)
        ]
        if right:
            page.keyboard.press(str(right[0] + 1))
            expect(choices[right[0]]).to_have_attribute("aria-pressed", "true")
        truth[tracklet] = "confirmed" if right else "rejected"
        page.keyboard.press("y" if right else "n")
        expect(page.locator(f"[data-tracklet='{tracklet}']")).to_have_count(0)
    confirmed = sum(verdict == "confirmed" for verdict in truth.values())
    expect(judged(page)).to_contain_text(f"{confirmed} link")
    expect(judged(page)).to_contain_text(f"{10 - confirmed} rejected")
    assert 0 < confirmed < 10, truth
    kept = {}
    for link in links(page, console, "all"):
        for one in link["judgements"]:
            kept[link["tracklet"]["tracklet"]] = one["verdict"]
            assert one["by"] == "rita"
    assert kept == truth


def test_a_second_person_has_to_agree(serve_night, watched_night, window):
    console = serve_night(policy={"two_persons": ["link.confirm"]})
    first, second = window(), window()
    sign_in(first, console, console.user("ines", Role.INVESTIGATOR))
    go(first, console, "review", "Review")
    tracklet = first.get_by_role("article", name="Link to review").get_attribute("data-tracklet")
    first.keyboard.press("y")
    expect(judged(first)).to_contain_text("1 proposed to a second person")
    go(first, console, "watches", "Watches")
    go(first, console, "review", "Review")
    expect(first.locator(".proposal")).to_contain_text("You proposed it")
    expect(first.get_by_role("button", name="Approve")).to_have_count(0)

    sign_in(second, console, console.user("rita", Role.REVIEWER))
    go(second, console, "review", "Review")
    waiting = second.locator(".proposal")
    expect(waiting).to_contain_text("Proposed by ines")
    assert violations(second) == []
    shot(second, "a second person")
    waiting.get_by_role("button", name="Approve").click()
    expect(second.get_by_text("Nothing is waiting.")).to_be_visible()
    [link] = links(second, console, "confirmed")
    assert link["tracklet"]["tracklet"] == tracklet
    assert [(one["by"], one["second"]) for one in link["judgements"]] == [("ines", "rita")]
