"""Retention over HTTP."""

from console.api.bodies.base import Moment, Shape, moment
from reid_core.retention.reporting import Line, RetentionReport
from reid_core.retention.rules import RetentionRules


class RetentionLine(Shape):
    """One class, of one camera or of none: the rule, what is left under it, what went."""

    camera: str | None
    what: str
    days: float | None
    oldest: Moment | None
    over: bool
    held: int
    removed: int
    last: Moment | None
    last_days: float | None

    @classmethod
    def of(cls, one: Line) -> "RetentionLine":
        """A line of the report."""
        return cls(
            camera=one.camera,
            what=one.what,
            days=one.days,
            oldest=moment(one.oldest_ns) if one.oldest_ns is not None else None,
            over=one.over,
            held=one.held,
            removed=one.removed,
            last=moment(one.last_ns) if one.last_ns is not None else None,
            last_days=one.last_days,
        )


class RetentionReported(Shape):
    """What is left and what went, as the database and the audit log say."""

    made: Moment
    enforced: Moment | None
    lines: list[RetentionLine]
    followers: dict[str, int]

    @classmethod
    def of(cls, found: RetentionReport) -> "RetentionReported":
        """A report."""
        return cls(
            made=moment(found.made_ns),
            enforced=moment(found.enforced_ns) if found.enforced_ns is not None else None,
            lines=[RetentionLine.of(one) for one in found.lines],
            followers=found.followers,
        )


class RetentionKept(Shape):
    """The rules that the gallery keeps."""

    rules: RetentionRules
