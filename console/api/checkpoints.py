"""Checkpoints of the audit log while the console is at work."""

import asyncio
import logging

from starlette.concurrency import run_in_threadpool

from console.api.context import Context
from reid_core.audit.keeping import Checkpointing
from reid_core.errors import NightreidError

_log = logging.getLogger(__name__)
_TURN_SECONDS = 10.0


async def note_checkpoints(context: Context) -> None:
    """Note where the audit log ends, at once and every so often, until cancelled."""
    keeping = Checkpointing(context.gallery.database, context.trail, context.settings.audit)
    while True:
        try:
            await run_in_threadpool(keeping.turn)
        except NightreidError as error:
            _log.warning("No checkpoint of the audit log was noted: %s", error)
        except Exception:
            # A task that ended would say nothing, and none would be noted any more.
            _log.exception("No checkpoint of the audit log was noted, for what was not foreseen.")
        await asyncio.sleep(_TURN_SECONDS)
