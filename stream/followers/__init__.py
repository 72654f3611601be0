"""What happens after a tracklet: followers of the outbox, found by name.

One of this repository is a file here and a line below; one of another package is an entry point of the group
``nightreid.followers``. The name stands for a function that makes a `stream.followers.follower.Follower` out
of `stream.followers.surroundings.Surroundings`, or ``None`` where there is nothing for it to do. A worker
starts all of them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reid_core.registry import Registry

if TYPE_CHECKING:
    from stream.followers.follower import Follower
    from stream.followers.surroundings import Surroundings

FOLLOWERS: "Registry[Callable[[Surroundings], Follower[Any] | None]]" = Registry(
    "follower",
    "nightreid.followers",
    {
        "announcer": "stream.followers.announcing:announcer",
        "captioner": "stream.followers.captioning:captioner",
        "watcher": "stream.followers.watcher:watcher",
        "webhooks": "stream.followers.webhooks:webhooks",
    },
)
"""Every follower, by name."""
