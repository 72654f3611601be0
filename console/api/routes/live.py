"""What comes in, as it comes in: server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from console.api.live.hub import Follower, Hub
from console.api.permitted import PermittedRouter
from console.api.use import CurrentUse
from reid_core.access import Permission
from reid_core.errors import NightreidError

router = PermittedRouter("/live", tags=["live"])
CHECK_SECONDS = 2.0
"""How long somebody may still be told whose session or rights are over, at most."""

_RETRY_MS = 3000


def following(
    use: CurrentUse, last_event_id: Annotated[str | None, Header(max_length=20)] = None
) -> Iterator[tuple[Hub, Follower]]:
    """The follower of a request, for as long as it lasts."""
    hub = use.context.shared(Hub)
    known = last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit()
    follower = hub.open(use, int(last_event_id) if known and last_event_id else None)
    try:
        yield hub, follower
    finally:
        hub.leave(follower)


@router.get("", permission=Permission.LIVE, response_class=EventSourceResponse)
async def live(
    following: Annotated[tuple[Hub, Follower], Depends(following)],
) -> AsyncIterator[ServerSentEvent]:
    """Infrared tracklets (`tracklet`), links (`link`) and alerts (`alert`) as they come in.

    From now on, or behind `Last-Event-ID`. `missed` says that more has happened meanwhile than is told; `end`
    that the session is over, or what may be seen has changed, with the reason: come back for what may be
    seen by then.
    """
    hub, follower = following
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        # After the loop has ended nobody is left to be told.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(news.set)

    follower.wake = wake
    try:
        yield ServerSentEvent(comment="what comes in", retry=_RETRY_MS)
        while not follower.over.is_set():
            news.clear()
            try:
                told = await run_in_threadpool(hub.next, follower)
            except NightreidError as error:
                if not error.transient:
                    yield ServerSentEvent(event="end", data={"code": error.code, "detail": error.message})
                    return
                told = []
            if follower.missed:
                follower.missed = False
                yield ServerSentEvent(event="missed", data={})
            for event, body in told:
                yield ServerSentEvent(event=event.kind, raw_data=body, id=str(event.number))
            if not told:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), CHECK_SECONDS)
    finally:
        hub.leave(follower)
