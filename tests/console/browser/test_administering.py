"""Administration in a real browser: users come and go, auditors read what was done and check the log."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from reid_core.access import Role
from reid_core.gallery.schema import LinkRow, TrackletRow
from reid_core.retention.rules import OfCamera, RetentionRules, keep_rules, kept_rules
from reid_core.types import Decision
from reid_core.watching.deliveries import DeliveryState, claim, deliveries, queue, settle
from tests.support.accessibility import too_wide, violations
from tests.support.browsing import PASSWORD, go, served, shot, sign_in
from tests.support.watched import Square

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(tmp_path):
    with served(tmp_path / "gallery.db") as console:
        yield console


def tabs(page):
    return page.get_by_role("navigation", name="Subjects").get_by_role("link").all_inner_texts()


def test_a_user_is_added_and_kept_out(empty, window):
    admin, other = window(), window()
    sign_in(admin, empty, empty.user("adam", Role.ADMIN))
    go(admin, empty, "administration/users", "Administration: Users")
    form = admin.get_by_role("form", name="Add a user")
    form.get_by_label("Name").fill("vera")
    form.get_by_label("First password").fill(PASSWORD)
    form.get_by_label("Role").select_option("viewer")
    form.get_by_role("button", name="Add").click()
    expect(admin.get_by_role("table", name="Users")).to_contain_text("vera")
    assert violations(admin) == []
    shot(admin, "users")

    sign_in(other, empty, "vera")
    go(other, empty, "administration", "Administration: System")
    assert "Users" not in tabs(other)
    admin.get_by_role("button", name="Keep out vera").click()
    expect(admin.get_by_role("button", name="Let in vera")).to_be_visible()
    other.get_by_role("link", name="My access").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_token_is_shown_once_and_revoked(empty, page):
    sign_in(page, empty, empty.user("ines", Role.INVESTIGATOR))
    go(page, empty, "administration/access", "Administration: My access")
    form = page.get_by_role("form", name="Make a token")
    form.get_by_label("Name").fill("nightly")
    form.get_by_role("button", name="Make a token").click()
    secret = page.get_by_text("shown this once").locator("code").inner_text()
    assert violations(page) == []
    session = f"{empty.url}api/v1/session"
    program = page.context.browser.new_context(extra_http_headers={"Authorization": f"Bearer {secret}"})
    assert program.request.get(session).json()["kind"] == "token"
    page.get_by_role("button", name="Revoke the token nightly").click()
    expect(page.get_by_role("table", name="Tokens")).to_contain_text("revoked")
    assert program.request.get(session).status == 401
    program.close()


def test_an_auditor_reads_what_was_done_and_checks_the_log(empty, window):
    first, auditor = window(), window()
    sign_in(first, empty, empty.user("ines", Role.INVESTIGATOR), "a theft at the gate")
    first.get_by_role("button", name="Sign out").click()
    sign_in(auditor, empty, empty.user("otto", Role.AUDITOR))
    go(auditor, empty, "administration/audit", "Administration: Audit")
    log = auditor.get_by_role("table", name="Audit log")
    expect(log).to_contain_text("a theft at the gate")
    auditor.get_by_label("Did").fill("sign-out")
    auditor.get_by_role("button", name="Show").click()
    expect(log.get_by_role("row")).to_have_count(2)
    auditor.get_by_role("button", name="Check the log").click()
    expect(auditor.get_by_text(re.compile("^Whole: [0-9]+ rows"))).to_be_visible()
    assert violations(auditor) == []
    shot(auditor, "audit")


def test_a_delivery_that_was_given_up_is_tried_again(tmp_path, window):
    with served(tmp_path / "gallery.db") as console:
        square = Square(console.gallery)
        square.comes("lobby", 0, 1)
        square.watch("a red coat")
        square.comes("gate", 0)
        square.looks().catch_up()
        [alert] = square.alerts()
        with square.database.write() as session:
            queue(session, "desk", alert.number, "a" * 16, 1)
            settle(session, claim(session, "desk", 2, 0), DeliveryState.GIVEN_UP, 500, "It answered 500.", 0)
        admin = window(360, 700)
        sign_in(admin, console, console.user("adam", Role.ADMIN))
        go(admin, console, "administration/deliveries", "Administration: Deliveries")
        listed = admin.get_by_role("table", name="Deliveries")
        expect(listed).to_contain_text("It answered 500.")
        assert (too_wide(admin) <= 0, violations(admin)) == (True, [])
        shot(admin, "deliveries")
        admin.get_by_label("State").select_option("waiting")
        expect(admin.get_by_text("No alert was or is to be delivered.")).to_be_visible()
        admin.get_by_label("State").select_option("given up")
        admin.get_by_role("button", name=f"Try again to tell desk of alert {alert.number}").focus()
        admin.keyboard.press("Enter")
        expect(admin.get_by_text("No alert was or is to be delivered.")).to_be_visible()
        admin.get_by_label("State").select_option("all")
        expect(listed).to_contain_text("waiting")
        with square.database.read() as session:
            assert [one.state for one in deliveries(session)] == [DeliveryState.WAITING]


def test_rules_of_retention_are_seen_and_changed_and_those_of_a_camera_stay(tmp_path, window):
    with served(tmp_path / "gallery.db") as console:
        with console.gallery.database.write() as session:
            keep_rules(session, RetentionRules.model_validate({"cameras": {"gate": {"crops": 3}}}))
        admin, auditor = window(360, 700), window()
        sign_in(admin, console, console.user("adam", Role.ADMIN))
        go(admin, console, "administration/retention", "Administration: Retention")
        rules = admin.get_by_role("table", name="Rules")
        expect(rules).to_contain_text("crops of gate")
        admin.get_by_role("form", name="Change the rules").get_by_text("Change the rules").click()
        admin.get_by_label("crops, days").fill("7.5")
        admin.get_by_label("events, days").fill("30")
        assert (too_wide(admin) <= 0, violations(admin)) == (True, [])
        admin.keyboard.press("Enter")
        expect(admin.get_by_text("Kept. Workers")).to_be_visible()
        expect(rules.get_by_role("row", name="crops of every camera")).to_contain_text("7.5 days")
        with console.gallery.database.read() as session:
            kept = kept_rules(session)
        assert (kept.days.crops, kept.days.tracklets, kept.outbox) == (7.5, None, 30)
        assert (kept.cameras["gate"].crops, kept.of_camera("gate", OfCamera.VECTORS)) == (3, None)
        sign_in(auditor, console, console.user("otto", Role.AUDITOR))
        go(auditor, console, "administration/retention", "Administration: Retention")
        expect(auditor.get_by_role("table", name="Rules")).to_contain_text("7.5 days")
        expect(auditor.get_by_role("heading", name="Last report")).to_be_visible()
        assert auditor.get_by_role("form", name="Change the rules").count() == 0
        assert violations(auditor) == []


def test_a_camera_has_rules_of_its_own_and_gives_them_up(tmp_path, window):
    with served(tmp_path / "gallery.db") as console:
        own = {"gate": {"crops": 3}, "yard": {"links": None}}
        with console.gallery.database.write() as session:
            keep_rules(session, RetentionRules.model_validate({"cameras": own, "outbox": 30}))
        admin = window(360, 700)
        sign_in(admin, console, console.user("adam", Role.ADMIN))

        def opened():
            go(admin, console, "administration/retention", "Administration: Retention")
            form = admin.get_by_role("form", name="Rules of one camera")
            form.get_by_text("Rules of one camera").click()
            return form

        def kept():
            form.get_by_role("button", name="Keep this camera’s rules").click()
            expect(admin.get_by_text("Kept. Workers")).to_be_visible()
            with console.gallery.database.read() as session:
                return kept_rules(session)

        form = opened()
        form.get_by_label("Camera").select_option("gate")
        expect(form.get_by_label("Days of crops")).to_have_value("3")
        expect(form.get_by_label("Days of links")).to_be_hidden()
        form.get_by_label("crops", exact=True).select_option("for ever")
        form.get_by_label("tracklets", exact=True).select_option("days:")
        form.get_by_label("Days of tracklets").fill("14.5")
        assert (too_wide(admin) <= 0, violations(admin)) == (True, [])
        shot(admin, "rules of a camera")
        rules = kept()
        assert rules.cameras["gate"].model_dump(exclude_unset=True) == {"crops": None, "tracklets": 14.5}
        assert rules.cameras["yard"].model_fields_set == {"links"} and rules.outbox == 30
        table = admin.get_by_role("table", name="Rules")
        expect(table.get_by_role("row", name="tracklets of gate")).to_contain_text("14.5 days")
        form = opened()
        form.get_by_label("Camera").select_option("yard")
        form.get_by_label("links", exact=True).select_option("as every camera")
        assert kept().cameras.keys() == {"gate"}


def test_what_describes_the_api_is_read_on_a_telephone(empty, window):
    page = window(360, 700)
    sign_in(page, empty, empty.user("vera", Role.VIEWER))
    page.goto(f"{empty.url}api/v1/docs")
    expect(page.get_by_role("heading", name="GET /api/v1/docs")).to_have_count(0)
    expect(page.get_by_role("heading", name="POST /api/v1/searches")).to_be_visible()
    styled = "getComputedStyle(document.querySelector('article')).borderTopStyle"
    assert page.evaluate(styled) == "solid", "its style is let in"
    assert too_wide(page) <= 0
    assert violations(page) == []
    shot(page, "api")


def test_every_tab_of_every_role_fits_a_telephone_and_lacks_nothing(empty, window):
    for role in Role:
        page = window(360, 700)
        sign_in(page, empty, empty.user(role, role))
        go(page, empty, "administration", "Administration: System")
        for title in tabs(page):
            page.get_by_role("link", name=title, exact=True).click()
            page.get_by_role("heading", level=1, name=f"Administration: {title}").wait_for()
            # What is on the tab comes after its heading, from the API.
            page.locator(f"section[aria-label='{title}'] > *").first.wait_for()
            expect(page.locator("#status.busy")).to_have_count(0)
            assert too_wide(page) <= 0, (role, title)
            assert violations(page) == [], (role, title)
            expect(page.get_by_role("alert").filter(has_text=re.compile("."))).to_have_count(0)


def test_an_erased_person_is_found_no_more(serve_night, watched_night, window):
    console = serve_night()
    [identity] = watched_night.of("6")
    said = "man in an orange sweater and shorts"
    page, admin = window(), window()
    sign_in(page, console, console.user("ines", Role.INVESTIGATOR))
    page.get_by_label("Description").fill(said)
    page.keyboard.press("Enter")
    expect(page.locator(".found").first).to_have_attribute("data-identity", identity)

    sign_in(admin, console, console.user("adam", Role.ADMIN), "Article 17, letter of 29 November")
    go(admin, console, f"person/{identity}", "Person")
    admin.get_by_role("link", name="Erase this person").click()
    going = admin.get_by_role("list", name="Tracklets that would go")
    with console.gallery.database.read() as session:
        members = select(TrackletRow.id).where(TrackletRow.identity_id == identity)
        linked = select(LinkRow.tracklet_id).where(
            LinkRow.identity_id == identity, LinkRow.decision == str(Decision.LINKED)
        )
        theirs = {*session.scalars(members), *session.scalars(linked)}
    assert len(theirs) >= 2, "by day, and a night that was linked"
    expect(going.get_by_role("listitem")).to_have_count(len(theirs))
    assert violations(admin) == []
    shot(admin, "erase")
    admin.get_by_role("button", name="Erase for good").click()
    admin.get_by_role("button", name="Sure? It cannot be undone").click()
    expect(admin.get_by_role("table", name="Erasures")).to_contain_text("adam")

    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(f"[data-identity='{identity}']")).to_have_count(0)
    expect(page.locator(".found")).to_have_count(len(watched_night.identities) - 1)
    go(page, console, f"person/{identity}", "Person")
    expect(page.get_by_role("alert").filter(has_text="There is no such thing")).to_be_visible()
