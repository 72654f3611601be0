"""Who is merged, or moved to, is chosen by pictures: by likeness or by words, never by typing an id."""

import pytest
from playwright.sync_api import expect

from reid_core.access import Role
from tests.console.api.conftest import colour_text
from tests.support.accessibility import too_wide, violations
from tests.support.browsing import go, served, shot, sign_in, until_true
from tests.support.colour_hall import colour_hall

__all__ = ["colour_text"]
pytestmark = pytest.mark.slow


@pytest.fixture
def opened(tmp_path, colour_checkpoint, colour_text, window):
    """A telephone on which a reviewer looks at whoever wears red, and the people."""
    models = {"reid": str(colour_checkpoint), "text": str(colour_text)}
    with served(tmp_path / "gallery.db", models=models) as console:
        hall = colour_hall(console.gallery, colour_checkpoint)
        page = window(360, 700)
        sign_in(page, console, console.user("rita", Role.REVIEWER))
        go(page, console, f"person/{hall.who['red']}", "Person")
        page.get_by_role("heading", name="Put right").click()
        yield page, hall


def people(page):
    return page.get_by_role("list", name="People to choose from")


def test_whoever_is_alike_is_shown_chosen_by_keyboard_and_merged(opened):
    page, hall = opened
    red = hall.who["red"]
    page.get_by_role("button", name="Merge the other one into this").click()
    expect(page.get_by_text("Choose the other person first.")).to_be_visible()
    page.get_by_role("button", name="Show who is most alike").focus()
    page.keyboard.press("Enter")
    first = people(page).get_by_role("button").first
    expect(first).to_be_visible()
    until_true(first.locator("img"), "(one) => one.complete && one.naturalWidth > 0")
    assert page.locator(f"[data-other='{red}']").count() == 0, "nobody is merged into themselves"
    other = first.get_attribute("data-other")
    first.focus()
    page.keyboard.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text(f"Chosen: person {other[:8]}.")).to_be_visible()
    assert (too_wide(page) <= 0, violations(page)) == (True, [])
    shot(page, "choosing another person")
    page.get_by_role("button", name="Merge the other one into this").click()
    expect(page.get_by_text("Done. It is kept who said so.")).to_be_visible()
    left = {one.id for one in hall.gallery.identities()}
    assert red in left and other not in left


def test_whoever_is_described_is_whom_a_tracklet_is_moved_to(opened):
    page, hall = opened
    blue, tracklet = hall.who["blue"], hall.tracklets["red"]
    page.get_by_label("Described as").fill("a person in blue")
    page.keyboard.press("Enter")
    expect(people(page).get_by_role("button").first).to_have_attribute("data-other", blue)
    page.locator(f"[data-other='{blue}']").click()
    expect(people(page).locator("[aria-pressed=true]")).to_have_count(1)
    page.locator(f"#stay-{tracklet}").get_by_label("somebody else").check()
    page.get_by_role("button", name="Move what is ticked").click()
    # Nobody is left here: whose it is now is shown.
    expect(page.get_by_role("heading", level=1, name=f"Person {blue[:8]}")).to_be_visible()
    expect(page.locator(f"#stay-{tracklet}")).to_be_visible()
    assert hall.gallery.tracklet(tracklet).identity == blue
