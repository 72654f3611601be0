"""What an investigator does, in a real browser, on people whom the starter models saw."""

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from reid_core.access import Role
from tests.support.accessibility import too_wide, violations
from tests.support.browsing import go, shot, sign_in, until_true
from tests.support.watched_night import LATER

pytestmark = pytest.mark.slow

SAID = {
    "1": "man in a black hoodie with a white print",
    "2": "man in a long grey coat",
    "6": "man in an orange sweater and shorts",
}


def search(page, words):
    page.get_by_label("Description").fill(words)
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator("ol.grid:not([aria-busy]) .found").first.wait_for()


def rank_of(page, identities):
    """The best rank of any of them; and the card."""
    for card in page.locator(".found").all():
        if card.get_attribute("data-identity") in identities:
            return int(card.get_attribute("data-rank")), card
    raise AssertionError(f"nobody of {identities} is shown")


EVERY_PICTURE = (
    "[...document.querySelectorAll('main img')].every((one) => one.complete && one.naturalWidth > 20)"
)


@pytest.fixture
def investigator(console, page):
    sign_in(page, console, console.user("ines", Role.INVESTIGATOR))
    return page


def test_a_description_finds_the_right_person(console, watched_night, investigator):
    page = investigator
    search(page, SAID["6"])
    rank, card = rank_of(page, watched_night.of("6"))
    assert rank == 1
    expect(card.get_by_role("list", name="Words that counted")).to_contain_text("orange")
    expect(card).to_contain_text("day-1")
    expect(card).to_contain_text("%")
    expect(page.get_by_role("status").first).to_contain_text("compared")
    until_true(page, EVERY_PICTURE)
    assert violations(page) == []
    shot(page, "find by description")
    card.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Person")
    timeline = page.get_by_role("group", name="Timeline across cameras")
    expect(timeline).to_contain_text("day-1")
    until_true(page, EVERY_PICTURE)
    assert violations(page) == []
    shot(page, "person")


def test_words_beside_an_infrared_tracklet_move_the_right_person_up(console, watched_night, investigator):
    page = investigator
    # Of somebody whom infrared alone does not put first.
    for mine, who in sorted(watched_night.tracklets.items(), key=lambda each: (each[1] or "", each[0])):
        if not watched_night.of(who):
            continue
        go(page, console, f"find?tracklet={mine}", "Find a person")
        page.locator("ol.grid:not([aria-busy]) .found").first.wait_for()
        before, _ = rank_of(page, watched_night.of(who))
        if before > 1:
            break
    else:
        raise AssertionError("infrared alone puts everybody first")
    search(page, watched_night.captions[who])
    page.locator(".moved").first.wait_for()
    after, card = rank_of(page, watched_night.of(who))
    assert after < before, (before, after)
    expect(card.locator(".moved")).to_have_attribute("data-before", str(before))
    expect(card).to_contain_text("without the words")
    assert violations(page) == []
    shot(page, "words beside a tracklet")


def test_words_may_narrow_whom_the_picture_ranks(console, watched_night, investigator):
    page = investigator
    mine = next(id_ for id_, who in watched_night.tracklets.items() if who == "1")
    page.get_by_role("button", name="Pick a tracklet of the night").click()
    page.locator(f"[data-tracklet='{mine}']").click()
    page.locator("ol.grid:not([aria-busy]) .found").first.wait_for()
    everybody = page.locator(".found").count()
    page.get_by_text("Filters").click()
    page.get_by_label("Words and a picture").select_option("tenth")
    search(page, SAID["1"])
    page.locator(".moved").first.wait_for()
    assert page.locator(".found").count() == -(-everybody // 10) < everybody
    assert violations(page) == []


def test_a_crop_from_a_file_is_searched_by(console, watched_night, investigator, tmp_path):
    page = investigator
    search(page, SAID["2"])
    _, card = rank_of(page, watched_night.of("2"))
    crop = tmp_path / "crop.jpg"
    crop.write_bytes(page.request.get(card.locator(".portrait img").evaluate("(one) => one.src")).body())
    page.get_by_label("Description").fill("")
    page.get_by_label("taken in").select_option("visible")
    page.get_by_label("Choose a crop").set_input_files(crop)
    expect(page.locator(".like-card")).to_contain_text("visible crop")
    page.locator("ol.grid:not([aria-busy]) .found").first.wait_for()
    expect(page.locator(".found").first).to_have_attribute("data-rank", "1")
    assert rank_of(page, watched_night.of("2"))[0] == 1


def test_nobody_is_an_answer_and_says_what_to_try(investigator):
    page = investigator
    page.get_by_text("Filters").click()
    page.get_by_label("Seen until (UTC)").fill("2001-01-01T00:00:00")
    page.get_by_label("Description").fill(SAID["6"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("What to try:")).to_be_visible()
    expect(page.get_by_role("region", name="Found")).to_contain_text("Take cameras or times away")
    expect(page.locator(".found")).to_have_count(0)
    assert violations(page) == []


def test_everything_of_a_search_is_done_by_keyboard(watched_night, investigator):
    page = investigator
    expect(page.get_by_label("Description")).to_be_focused()
    page.keyboard.type(SAID["6"])
    page.keyboard.press("Enter")
    page.locator(".found").first.wait_for()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("r")
    focused = page.locator(":focus")
    expect(focused).to_contain_text("Person")
    assert focused.evaluate("(one) => getComputedStyle(one).outlineStyle") != "none"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Person")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_it_fits_a_telephone(console, watched_night, window):
    page = window(360, 700)
    sign_in(page, console, console.user("ines", Role.INVESTIGATOR))
    search(page, SAID["6"])
    assert too_wide(page) <= 0
    shot(page, "find on a telephone")
    page.locator(".found a").first.click()
    page.get_by_role("heading", name="Seen").wait_for()
    assert too_wide(page) <= 0
    for where, title in (("night", "Night"), ("review", "Review"), ("watches", "Watches")):
        go(page, console, where, title)
        page.wait_for_timeout(300)
        assert too_wide(page) <= 0, where
        assert violations(page) == [], where


def test_a_watch_fires_while_footage_plays(console, watched_night, investigator, tmp_path):
    page = investigator
    go(page, console, "watches", "Watches")
    page.get_by_label("Description").fill(SAID["2"])
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.get_by_role("list", name="Watches")).to_contain_text(SAID["2"])
    assert violations(page) == []
    go(page, console, "night", "Night")
    expect(page.get_by_text("Live.")).to_be_visible()
    source = watched_night.source(LATER)
    database = console.gallery.database.file
    done = subprocess.run(
        [
            *(sys.executable, "-m", "console.cli", "run", "--db", f"sqlite:///{database}", "--json"),
            *("--visible", f"{LATER}={source.location}", "--start", f"{LATER}=2026-06-01T15:05:00Z"),
            *("--truth", str(watched_night.folder / "truth")),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    card = page.locator(".feed-item.alert").first
    expect(card).to_contain_text(SAID["2"])
    [seen] = json.loads(done.stdout)["cameras"]
    people = {one["id"]: one["truth"] for one in seen["tracklets"]}
    link = card.get_by_role("link", name="Look").get_attribute("href")
    assert people[link.rpartition("/")[2]] == "2"
    assert violations(page) == []
    shot(page, "night with an alert")
