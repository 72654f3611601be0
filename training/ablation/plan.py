"""What an ablation is asked for, and the trainings that it needs, resumed where they were stopped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reid_core.errors import UsageError
from training.run_folder import MODEL_NAME
from training.systems.reading import load_recipe
from training.trainer import TrainingProgress, train

START = "the network that it starts from"
"""Name of the row of that."""


@dataclass(frozen=True, slots=True)
class Training:
    """One of the trainings that a table needs.

    Attributes:
        name: of the row that it makes.
        settings: above the recipe's, all of whose parts are on.
        measured: further rows of the same weights: name and change of the protocol.
        folder: of its runs, without the seed; by default the name in small letters, with ``-`` for what else
            it holds.
    """

    name: str
    settings: tuple[str, ...] = ()
    measured: tuple[tuple[str, str], ...] = ()
    folder: str = ""

    def run(self, seed: int) -> str:
        """The folder's name of its run by a seed."""
        words = "".join(each if each.isalnum() else " " for each in self.name.lower()).split()
        return f"{self.folder or '-'.join(words)}-{seed}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for.

    Attributes:
        recipe: its parts all on.
        root: folder of the data set; its test identities are asked for.
        start: checkpoint of a network that has learned.
        out: folder of the runs; those that are finished are taken as they are.
        seeds: a run of each training for each.
        progress: who is told.
        overrides: settings above the recipe's, for every training.
        trials: galleries drawn.
    """

    recipe: Path
    root: Path
    start: Path
    out: Path
    seeds: Sequence[int]
    progress: TrainingProgress
    overrides: Sequence[str] = ()
    trials: int = 10

    def models(
        self, trainings: Sequence[Training], given: Sequence[str] = (), start: Path | None = None
    ) -> Iterator[tuple[Training, Path]]:
        """Each training's checkpoint, seed by seed; those that are missing are made when they are asked for.

        Args:
            trainings: in the order of the table.
            given: settings above the recipe's, below the plan's own.
            start: checkpoint that they start from.

        Raises:
            UsageError: a run was stopped.
            SourceError: images or captions are missing.
            ModelError: the checkpoint cannot be started from.
        """
        for seed in self.seeds:
            for training in trainings:
                folder = self.out / training.run(seed)
                settings = [*given, *self.overrides, *training.settings, f"seed={seed}"]
                recipe = load_recipe(self.recipe, settings)
                if not train(recipe, folder, self.root, self.progress, start=start).finished:
                    raise UsageError(f"The run {folder} was stopped.", "The same command resumes it.")
                yield training, folder / MODEL_NAME
