"""What is written down of one use of a gallery."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PURPOSE, DETAILS = "purpose", "details"
"""What of a row is kept apart, and can be forgotten."""

FORGET, RESEAL = "audit.forget", "audit.reseal"
"""Actions by which the log speaks of itself: something personal was forgotten, it was sealed anew."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One use of a gallery: who did what to whom, and why.

    What is personal stands apart and can be forgotten, while the rest, and that there was more, stays.

    Attributes:
        action: a short dotted word: ``search``, ``view``, ``export``, ``link.confirm``, ``watch.add``.
        actor: who: ``user:NAME``, ``token:NAME``, ``local:NAME`` or ``system:NAME``.
        purpose: why, in their own words; kept apart, as it may name somebody.
        case: the reference of a case; kept with the purpose.
        subject: ids alone, by what they are of (identities, tracklets, cameras): numbers, texts, lists.
        details: what is personal: the text of a query, an address, names. JSON values.
    """

    action: str
    actor: str
    purpose: str | None = None
    case: str | None = None
    subject: Mapping[str, object] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
