"""What a second person can be asked to agree to: actions that somebody proposes in the console."""

import difflib
from collections.abc import Iterable

import reid_core.erasure.proposing  # noqa: F401  # It adds erasing to the others.
from reid_core.audit.policy import UsePolicy, named
from reid_core.reviewing.actions import ACTIONS


def needs_two(policy: UsePolicy, action: str) -> bool:
    """Whether a policy asks for a second person's agreement to an action that can be proposed."""
    return action in ACTIONS and named(action, policy.two_persons)


def check_proposable(names: Iterable[str]) -> None:
    """Make sure that each of some names is of actions that can be proposed; ``link`` is of two.

    Raises:
        ValueError: one is not, and nobody would ever be asked.
    """
    for one in names:
        if not any(named(action, (one,)) for action in ACTIONS):
            near = difflib.get_close_matches(one, ACTIONS, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(sorted(ACTIONS))}"
            raise ValueError(f"nobody can propose {one!r}: {meant}")
