"""What comes in is told as it comes in: to whom may see it, for as long as they may, missing nothing."""

import json
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select

from console.api.live import hub as hubs
from console.api.live.hub import Hub
from console.api.routes import live
from reid_core.access import Role, Scope
from reid_core.access.tokens import revoke_token, tokens
from reid_core.access.users import change_user
from reid_core.audit.rows import AuditRow
from reid_core.gallery import Gallery
from tests.conftest import ROOT, command_environment
from tests.support.serving import SERVED, listening, serve
from tests.support.watched import Square

YARD = Scope(frozenset({"yard"}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(hubs, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.2)


@contextmanager
def opened(url):
    with Gallery.open(url) as gallery:
        made = Square(gallery)
        made.comes("lobby", 0, 1)
        yield made


@pytest.fixture
def anywhere(books, tmp_path, monkeypatch):
    """A gallery on SQLite, and on PostgreSQL."""
    monkeypatch.setenv("NIGHTREID_AUDIT_KEY_FILE", str(tmp_path / "audit.key"))
    with opened(books) as square:
        yield square


@pytest.fixture
def square(sqlite_gallery):
    with opened(sqlite_gallery) as square:
        yield square


class Listener:
    """Somebody with a token who follows, in a thread; ``events`` are kind, number and data."""

    def __init__(self, address, program, last=None):
        self.events, self.status, self.over, self.comments = [], None, threading.Event(), 0
        headers = {"Authorization": program.headers["Authorization"]}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self._client = httpx.Client(base_url=address, headers=headers, timeout=20)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        try:
            with self._client.stream("GET", "/api/v1/live") as answer:
                self.status, self.headers = answer.status_code, answer.headers
                event = {}
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if not line and event:
                        self.events.append(
                            (event.get("event"), int(event.get("id", 0)), json.loads(event.get("data", "0")))
                        )
                        event = {}
                    elif not name:
                        self.comments += 1
                    elif name != "retry":
                        event[name] = value
        except httpx.HTTPError:
            pass
        finally:
            self.over.set()

    def kinds(self):
        return [kind for kind, *_ in self.events]

    def until(self, told, within=10):
        deadline = time.monotonic() + within
        while not told():
            assert time.monotonic() < deadline, (self.status, [one[:2] for one in self.events])
            time.sleep(0.02)

    def begun(self):
        self.until(lambda: self.status is not None)
        return self

    def leave(self):
        self._client.close()


@contextmanager
def following(served, who=Role.VIEWER, scope=None, last=None, **options):
    with listening(served) as address:
        program = served.program(who, **({"scope": scope} if scope is not None else {}), **options)
        yield Listener(address, program, last).begun(), address, program


def without_crops(events):
    """Each stream has its own addresses of pictures."""
    return json.loads(re.sub(r"search=[\w-]+", "", json.dumps(events)))


def rows(gallery, action):
    with gallery.database.read() as session:
        return list(
            session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.number))
        )


def test_tracklets_links_and_alerts_of_the_night_are_told_in_order(anywhere):
    anywhere.watch("a red coat", name="Monday")
    with following(serve(anywhere.gallery)) as (listener, *_):
        [dark] = anywhere.comes("yard", 0)
        anywhere.comes("gate", 1)
        anywhere.looks().catch_up()
        listener.until(lambda: len(listener.events) >= 3)
        assert listener.kinds() == ["tracklet", "link", "alert"]
        tracklet, link, alert = (data for *_, data in listener.events)
        assert (tracklet["tracklet"], tracklet["camera"], tracklet["spectrum"]) == (dark, "yard", "thermal")
        assert link["tracklet"]["tracklet"] == dark and link["decision"] == "linked"
        assert [one["rank"] for one in link["candidates"]] == [1, 2]
        assert (alert["name"], alert["tracklet"], alert["camera"]) == ("Monday", dark, "yard")
        assert [number for _, number, _ in listener.events] == sorted({n for _, n, _ in listener.events})
        assert listener.headers["content-type"].startswith("text/event-stream")


def test_who_comes_back_is_told_what_they_missed_and_nothing_twice(anywhere):
    served = serve(anywhere.gallery)
    with following(served) as (listener, address, program):
        anywhere.comes("yard", 0)
        listener.until(lambda: len(listener.events) == 2)
        listener.leave()
        anywhere.comes("lane", 1)
        again = Listener(address, program, listener.events[0][1]).begun()
        again.until(lambda: len(again.events) == 3)
        assert without_crops(again.events[:1]) == without_crops(listener.events[1:])
        assert [data["camera"] for kind, _, data in again.events if kind == "tracklet"] == ["lane"]
    # After a restart nothing is kept; it is read again.
    with following(serve(anywhere.gallery), Role.INVESTIGATOR, last=listener.events[1][1]) as (third, *_):
        third.until(lambda: len(third.events) == 2)
        assert without_crops(third.events) == without_crops(again.events[1:])


def test_who_was_away_for_too_long_is_told_so(square, monkeypatch):
    monkeypatch.setattr(hubs, "KEPT", 2)
    square.comes("yard", 0, 1)
    with following(serve(square.gallery), last=0) as (listener, *_):
        square.comes("lane", 0)
        listener.until(lambda: len(listener.events) == 3)
        assert listener.kinds() == ["missed", "tracklet", "link"]


