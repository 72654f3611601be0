"""What is asked of whoever uses a gallery: by which actions a purpose, a case, a second person is needed.

The console's settings state it; it is kept in the gallery, so that the command line obeys it too.
"""

import json
from collections.abc import Iterable

from sqlalchemy.orm import Session

from reid_core.access.errors import PurposeNeededError
from reid_core.config import Settings
from reid_core.gallery.schema import MetaRow

_KEY = "use_policy"


class UsePolicy(Settings):
    """What is asked of whoever uses the gallery.

    Attributes:
        purpose: actions that need a stated purpose; ``link`` stands for ``link.confirm`` and the like too.
        case: actions that need the reference of a case besides.
        two_persons: actions that a second person must agree to.
    """

    purpose: tuple[str, ...] = ()
    case: tuple[str, ...] = ()
    two_persons: tuple[str, ...] = ()

    def check(self, action: str, purpose: str | None, case: str | None, how: str, how_case: str) -> None:
        """Make sure that what an action needs is stated.

        Args:
            action: what is to be done.
            purpose: that is stated.
            case: that is stated.
            how: what the hint says of stating a purpose.
            how_case: of a case.

        Raises:
            PurposeNeededError: it is not.
        """
        for wanted, given, what, hint in (
            (self.purpose, purpose, "a purpose", how),
            (self.case, case, "the reference of a case", how_case),
        ):
            if not (given or "").strip() and named(action, wanted):
                raise PurposeNeededError(f"This ({action}) needs {what}, and none is stated.", hint)


def named(action: str, among: Iterable[str]) -> bool:
    """Whether an action is one of those named; ``link`` names ``link.confirm`` too."""
    return any(action == one or action.startswith(f"{one}.") for one in among)


def kept_policy(session: Session) -> UsePolicy:
    """The policy that a gallery keeps; one that asks for nothing where nobody set any."""
    row = session.get(MetaRow, _KEY)
    return UsePolicy.model_validate(json.loads(row.value)) if row is not None else UsePolicy()


def keep_policy(session: Session, policy: UsePolicy) -> bool:
    """Keep a policy, in a writing transaction; returns whether it differs from the one before."""
    if policy == kept_policy(session):
        return False
    session.merge(MetaRow(key=_KEY, value=json.dumps(policy.model_dump(mode="json"), sort_keys=True)))
    session.flush()
    return True
