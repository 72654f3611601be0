"""Watches and alerts as lines and as JSON."""

from collections.abc import Mapping
from typing import Any

from reid_core.watching.alerts import Alert
from reid_core.watching.watch import Watch
from stream.run.export import iso_utc

_NOBODY_YET = "nobody has watched yet"


def state_of(watch: Watch, now_ns: int) -> str:
    """Whether it looks at anybody: ``active``, ``paused`` or ``expired``."""
    if watch.expires_ns is not None and watch.expires_ns <= now_ns:
        return "expired"
    return "paused" if watch.paused else "active"


def watch_line(watch: Watch, alerts: int, now_ns: int) -> str:
    """A watch in one line."""
    conditions = [
        *([f"{watch.looks_at} tracklets"] if watch.looks_at is not None else []),
        *([f"at {', '.join(sorted(watch.cameras))}"] if watch.cameras else []),
        *([f"{watch.hours} {watch.hours.zone}"] if watch.hours is not None else []),
        *([f"until {iso_utc(watch.expires_ns)}"] if watch.expires_ns is not None else []),
    ]
    told = f"; {', '.join(conditions)}" if conditions else ""
    count = f"{alerts} alert{'s' * (alerts != 1)}"
    return (
        f"watch {watch.number}  {state_of(watch, now_ns)}  {watch.kind}: {watch.name}{told}  "
        f"({watch.standing or _NOBODY_YET}; {count})"
    )


def watch_json(watch: Watch, alerts: int, now_ns: int) -> Mapping[str, Any]:
    """A watch as a JSON-serialisable object; a picture's vector is left out."""
    return {
        "watch": watch.number,
        "state": state_of(watch, now_ns),
        "kind": str(watch.kind),
        "name": watch.name,
        "text": watch.text,
        "identity": watch.identity,
        "modality_of_picture": watch.pictured,
        "looks_at": watch.looks_at,
        "cameras": sorted(watch.cameras),
        "hours": str(watch.hours) if watch.hours is not None else None,
        "zone": watch.hours.zone if watch.hours is not None else None,
        "until": iso_utc(watch.expires_ns) if watch.expires_ns is not None else None,
        "false_alarms": watch.false_alarms,
        "score": watch.score,
        "by": watch.author,
        "why": watch.purpose,
        "added": iso_utc(watch.created_ns),
        "standing": watch.standing or None,
        "alerts": alerts,
    }


def alert_line(alert: Alert) -> str:
    """An alert in one line."""
    said = [
        *([f"identity {alert.identity[:8]}"] if alert.identity is not None else []),
        *([f"score {alert.score:.3f}"] if alert.score is not None else []),
        *([f"probability {alert.probability:.2f}"] if alert.probability is not None else []),
        *([f"chance {alert.false_alarms:.2g} a night"] if alert.false_alarms is not None else []),
        *([] if alert.calibrated else ["not calibrated"]),
        *([f"repeats {alert.repeats}"] if alert.repeats is not None else []),
    ]
    return (
        f"alert {alert.number}  watch {alert.watch} ({alert.name})  {alert.camera} ({alert.modality})  "
        f"{iso_utc(alert.start_ns)} to {iso_utc(alert.end_ns)}  tracklet {alert.tracklet}"
        + (f"  {', '.join(said)}" if said else "")
    )
