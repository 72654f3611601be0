"""The logic of ``nightreid watch deliveries`` and ``retry``: alerts on their way to webhooks."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from console.identity import open_gallery
from reid_core.errors import UsageError
from reid_core.watching.deliveries import Delivery, DeliveryState, deliveries, retry
from stream.run.export import iso_utc


def deliveries_command(
    database: str, state: str | None, webhook: str | None, last: int, as_json: bool
) -> int:
    """Print deliveries, the latest last.

    Returns:
        0.
    """
    wanted = DeliveryState(state) if state is not None else None
    with open_gallery(database) as gallery, gallery.database.read() as session:
        found = deliveries(session, wanted, webhook, last=last)
    _print(found, as_json)
    return 0


def retry_command(database: str, numbers: Sequence[int], everything: bool, as_json: bool) -> int:
    """Begin deliveries anew and print them; a worker with that webhook delivers them.

    Returns:
        0.

    Raises:
        UsageError: none is named or all of them are beside single ones, or one cannot be begun anew.
    """
    if bool(numbers) == everything:
        raise UsageError(
            "Deliveries to retry are named, or all that were given up.",
            "Give their numbers, or --all; `nightreid watch deliveries` lists them.",
        )
    with open_gallery(database) as gallery, gallery.database.write() as session:
        begun = retry(session, None if everything else numbers, time.time_ns())
    _print(begun, as_json)
    return 0


def delivery_json(one: Delivery) -> Mapping[str, Any]:
    """A delivery as a JSON-serialisable object."""
    return {
        "delivery": one.number,
        "webhook": one.webhook,
        "alert": one.alert,
        "id": one.message,
        "state": str(one.state),
        "attempts": one.attempts,
        "queued": iso_utc(one.queued_ns),
        "next": iso_utc(one.due_ns) if one.state is DeliveryState.WAITING else None,
        "tried": iso_utc(one.tried_ns) if one.tried_ns is not None else None,
        "status": one.status,
        "error": one.error or None,
    }


def _print(found: Sequence[Delivery], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"deliveries": [delivery_json(one) for one in found]}, indent=2))
        return
    for one in found:
        print(_line(one))


def _line(one: Delivery) -> str:
    said = [
        *([f"{one.attempts} attempt{'s' * (one.attempts != 1)}"] if one.attempts else []),
        *([f"last {iso_utc(one.tried_ns)}"] if one.tried_ns is not None else []),
        *([f"next {iso_utc(one.due_ns)}"] if one.state is DeliveryState.WAITING else []),
        *([one.error] if one.error else []),
    ]
    return (
        f"delivery {one.number}  {one.state}  alert {one.alert} to {one.webhook}  {', '.join(said)}".rstrip()
    )
