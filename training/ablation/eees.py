"""EEES's Tables 3 and 4: what each part of it adds, and how many views it takes, over seeds.

The row of implicit semantics (ISE), which is another method's prompt learner, is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from reid_core.errors import UsageError
from reid_core.models.checkpoint_files import open_checkpoint
from training.ablation.asking import Figures, kinds_of
from training.ablation.table import Ablated, Row
from training.datasets.opening import open_dataset
from training.evaluation.evaluated import Evaluated
from training.evaluation.orchestrating import Evaluator
from training.recipe import Recipe
from training.run_folder import MODEL_NAME
from training.systems.reading import load_recipe
from training.systems.starting import input_of
from training.trainer import TrainingProgress, train

START = "the network that it starts from"

_CVSC = ("losses.multi_view.weight=0", "losses.distillation.weight=0")
_CMSP = ("losses.purification.weight=0",)
_ESE = ("losses.image_text.weight=0",)

_READ = {"vector", "frozen", "attention"}

PAPER = (
    "The paper, SYSU-MM01, all search, single shot, R1/mAP: baseline 71.6/68.0, ISE 74.1/71.8, "
    "ESE 75.4/72.5, ESE + CVSC 76.7/74.4, ESE + CMSP 76.2/74.2, all 78.2/75.7; M = 0: 76.1/74.2, "
    "1: 78.2/75.7, 2: 77.1/74.6, 3: 77.5/74.9. Here M = 0 is ESE + CMSP."
)


@dataclass(frozen=True, slots=True)
class Training:
    """One of the trainings.

    Attributes:
        name: of the row that it makes.
        folder: of its runs, without the seed.
        settings: above the recipe's.
    """

    name: str
    folder: str
    settings: tuple[str, ...]


TRAININGS = (
    Training("baseline", "baseline", (*_ESE, *_CVSC, *_CMSP)),
    Training("ESE", "ese", (*_CVSC, *_CMSP)),
    Training("ESE + CVSC, M = 1", "ese-cvsc", (*_CMSP, "model.cross_views=1")),
    Training("ESE + CMSP", "ese-cmsp", _CVSC),
    Training("ESE + CVSC + CMSP, M = 1", "all-1", ("model.cross_views=1",)),
    Training("ESE + CVSC + CMSP, M = 2", "all-2", ("model.cross_views=2",)),
    Training("ESE + CVSC + CMSP, M = 3", "all-3", ("model.cross_views=3",)),
)


def ablate(
    recipe: Path,
    root: Path,
    start: Path,
    out: Path,
    seeds: Sequence[int],
    progress: TrainingProgress,
    overrides: Sequence[str] = (),
    trials: int = 10,
) -> Ablated:
    """Train what is missing and measure every row by images alone; see `Ablation`."""
    kinds = {kind: f"{preset}+trials={trials}" for kind, preset in kinds_of(open_dataset(root)).items()}
    evaluator = Evaluator(root, tuple(kinds.values()))
    found: dict[tuple[str, str], list[Figures]] = {}
    protocols: list[str] = []

    def measure(name: str, model: Path) -> None:
        done = evaluator.evaluate(str(model))
        protocols[:] = done.results
        for kind, figures in zip(kinds, _figures(done), strict=True):
            found.setdefault((name, kind), []).append(figures)

    measure(START, start)
    given = [*input_of(open_checkpoint(start)), *overrides]
    settings: Recipe | None = None
    for seed in seeds:
        for training in TRAININGS:
            folder = out / f"{training.folder}-{seed}"
            settings = load_recipe(recipe, [*given, *training.settings, f"seed={seed}"])
            if not train(settings, folder, root, progress, start=start).finished:
                raise UsageError(f"The run {folder} was stopped.", "The same command resumes it.")
            measure(training.name, folder / MODEL_NAME)
    rows = tuple(Row(name, kind, None, tuple(each)) for (name, kind), each in found.items())
    said = () if settings is None else (_readings(settings),)
    return Ablated(rows, (f"Protocols: {', '.join(protocols)}", PAPER, *said))


def _figures(done: Evaluated) -> list[Figures]:
    """Of each protocol, in their order."""
    return [Figures(*(each.mean(name) for name in ("r1", "map", "minp"))) for each in done.results.values()]


def _readings(recipe: Recipe) -> str:
    """What the paper leaves open, as it was set."""
    values = recipe.model_dump(mode="json", include={"model": _READ, "losses": True})
    lines = [
        f"- {section}.{name}: {_plain(each)}" for section in values for name, each in values[section].items()
    ]
    return "\n".join(["As it was read, all parts on:", "", *lines])


def _plain(value: JsonValue) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    return str(value)
