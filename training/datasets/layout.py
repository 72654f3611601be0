"""What a kind of data set is to the rest: how its folder is recognised, opened and checked."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from reid_core.errors import SourceError
from training.datasets.checks.findings import Seen, Told
from training.datasets.records import ReidDataset


@dataclass(frozen=True, slots=True)
class Checked:
    """One layout's part of a check.

    Attributes:
        seen: what was found.
        images: the folder that the paths in it begin at.
    """

    seen: Seen
    images: Path


@dataclass(frozen=True, slots=True)
class Cameras:
    """The cameras of a published data set, by their numbers.

    Attributes:
        called: the data set, as a sentence begins with it.
        visible: of the visible ones.
        infrared: of the infrared ones.
    """

    called: str
    visible: frozenset[int]
    infrared: frozenset[int]


class Layout(ABC):
    """A layout of data sets: one object a file of `training.datasets`, found by name in `opening.LAYOUTS`.

    Splits are of identities: nobody of one split is in another, and `open` refuses or never makes such a data
    set. Where a data set comes with several divisions of its people, each is a trial with a model of its own.

    Attributes:
        name: what checks call it.
        looks: what a folder of it looks like, in a few words, for whoever has another one.
        builds_on: name of the layout of which this is a special case, if it is one. A data set of it keeps
            that one's tree, and `recognises` tells it apart from others of that tree.
        published: whether its counts are published; then captions come apart, in a folder ``Text``.
        cameras: that it has: under protocols of its own, images and vectors of others are refused; ``None``
            where any may be.
        trials: its divisions into training and test people, each of which needs a model of its own; ``None``
            where there is one division and the trials of a protocol are draws.
    """

    name: ClassVar[str]
    looks: ClassVar[str]
    builds_on: ClassVar[str | None] = None
    published: ClassVar[bool] = False
    cameras: ClassVar[Cameras | None] = None
    trials: ClassVar[range | None] = None

    @abstractmethod
    def recognises(self, root: Path) -> bool:
        """Whether a folder is laid out this way; no more than a look at a few names."""

    def lacks(self, root: Path) -> SourceError | None:
        """What is missing in a folder that nearly has this layout, if that can be told."""
        return None

    @abstractmethod
    def open(self, root: Path, trial: int = 1) -> ReidDataset:
        """List a folder of this layout; no image is read.

        Args:
            root: of the data set.
            trial: one of `trials`, where there are any.

        Raises:
            SourceError: something of it is missing or contradicts itself, or there is no such trial.
        """

    @abstractmethod
    def check(self, root: Path, deep: bool, told: Told) -> Checked:
        """Compare a copy with what is known of it; what is wrong is in the result.

        Args:
            root: of the data set.
            deep: compute digests anew.
            told: called with what is done, how many of it, and of how many.
        """
