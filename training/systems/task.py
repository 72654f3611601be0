"""What a system is to the trainer: a network, what a batch brings, and what its losses may read."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from torch import Tensor

from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.network import Network
from reid_core.preprocess import Preprocess
from training.batches import Batch, TrainingBatches
from training.datasets.records import listing_digest
from training.kept import FrozenViews, KeptFeatures, Told, kept_features
from training.losses.loss import LossContext
from training.material import Material
from training.needs import Needs
from training.objective import Objective
from training.recipe import Recipe

RecipeT = TypeVar("RecipeT", bound=Recipe)
OutputT = TypeVar("OutputT")


class TrainingTask(ABC, Generic[RecipeT, OutputT]):
    """One system's part in a run.

    The trainer keeps the rest: the loop, resuming, averages, blending, precision, the log, watching,
    calibration. A task keeps nothing that changes from step to step: what learns is in the network or in a
    loss, what is random is a function of the seed and the step.

    Attributes:
        recipe_type: the class of its recipes; its ``system`` has the task's name as default.
        measures: names of what `measured` gives, columns of the log.

    Args:
        recipe: of the run.
        material: what is learned from.
        identities: the data set's numbers of the classes 0, 1, 2 ...

    Attributes:
        start: the checkpoint that the run starts from, if any; the trainer says so before it asks for more.
    """

    recipe_type: ClassVar[type[Recipe]]
    measures: ClassVar[tuple[str, ...]] = ()

    def __init__(self, recipe: RecipeT, material: Material, identities: Sequence[int]) -> None:
        self.recipe = recipe
        self.material = material
        self.identities = identities
        self.start: CheckpointFiles | None = None

    @abstractmethod
    def preprocess(self) -> Preprocess:
        """How a crop becomes the network's input, in training and ever after."""

    @abstractmethod
    def network(self, start: CheckpointFiles | None) -> Network:
        """The network as it begins, on the CPU: a function of the recipe and its seed.

        Parameters that are not to learn have ``requires_grad`` off.

        Args:
            start: checkpoint whose weights it takes (`reid_core.models.checkpoint.take_weights`), or
                ``None`` for random or published ones.

        Raises:
            ModelError: weights are missing or damaged, or the checkpoint is of another network.
        """

    @abstractmethod
    def origin(self) -> str:
        """Where the first weights come from without a checkpoint, for the manifest."""

    def needs(self) -> Needs:
        """What a batch brings besides images and labels; nothing by default.

        Raises:
            SourceError: it cannot be read.
        """
        return Needs()

    @abstractmethod
    def forward(self, network: Network, batch: Batch) -> OutputT:
        """One pass in training mode, in half precision where the run is.

        Args:
            network: as `network` made it, on the batch's device.
            batch: of the step.
        """

    @abstractmethod
    def readings(self, output: OutputT, batch: Batch) -> Mapping[str, Tensor]:
        """Everything that losses may read, by name: of the output, and of the batch."""

    def objective(self, network: Network) -> Objective:
        """The losses of the recipe, on the CPU.

        Raises:
            SourceError: the data lack what a loss needs.
        """
        root, seed = self.material.dataset.root, self.recipe.seed
        return Objective(self.recipe.losses.named(), LossContext(network, self.identities, root, seed))

    def frozen(self, network: Network) -> FrozenViews | None:
        """What of a network sees images and does not learn, where that is computed once; nothing by default.

        Args:
            network: as `network` made it, on its device, in training mode.
        """
        return None

    def kept(
        self, network: Network, source: TrainingBatches, cache: Path, told: Told | None
    ) -> KeptFeatures | None:
        """What batches bring instead of images, where those that see images do not learn.

        Args:
            network: as `network` made it, on its device, in training mode.
            source: of the batches; it makes augmented images.
            cache: folder for what is computed.
            told: called with images done and their number.

        Raises:
            SourceError: an image is missing or damaged.
            StorageError: the cache cannot be written.
        """
        frozen, recipe = self.frozen(network), self.recipe
        if frozen is None:
            return None
        said = [
            listing_digest(self.material.dataset, self.material.train),
            self.preprocess().model_dump(mode="json"),
            recipe.augmentation.model_dump(mode="json"),
            recipe.input.cache_scale,
        ]
        return kept_features(
            frozen,
            source.augmented,
            self.material.train,
            seed=recipe.seed,
            said=said,
            cache=cache.parent / "kept",
            told=told,
        )

    def losses(self, objective: Objective, output: OutputT, batch: Batch) -> Mapping[str, Tensor]:
        """The terms of a step before their weights; by default all of the objective's, each step."""
        return objective.terms(self.readings(output, batch))

    def measured(self, output: OutputT, batch: Batch) -> Mapping[str, Tensor]:
        """What is watched besides, a number each: the `measures`."""
        return {}

    def accompany(self, objective: Objective, checkpoint: CheckpointFiles) -> None:
        """Write what else a run makes into the checkpoint's folder, such as a text encoder (``text/``).

        Nothing by default. Called when the network is saved; a run that was killed in between does both anew.

        Args:
            objective: the losses as they were learned.
            checkpoint: of the network; its ``model_id`` is the space that a text encoder aims at.
        """

    def result(self, network: Network) -> Network:
        """What of the network becomes the checkpoint; all of it by default."""
        return network

    def accompany_network(self, network: Network, checkpoint: CheckpointFiles) -> None:
        """As `accompany`, of what `result` left out of the network as it was learned; nothing by default."""


def columns(task: TrainingTask[Any, Any]) -> tuple[str, ...]:
    """Of the log: step, epoch, each loss of the recipe, what the task measures, learning rate, speed."""
    named = task.recipe.losses.named()
    return ("step", "epoch", "loss", *named, *task.measures, "lr", "images_per_second")
