"""The console served for a browser, on a free port, and what a person does in it."""

import os
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from playwright.sync_api import Locator, Page

from console.api.app import create_app
from console.api.settings import ServeSettings
from console.serve import uvicorn_config
from reid_core.access import Principal, Role
from reid_core.access.passwords import hashed
from reid_core.access.users import add_user
from reid_core.gallery import Gallery

PASSWORD = "correct horse battery"
CHROMIUM = Path("/usr/bin/chromium")


@dataclass
class Console:
    """A console that is served.

    Attributes:
        url: of its page.
        gallery: that it serves.
        app: the app.
    """

    url: str
    gallery: Gallery
    app: object

    def user(self, name: str, role: Role) -> str:
        """A new user with `PASSWORD`; answers the name."""
        with self.gallery.database.write() as session:
            add_user(session, name, role, hashed(PASSWORD), time.time_ns())
        return name


@contextmanager
def served(database: Path, local: Principal | None = None, **settings):
    """The console over a gallery, from a thread of this process."""
    chosen = ServeSettings.model_validate(
        {"gallery": f"sqlite:///{database}", "bind": {"port": 0}, **settings}
    )
    with Gallery.open(chosen.gallery) as gallery:
        app = create_app(chosen, gallery, local=local)
        server = uvicorn.Server(uvicorn_config(app, chosen))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the console ended before it began"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield Console(f"http://127.0.0.1:{port}/", gallery, app)
        finally:
            server.should_exit = True
            thread.join(30)


def sign_in(page: Page, console: Console, name: str, purpose: str = "missing person, call of 03:10") -> None:
    """As a user of `PASSWORD`, with a purpose."""
    page.goto(console.url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Purpose").fill(purpose)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()


def go(page: Page, console: Console, where: str, title: str) -> None:
    """To a page of the console, by its address, until its title is there."""
    page.goto(f"{console.url}#/{where}")
    page.get_by_role("heading", level=1, name=title).wait_for()


def until_true(where: Page | Locator, expression: str, seconds: float = 30.0) -> None:
    """Until a script's expression holds: of the page, or of what a locator finds (a function of it).

    `Page.wait_for_function` asks again from within the page, whose policy forbids any script but its own.
    """
    end = time.monotonic() + seconds
    while not where.evaluate(expression):
        assert time.monotonic() < end, f"not within {seconds} s: {expression}"
        time.sleep(0.05)


def shot(page: Page, name: str) -> None:
    """A picture of the page into the folder of artefacts, where one is named."""
    folder = os.environ.get("NIGHTREID_ARTEFACTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        settle(page)
        page.screenshot(path=Path(folder) / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.png", full_page=True)


def settle(page: Page) -> None:
    """Until nothing moves and every picture is there."""
    page.wait_for_load_state("networkidle")
    page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
