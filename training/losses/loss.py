"""What every loss is to the rest: settings, what it reads, and one number."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

import torch
from pydantic import Field
from torch import nn

from reid_core.config import Settings
from reid_core.models.network import Network


class LossSettings(Settings):
    """Settings of a loss; each loss adds its own.

    Attributes:
        identifies: whether it can be learned from alone: it tells people apart.
        weight: in the sum that is minimised; 0 for none.
    """

    identifies: ClassVar[bool] = True
    weight: float = Field(default=1.0, ge=0)


@dataclass(frozen=True, slots=True)
class LossContext:
    """What a loss may need to be made.

    Attributes:
        network: that is trained, for the width of what it gives.
        identities: the data set's numbers of the classes 0, 1, 2 ...
        root: the data set's folder.
        seed: of the run.
    """

    network: Network
    identities: Sequence[int]
    root: Path
    seed: int

    def generator(self) -> torch.Generator:
        """Where first weights come from; the same numbers each time."""
        return torch.Generator().manual_seed(self.seed)


SettingsT = TypeVar("SettingsT", bound=LossSettings)


class Loss(nn.Module, ABC, Generic[SettingsT]):
    """One loss. Its ``forward`` takes what it reads, in that order, and gives one number.

    Attributes:
        settings: the class of its settings.
        reads: names of what it reads of the network's output and the batch; a system says which it offers
            (`training.systems.task.TrainingTask.readings`).
    """

    settings: ClassVar[type[LossSettings]]
    reads: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def create(cls, settings: SettingsT, context: LossContext) -> Self:
        """The loss as a recipe wants it; parameters that it has are learned with the network's."""
