"""EEES's Tables 3 and 4: what each part of it adds, and how many views it takes, over seeds.

The row of implicit semantics (ISE), which is another method's prompt learner, is left out.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from reid_core.models.checkpoint_files import open_checkpoint
from training.ablation.asking import Figures, figures_of, kinds_of
from training.ablation.plan import START, Plan, Training
from training.ablation.table import Ablated, Row, measured_by
from training.datasets.opening import open_dataset
from training.evaluation.evaluating import ProtocolResult
from training.evaluation.orchestrating import Evaluator
from training.evaluation.protocols import parse_protocol
from training.recipe import Recipe
from training.systems.reading import load_recipe
from training.systems.starting import input_of

_CVSC = ("losses.multi_view.weight=0", "losses.distillation.weight=0")
_CMSP = ("losses.purification.weight=0",)
_ESE = ("losses.image_text.weight=0",)

_READ = {"vector", "frozen", "attention"}

PAPER = (
    "The paper, SYSU-MM01, all search, single shot, R1/mAP: baseline 71.6/68.0, ISE 74.1/71.8, "
    "ESE 75.4/72.5, ESE + CVSC 76.7/74.4, ESE + CMSP 76.2/74.2, all 78.2/75.7; M = 0: 76.1/74.2, "
    "1: 78.2/75.7, 2: 77.1/74.6, 3: 77.5/74.9. Here M = 0 is ESE + CMSP."
)


TRAININGS = (
    Training("baseline", (*_ESE, *_CVSC, *_CMSP)),
    Training("ESE", (*_CVSC, *_CMSP)),
    Training("ESE + CVSC, M = 1", (*_CMSP, "model.cross_views=1"), folder="ese-cvsc"),
    Training("ESE + CMSP", _CVSC),
    Training("ESE + CVSC + CMSP, M = 1", ("model.cross_views=1",), folder="all-1"),
    Training("ESE + CVSC + CMSP, M = 2", ("model.cross_views=2",), folder="all-2"),
    Training("ESE + CVSC + CMSP, M = 3", ("model.cross_views=3",), folder="all-3"),
)


def ablate(plan: Plan) -> Ablated:
    """Every row is measured by images alone; see `Ablation`."""
    kinds = kinds_of(open_dataset(plan.root))
    protocols = {kind: parse_protocol(f"{preset}+trials={plan.trials}").id for kind, preset in kinds.items()}
    evaluator = Evaluator(plan.root, tuple(protocols.values()))
    found: dict[tuple[str, str], list[Figures]] = {}

    def measure(name: str, model: Path) -> Mapping[str, ProtocolResult]:
        results = evaluator.evaluate(str(model)).results
        for kind, protocol in protocols.items():
            found.setdefault((name, kind), []).append(figures_of(results[protocol]))
        return results

    asked = measure(START, plan.start)
    given = input_of(open_checkpoint(plan.start))
    for training, model in plan.models(TRAININGS, given, plan.start):
        measure(training.name, model)
    rows = tuple(Row(name, kind, None, tuple(each)) for (name, kind), each in found.items())
    every = load_recipe(plan.recipe, [*given, *plan.overrides])
    return Ablated(rows, (measured_by(asked.values()), PAPER, _readings(every)))


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
