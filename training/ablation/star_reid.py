"""STAR-ReID's Table V and its K and beta: what each part adds, over seeds."""

from collections.abc import Sequence
from pathlib import Path

from reid_core.errors import UsageError
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.ranking import LocalGlobalJoint
from reid_core.ranking.mixing import MixRetrieve
from reid_core.starter import starter_embedder
from training.ablation.asking import Figures, figures_of, kinds_of
from training.ablation.plan import START, Plan, Training
from training.ablation.table import Ablated, Row, measured_by
from training.datasets.opening import open_dataset
from training.evaluation.evaluating import ProtocolResult
from training.evaluation.orchestrating import Evaluator
from training.evaluation.protocols import parse_protocol
from training.systems.reading import load_recipe
from training.systems.starting import input_of

_PMT = "model.aligned=false"
_MUTE = "losses.visual_textual.weight=0"
_LJM, _MIX = LocalGlobalJoint(), MixRetrieve()
_TEXT = "identity-fixed"
KS = (5, 10, 20, 30)
BETAS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)

PAPER = (
    "The paper, SYSU-MM01, all search, single shot, R1/mAP: Base 67.5/65.0, Base+FMA 74.7/73.1, Base+VIAP "
    "75.1/74.3, Base+VIAP+LJM 76.9/76.0, Base+BERT 72.1/70.8, Base+VTR 72.9/72.2, Base+VTR+VIAP 79.9/77.2, "
    "STAR-ReID (LJM) 82.9/80.5, STAR-ReID (mix-retrieve) 83.1/80.9; mAP by K, without LJM 77.2, 5: 78.2, "
    "10: 80.5, 20: 80.4, 30: 79.3."
)

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


def ablate(plan: Plan) -> Ablated:
    """Rows of the same weights are measured together; see `Ablation`.

    Hybrids have the body of the checkpoint to start from; transformers without one start from none.
    """
    model = load_recipe(plan.recipe, plan.overrides).recorded()["model"]
    assert isinstance(model, dict)
    start = plan.start if model["body"] is not None else None
    if start is None and plan.start != starter_embedder():
        raise UsageError(
            "This ablation starts from no checkpoint: each of its networks is another transformer.",
            "Leave --start out; --set model.source=NAME gives all of them published weights.",
        )
    kinds = kinds_of(open_dataset(plan.root))
    found: dict[tuple[str, str], list[Figures]] = {}
    protocols: dict[str, ProtocolResult] = {}
    given = input_of(open_checkpoint(start)) if start is not None else ()
    if start is not None:
        asked = {kind: parse_protocol(f"{preset}+trials={plan.trials}").id for kind, preset in kinds.items()}
        results = Evaluator(plan.root, tuple(asked.values())).evaluate(str(start)).results
        found |= {(START, kind): [figures_of(results[protocol])] for kind, protocol in asked.items()}
        protocols |= results
    for training, trained in plan.models(TRAININGS, given, start):
        rows = (
            (name, kind, "+".join(filter(None, (preset, f"trials={plan.trials}", change))))
            for name, change in ((training.name, ""), *training.measured)
            for kind, preset in kinds.items()
        )
        ids = {(name, kind): parse_protocol(text).id for name, kind, text in rows}
        results = Evaluator(plan.root, tuple(dict.fromkeys(ids.values()))).evaluate(str(trained)).results
        for row, protocol in ids.items():
            found.setdefault(row, []).append(figures_of(results[protocol]))
        protocols |= results
    table = tuple(Row(name, kind, None, tuple(each)) for (name, kind), each in found.items())
    return Ablated(table, (_readings(plan.recipe, plan.overrides), PAPER, measured_by(protocols.values())))


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
