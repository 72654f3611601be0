"""STAR-ReID's Table V and its K and beta: what each part adds, over seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reid_core.errors import UsageError
from reid_core.ranking import LocalGlobalJoint
from reid_core.ranking.mixing import MixRetrieve
from reid_core.starter import starter_embedder
from training.ablation.asking import Figures, kinds_of
from training.ablation.table import Ablated, Row
from training.datasets.opening import open_dataset
from training.evaluation.orchestrating import Evaluator
from training.evaluation.protocols import parse_protocol
from training.run_folder import MODEL_NAME
from training.systems.reading import load_recipe
from training.trainer import TrainingProgress, train

_PMT = "model.aligned=false"
_MUTE = "losses.visual_textual.weight=0"
_LJM, _MIX = LocalGlobalJoint(), MixRetrieve()
_TEXT = "identity-fixed"
KS = (5, 10, 20, 30)
BETAS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Training:
    """One of the trainings that the tables need.

    Attributes:
        name: of the row that it makes, and of its folder.
        settings: above the recipe's, all of whose parts are on.
        measured: further rows of the same weights: name and change of the protocol.
    """

    name: str
    settings: tuple[str, ...]
    measured: tuple[tuple[str, str], ...] = ()


_JOINT = f"rerank={_LJM.id}"
_MIXED = f"text={_TEXT}+feature={_MIX.id}"

TRAININGS = (
    Training("Base", (_PMT, _MUTE)),
    Training("Base+FMA", ("model.fusion=sum", _MUTE)),
    Training("Base+VIAP", (_MUTE,), (("Base+VIAP+LJM", _JOINT),)),
    # The class token alone meets the text's, and all pairs count alike.
    Training("Base+BERT", (_PMT, "losses.visual_textual.alpha=0", "losses.visual_textual.powers=false")),
    Training("Base+VTR", (_PMT,)),
    Training(
        "Base+VTR+VIAP",
        (),
        (
            ("STAR-ReID (LJM)", _JOINT),
            ("STAR-ReID (mix-retrieve)", _MIXED),
            ("STAR-ReID (mix-retrieve, LJM)", f"{_MIXED}+{_JOINT}"),
            ("text alone", f"text={_TEXT}"),
            *((f"LJM, K {k}", f"rerank={LocalGlobalJoint(k=k).id}") for k in KS),
            *((f"LJM, beta {beta}", f"rerank={LocalGlobalJoint(weight=beta).id}") for beta in BETAS),
        ),
    ),
)
"""Table V in its order; Tables VI and VII and Figure 6 are of the last one's weights."""


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
    """Train what is missing and measure every row; see `training.ablation.table.Ablation`."""
    if start != starter_embedder():
        raise UsageError(
            "This ablation starts from no checkpoint: each of its networks is another one.",
            "Leave --start out; --set model.source=NAME gives all of them published weights.",
        )
    kinds = kinds_of(open_dataset(root))
    found: dict[tuple[str, str], list[Figures]] = {}
    protocols: dict[str, None] = {}
    for seed in seeds:
        for training in TRAININGS:
            folder = out / f"{training.name.lower().replace('+', '-')}-{seed}"
            settings = load_recipe(recipe, [*overrides, *training.settings, f"seed={seed}"])
            if not train(settings, folder, root, progress).finished:
                raise UsageError(f"The run {folder} was stopped.", "The same command resumes it.")
            rows = (
                (name, kind, "+".join(filter(None, (preset, f"trials={trials}", change))))
                for name, change in ((training.name, ""), *training.measured)
                for kind, preset in kinds.items()
            )
            asked = {(name, kind): parse_protocol(text).id for name, kind, text in rows}
            evaluator = Evaluator(root, tuple(dict.fromkeys(asked.values())))
            results = evaluator.evaluate(str(folder / MODEL_NAME)).results
            for row, protocol in asked.items():
                result = results[protocol]
                figures = Figures(*(result.mean(figure) for figure in ("r1", "map", "minp")))
                found.setdefault(row, []).append(figures)
                protocols[protocol] = None
    table = tuple(Row(name, kind, None, tuple(each)) for (name, kind), each in found.items())
    return Ablated(table, (_readings(recipe, overrides), _listed(protocols)))


def _readings(recipe: Path, overrides: Sequence[str]) -> str:
    """How what the paper leaves open was read, as the recipe says it."""
    said = load_recipe(recipe, overrides).recorded()
    model, losses = said["model"], said["losses"]
    assert isinstance(model, dict) and isinstance(losses, dict)
    words = losses["visual_textual"]
    assert isinstance(words, dict)
    read = {name: model[name] for name in ("attention", "pooling", "fusion", "low_frequency")}
    read |= {name: words[name] for name in ("alpha", "temperature", "duplicates", "pairing")}
    pmt = ", ".join(
        f"{name} {each['weight']}"
        for name, each in losses.items()
        if name in ("modality_shared", "discriminative_center") and isinstance(each, dict)
    )
    return (
        f"Readings: {', '.join(f'{name} {value}' for name, value in read.items())}; in all rows PMT's {pmt}. "
        "LJM and mix-retrieve look at all queries, or at who is asked for: such rows are compared with each "
        "other alone."
    )


def _listed(protocols: Iterable[str]) -> str:
    return "\n".join(["Protocols:", "", *(f"- `{each}`" for each in protocols)])