def test_what_is_out_of_scope_is_never_told(square):
    square.watch("a red coat")
    with following(serve(square.gallery), scope=YARD) as (listener, *_):
        square.comes("lane", 0)
        square.comes("yard", 0)
        square.looks().catch_up()
        listener.until(lambda: len(listener.events) == 3)
        time.sleep(0.2)
        assert listener.kinds() == ["tracklet", "link", "alert"]
        cameras = {data.get("camera") or data["tracklet"]["camera"] for *_, data in listener.events}
        assert cameras == {"yard"}
        link, alert = listener.events[1][2], listener.events[2][2]
        assert link["candidates"] == [], "whoever it may be was seen by day, elsewhere"
        assert alert["identity"] is None and alert["probability"] is None


OVER = {
    "the token is revoked": lambda session, user: revoke_token(session, tokens(session)[0].id),
    "the scope is another one": lambda session, user: change_user(session, user.name, scope=YARD),
    "the role is another one": lambda session, user: change_user(session, user.name, role=Role.AUDITOR),
}


@pytest.mark.parametrize("how", OVER)
def test_a_stream_ends_where(square, how):
    served = serve(square.gallery)
    user = served.user(Role.VIEWER)
    with following(served, user) as (listener, *_):
        square.comes("yard", 0)
        listener.until(lambda: len(listener.events) == 2)
        with square.database.write() as session:
            OVER[how](session, user)
        square.comes("lane", 0)
        assert listener.over.wait(5)
        # What came before that was seen may have been told; nothing behind it.
        assert listener.kinds()[2:] in (["end"], ["tracklet", "link", "end"])


def test_what_comes_while_the_hub_looks_is_told_once(square, monkeypatch):
    served = serve(square.gallery)
    with following(served) as (listener, *_):
        outbox, looked = served.context.shared(Hub)._outbox, []
        real = outbox.end

        def end():
            if looked:
                return real()
            looked.append(True)
            square.comes("gate", 1)
            found = real()
            # Between looking for the end and reading up to it.
            square.comes("yard", 0)
            return found

        monkeypatch.setattr(outbox, "end", end)
        listener.until(lambda: len(listener.events) >= 2)
        square.comes("lane", 0)
        listener.until(lambda: "lane" in str(listener.events))
        listener.until(lambda: listener.kinds()[-1] == "link")
        assert listener.kinds() == ["tracklet", "link"] * 2


def test_what_comes_after_a_restore_is_told_whose_numbers_are_those_of_before(square):
    served = serve(square.gallery)
    with following(served) as (listener, *_):
        square.comes("yard", 0)
        listener.until(lambda: len(listener.events) == 2)
        hub = served.context.shared(Hub)
        real, off = hub._outbox, listener.events[-1][1] - 1

        class Restored:
            def end(self):
                return real.end() - off

            def after(self, number, *how):
                return [replace(one, id=one.id - off) for one in real.after(number + off, *how)]

        hub._outbox = Restored()
        listener.until(lambda: hub._position == 1)
        # A follower notices when it finds nothing to be told of.
        time.sleep(3 * live.CHECK_SECONDS)
        square.comes("lane", 0)
        listener.until(lambda: listener.kinds() == ["tracklet", "link"] * 2)


def test_it_ends_where_the_process_does(square):
    begun = time.monotonic()
    with following(serve(square.gallery)) as (listener, *_):
        begun = time.monotonic()
    assert listener.over.wait(1) and time.monotonic() - begun < 3


def test_as_many_follow_as_may(square):
    settings = SERVED.model_copy(
        update={"live": SERVED.live.model_copy(update={"streams": 3, "streams_each": 2})}
    )
    served = serve(square.gallery, settings)
    with listening(served) as address:
        one, other = served.program(Role.VIEWER), served.program(Role.VIEWER)
        first, _ = (Listener(address, one).begun() for _ in range(2))
        assert Listener(address, one).begun().status == 429, "two of one user"
        assert Listener(address, other).begun().status == 200
        assert Listener(address, served.program(Role.VIEWER)).begun().status == 429, "three in all"
        first.leave()
        hub = served.context.shared(Hub)
        square.comes("yard", 0)
        first.until(lambda: hub.followers == 2)
        assert Listener(address, one).begun().status == 200


def test_who_may_not_is_not_told(square):
    served = serve(square.gallery)
    with listening(served) as address:
        assert httpx.get(f"{address}/api/v1/live").status_code == 401
        for role in (Role.AUDITOR, Role.ADMIN):
            assert Listener(address, served.program(role)).begun().status == 403


def test_a_stream_is_written_down_before_it_begins_and_counted_when_it_is_over(square):
    served = serve(square.gallery)
    with following(served) as (listener, *_):
        [opened] = rows(square.gallery, "live.open")
        square.comes("yard", 0)
        listener.until(lambda: len(listener.events) == 2)
        listener.leave()
    [closed] = rows(square.gallery, "live.close")
    assert json.loads(closed.subject) == {"opened": opened.number, "tracklet": 1, "link": 1, "alert": 0}
    assert closed.actor == opened.actor
    strict = SERVED.model_copy(update={"policy": SERVED.policy.model_copy(update={"purpose": ("live",)})})
    with listening(again := serve(square.gallery, strict)) as address:
        assert Listener(address, again.program(Role.REVIEWER)).begun().status == 422
    assert len(rows(square.gallery, "live.open")) == 1


def test_what_another_process_writes_is_told(tmp_path):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with Gallery.open(url) as gallery, following(serve(gallery)) as (listener, *_):
        code = (
            "from reid_core.gallery import Gallery\nfrom tests.support.watched import Square\n"
            f"with Gallery.open({url!r}) as gallery:\n    Square(gallery).comes('yard', 0)\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=command_environment())
        listener.until(lambda: listener.kinds() == ["tracklet", "link"])
