"""One use of the console: who asks, why, and what they may see and must be written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Self, cast

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from console.api.context import Context
from console.api.rates import address_of
from console.two_persons import needs_two
from reid_core.access import Principal
from reid_core.access.errors import AccessError, NotFoundError
from reid_core.access.sessions import UserSession
from reid_core.audit.event import AuditEvent
from reid_core.gallery import Gallery, SearchFilter


@dataclass(frozen=True, eq=False)
class Use:
    """One use of the console by somebody who may make it.

    Attributes:
        context: what all requests share.
        request: its head.
        principal: who asks.
        purpose: stated with the request or, if not, by the session.
        case: reference of the case, likewise.
        session: of a user who is signed in; ``None`` of a token.
        again: who asks by now, as it was found out at first.
    """

    context: Context
    request: Request
    principal: Principal
    purpose: str | None
    case: str | None
    session: UserSession | None = None
    again: Callable[[], Principal] | None = None

    @property
    def gallery(self) -> Gallery:
        """The gallery."""
        return self.context.gallery

    @property
    def address(self) -> str:
        """From which address is asked."""
        return address_of(self.request)

    def stating(self, purpose: str | None, case: str | None = None) -> Self:
        """The same use with what a body states; what it leaves out stays as it is."""
        return replace(self, purpose=purpose or self.purpose, case=case or self.case)

    def narrowed(self, where: SearchFilter) -> SearchFilter:
        """A filter that lets through no more than the principal may see."""
        return self.principal.scope.narrowed(where)

    def sees(self, camera: str, time_ns: int) -> bool:
        """Whether the principal may see what a camera captured at a time, UTC nanoseconds."""
        return self.principal.scope.sees(camera, time_ns)

    def must_see(self, camera: str, time_ns: int) -> None:
        """Make sure of `sees`.

        Raises:
            NotFoundError: they may not, which is answered as if it were not there.
        """
        if not self.sees(camera, time_ns):
            raise not_found()

    def lives(self) -> bool:
        """Whether the principal may still do this: asked again and again by what answers for long.

        A stream must end once its session or token has ended, its user is disabled, or may do or see
        something else. A user with an open stream is seen, and so not signed out for being idle.
        """
        try:
            return self.again is None or self.again() == self.principal
        except AccessError:
            return False

    def must_state_why(self, action: str) -> None:
        """Make sure that what the policy asks for is stated; `record` does so too, if late.

        Raises:
            PurposeNeededError: it is not.
        """
        self.context.settings.policy.check(
            action,
            self.purpose,
            self.case,
            "Send it as purpose, as the header Nightreid-Purpose, or state it for the session.",
            "Send it as case, as the header Nightreid-Case, or state it for the session.",
        )

    def needs_two(self, action: str) -> bool:
        """Whether the policy asks for a second person's agreement."""
        return needs_two(self.context.settings.policy, action)

    def record(
        self,
        action: str,
        *,
        subject: Mapping[str, object] | None = None,
        details: Mapping[str, object] | None = None,
        session: Session | None = None,
    ) -> int:
        """Write down what is done, before it is answered.

        Args:
            action: a short dotted word.
            subject: ids alone.
            details: what is personal.
            session: of the writing transaction in which it is done, where it changes something.

        Returns:
            the number of the audit log's row.

        Raises:
            PurposeNeededError: the policy asks for what is not stated.
        """
        self.must_state_why(action)
        event = AuditEvent(
            action, self.principal.actor, self.purpose, self.case, subject or {}, details or {}
        )
        return self.context.trail.append(event, session)


def not_found() -> NotFoundError:
    """What is answered for what is not there, and for what must not be seen, alike."""
    return NotFoundError("There is no such thing.")


def current_use(request: Request) -> Use:
    """The use that the gate admitted: for handlers of routes that need somebody."""
    use = getattr(request.state, "use", None)
    if use is None:
        raise RuntimeError(f"{request.url.path} is open, or did not pass the gate")
    return cast(Use, use)


CurrentUse = Annotated[Use, Depends(current_use)]
"""Type of a handler's parameter: who asks, why, and what they may see."""
