"""Administration in a real browser: users come and go, auditors read what was done and check the log."""

import re

import pytest
from playwright.sync_api import expect

from reid_core.access import Role
from tests.support.accessibility import too_wide, violations
from tests.support.browsing import PASSWORD, go, served, shot, sign_in

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


def test_every_tab_of_every_role_fits_a_telephone_and_lacks_nothing(empty, window):
    for role in Role:
        page = window(360, 700)
        sign_in(page, empty, empty.user(role, role))
        go(page, empty, "administration", "Administration: System")
        for title in tabs(page):
            page.get_by_role("link", name=title, exact=True).click()
            page.get_by_role("heading", level=1, name=f"Administration: {title}").wait_for()
            page.wait_for_load_state("networkidle")
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
    expect(going.get_by_role("listitem")).to_have_count(3)
    assert violations(admin) == []
    shot(admin, "erase")
    admin.get_by_role("button", name="Erase for good").click()
    admin.get_by_role("button", name="Sure? It cannot be undone").click()
    expect(admin.get_by_role("table", name="Erasures")).to_contain_text("adam")

    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(f"[data-identity='{identity}']")).to_have_count(0)
    expect(page.locator(".found")).to_have_count(5)
    go(page, console, f"person/{identity}", "Person")
    expect(page.get_by_role("alert").filter(has_text="There is no such thing")).to_be_visible()
