"""The contract of a follower: somebody who does something with what happened in a gallery.

A follower is given the events of its kinds in the order in which they happened, a few at a time, each exactly
once, in one worker of the group at a time. How far it has come is its mark, kept in the gallery's database.
There are two ways of being exact:

* A `Follower` writes what it does into the gallery's database, in the very transaction that moves the mark.
  What takes time is prepared outside of it.
* An `OutsideFollower` does it elsewhere. It finds out there how far it came, and shuts out whoever did it
  before.

`stream.followers.following` drives both.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy.orm import Session

from reid_core.gallery.outbox import Event

WorkT = TypeVar("WorkT")


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a follower has come.

    Attributes:
        position: number of the last event that is done with; 0 before the first one.
        notes: what `OutsideFollower.deliver` wanted to be known beside it.
    """

    position: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)


class Follower(ABC, Generic[WorkT]):
    """Does something with events, in the gallery's database.

    An event that fails for a reason of its own is tried again a few times, by itself, and then set aside: the
    others go on. What is no event's fault is waited out, so raise an error that is `transient`
    (`reid_core.errors`) for what passes; `stream.followers.following.is_the_events` tells them apart.

    Attributes:
        name: who does it, in a word: of its lease, its log lines and its metrics.
        kinds: of the events that it is given.
        together: how many it is given at a time, at most.
        lease: name of somebody else's lease that it goes by; ``None`` for one of its own. Whoever holds the
            lease does the work.
    """

    name: ClassVar[str]
    kinds: Collection[str]
    together: int = 64
    lease: ClassVar[str | None] = None

    @abstractmethod
    def prepare(self, events: Sequence[Event]) -> WorkT:
        """The work, as far as it can be done without writing: what takes time is here.

        It is outside of every transaction. It may come to nothing, or be asked for again with the same or
        other events, here or in another worker: it changes nothing that others see.

        Args:
            events: the next ones, in order; never none.
        """

    @abstractmethod
    def commit(self, session: Session, work: WorkT) -> None:
        """Write what was prepared, in the transaction that moves the mark: quickly, others wait for it.

        Args:
            session: of the transaction, which is committed by whoever called.
            work: as `prepare` made it.

        Raises:
            Exception: nothing of it is kept, and the mark stays.
        """

    def start(self) -> None:
        """Begin what goes on beside the events, if anything; it ends when `Surroundings.stop` is set.

        It is called in every worker, whoever holds the lease.
        """
        return

    def waits(self, events: int) -> None:
        """Hear how many events are to be handled yet, these among them."""
        return


class OutsideFollower(Follower[WorkT]):
    """Does something with events elsewhere: on a topic, say.

    Between `deliver` and the moving of the mark the process may end. So the other side must be able to say
    what it has, and to refuse what a former worker still delivers.
    """

    @abstractmethod
    def recover(self, mark: Mark) -> int:
        """Shut out whoever did it before, and find out how far that one came.

        It is called before the first events and after every failure.

        Args:
            mark: as it is kept; what is behind it may have been delivered nevertheless.

        Returns:
            number of the last event that was delivered, ``mark.position`` where nothing else is known.
        """

    @abstractmethod
    def deliver(self, work: WorkT) -> Mapping[str, Any]:
        """Do what was prepared, all of it or nothing.

        `commit` is called behind it, for what is to be written beside; it may be left out by a fall.

        Returns:
            what `recover` is to know beside the position; of JSON.

        Raises:
            Exception: it is away, or refuses: waited out, whatever it is, and begun anew with `recover`.
        """

    @abstractmethod
    def let_go(self) -> None:
        """Close what `recover` opened, if anything; nothing of the sort is to be heard of any more."""
