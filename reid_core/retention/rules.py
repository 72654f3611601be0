"""For how long what is kept: by camera and class."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session

from reid_core.config import Settings
from reid_core.gallery.hours import DAY_NS
from reid_core.gallery.schema import MetaRow

_KEY = "retention"
MOST_DAYS = 36_500
"""A rule has no more: time in nanoseconds ends after 106,751, and nobody is kept for a hundred years."""

Days = Annotated[float, Field(le=MOST_DAYS, allow_inf_nan=False)] | None


class OfCamera(StrEnum):
    """What a rule is about that each camera has its own of."""

    TRACKLETS = "tracklets"
    CROPS = "crops"
    VECTORS = "vectors"
    CAPTIONS = "captions"
    LINKS = "links"
    ALERTS = "alerts"


class General(StrEnum):
    """What a rule is about that no camera has its own of."""

    OUTBOX = "outbox"
    DEAD_LETTERS = "dead_letters"
    WATCHES = "watches"
    AUDIT_DETAILS = "audit_details"


class CameraRules(Settings):
    """Days after capture; ``null`` is for ever.

    Attributes:
        tracklets: where and when somebody walked, with all that follows; the rest goes with it at the latest.
        crops: the pictures. Without them another model cannot embed the gallery anew.
        vectors: what finds somebody.
        captions: what a captioner says, and the vectors of that.
        links: who an infrared tracklet is.
        alerts: whom watches found.
    """

    tracklets: Days = Field(default=None, gt=0)
    crops: Days = Field(default=None, gt=0)
    vectors: Days = Field(default=None, gt=0)
    captions: Days = Field(default=None, gt=0)
    links: Days = Field(default=None, gt=0)
    alerts: Days = Field(default=None, gt=0)


class RetentionRules(Settings):
    """For how long what is kept.

    Attributes:
        days: of every camera.
        cameras: of single ones, by id; what is not said here is as for every camera.
        outbox: days after which events go that every follower is done with; ``null`` is for ever.
        dead_letters: days after which notes of dead letters go that are on their topic; at the earliest with
            their event.
        watches: days after its expiry that a watch goes.
        audit_details: days after which the audit log forgets what is personal; its chain stays.
    """

    days: CameraRules = CameraRules()
    cameras: Mapping[str, CameraRules] = Field(default_factory=dict)
    outbox: Days = Field(default=None, ge=1)
    dead_letters: Days = Field(default=None, gt=0)
    watches: Days = Field(default=None, ge=0)
    audit_details: Days = Field(default=None, gt=0)

    def of_camera(self, camera: str, what: OfCamera) -> Days:
        """The rule of a camera; ``None`` where it is for ever."""
        own = self.cameras.get(camera)
        rules = own if own is not None and what.value in own.model_fields_set else self.days
        found: Days = getattr(rules, what.value)
        return found

    def general(self, what: General) -> Days:
        """The rule of what no camera has its own of."""
        found: Days = getattr(self, what.value)
        return found


def before(days: float, now_ns: int) -> int:
    """What is older than this, UTC nanoseconds, is over; of too many days `MOST_DAYS` count."""
    return now_ns - round(min(days, MOST_DAYS) * DAY_NS)


def kept_rules(session: Session) -> RetentionRules:
    """The rules that a gallery keeps; none where nobody set any: all is kept for ever."""
    row = session.get(MetaRow, _KEY)
    if row is None:
        return RetentionRules()
    return RetentionRules.model_validate(_bounded(json.loads(row.value)))


def _bounded(kept: Any) -> Any:
    """Rules as they were kept, with no more days than a rule may have: once they might."""
    if isinstance(kept, dict):
        return {name: _bounded(value) for name, value in kept.items()}
    return min(kept, MOST_DAYS) if isinstance(kept, (int, float)) else kept


def keep_rules(session: Session, rules: RetentionRules) -> bool:
    """Keep rules, in a writing transaction; returns whether they differ from those before."""
    # As they are written: of a single camera, null is for ever, and nothing is as of every camera.
    said = rules_json(rules)
    if session.get(MetaRow, _KEY) is not None and said == rules_json(kept_rules(session)):
        return False
    session.merge(MetaRow(key=_KEY, value=json.dumps(said, sort_keys=True)))
    session.flush()
    return True


def rules_json(rules: RetentionRules) -> dict[str, object]:
    """Rules as JSON values; of single cameras only what is their own."""
    return rules.model_dump(mode="json") | {
        "cameras": {
            name: own.model_dump(mode="json", exclude_unset=True) for name, own in rules.cameras.items()
        }
    }
