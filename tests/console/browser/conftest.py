"""A real browser, and a night that the starter models watched."""

import importlib.util

import pytest

from tests.support.browsing import CHROMIUM, served
from tests.support.watched_night import film, watch


@pytest.fixture(scope="session")
def watched_night(tmp_path_factory, missing):
    """The small night, filmed and watched once."""
    lacking = [name for name in ("anny", "numba") if importlib.util.find_spec(name) is None]
    if lacking:
        missing(f"needs the extra synthetic ({' and '.join(lacking)})")
    folder = tmp_path_factory.mktemp("watched")
    return watch(film(folder / "night"), folder / "gallery.db")


@pytest.fixture(scope="module")
def chromium(missing):
    """A headless Chromium."""
    if not CHROMIUM.exists():
        missing(f"needs {CHROMIUM}")
    from playwright.sync_api import expect, sync_playwright

    # How long something takes says more about who else uses the machine than about the page.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def window(chromium):
    """``window(width=…) -> Page``: remembers nothing. What its scripts fail at fails the test."""
    contexts, failures = [], []

    def open_window(width=1200, height=860):
        context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: failures.append(str(error)))
        # Refusals of the API are told on the page; what the policy of the page refused is a defect.
        page.on(
            "console", lambda said: failures.append(said.text) if "Security Policy" in said.text else None
        )
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert failures == []


@pytest.fixture
def page(window):
    """A window."""
    return window()


@pytest.fixture
def serve_night(watched_night, tmp_path):
    """``serve_night(**settings) -> Console``: of a copy of the night's gallery."""
    opened = []

    def serve(**options):
        context = served(watched_night.copy(tmp_path), **options)
        opened.append(context)
        return context.__enter__()

    yield serve
    for context in reversed(opened):
        context.__exit__(None, None, None)


@pytest.fixture
def console(serve_night):
    """The console over the night, as it is without settings."""
    return serve_night()
