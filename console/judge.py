"""The logic of ``nightreid synthetic judge``: public networks look at the synthetic world."""

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from console.progress import progress_of
from console.synthetic import processes_or_cores
from reid_core.errors import SourceError, UsageError

if TYPE_CHECKING:
    from training.synthetic.judges.judge import Verdict

REID, FRAMES = "reid", "frames"
SEED = 50_001
"""Of the world that is judged where none is given: no recipe trains on this seed's world."""

IDENTITIES, IMAGES, PICTURES = 180, 3, 160
"""Three crowds of sixty, images of each person and camera, and frames of each spectrum."""


def judge_command(
    data: Path | None,
    weights: Path | None,
    seed: int = SEED,
    processes: int | None = None,
    as_json: bool = False,
) -> int:
    """Show the world to public networks and print what they make of it, beside the targets.

    Args:
        data: a folder with a data set in ``reid`` and frames in ``frames``; what is not there is made
            there. ``None`` for a temporary one.
        weights: the folder of public weights; ``None`` for that of the shared folder.
        seed: of the world, where it has to be made.
        processes: that make it at the same time; ``None`` for one a core.
        as_json: print one JSON object.

    Returns:
        0, whether or not all targets are met.

    Raises:
        UsageError: there are no weights, or the data set holds too few people.
        ModelError: a network is missing or damaged.
        SourceError: the data cannot be read.
    """
    folder = _weights(weights)
    with ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightreid-judge-")))
        facts = make_world(data, seed, processes_or_cores(processes))
        verdicts = judge_world(data, folder)
    passed = all(verdict.passed is not False for verdict in verdicts)
    if as_json:
        told = {"data": facts, "passed": passed, "verdicts": [verdict.as_json() for verdict in verdicts]}
        print(json.dumps(told, indent=2))
    else:
        Console().print(_table(verdicts))
        missed = sum(verdict.passed is False for verdict in verdicts)
        print("All targets are met." if passed else f"{missed} of the targets are missed.")
    return 0


def make_world(folder: Path, seed: int, processes: int) -> dict[str, Any]:
    """Make the data set and the frames that are not there yet.

    Returns:
        What was judged, for the record: seed, counts and digest of the data set.
    """
    if not (folder / REID / "synthetic.json").is_file():
        from training.synthetic.scenes.dataset import write_dataset
        from training.synthetic.scenes.plan import Plan

        # Nothing is trained here: everybody is a test identity.
        plan = Plan(ids=IDENTITIES, seed=seed, images=IMAGES, val=0.0, test=1.0)
        with progress_of("crops") as progress:
            write_dataset(folder / REID, plan, processes=processes, progress=progress)
    if not (folder / FRAMES / "truth.json").is_file():
        from training.synthetic.scenes.frames import write_frames

        with progress_of("frames") as progress:
            write_frames(folder / FRAMES, PICTURES, seed, processes=processes, progress=progress)
    manifest = folder / REID / "synthetic.json"
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        return {key: said[key] for key in ("seed", "ids", "images", "digest")}
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"The manifest {manifest} cannot be read: {error!r}.") from None


def judge_world(folder: Path, weights: Path) -> "list[Verdict]":
    """Every judge's figures on a folder as `make_world` leaves it."""
    from training.datasets.opening import open_dataset
    from training.evaluation.baselines import files_embedder
    from training.evaluation.public_networks import PUBLIC_NETWORKS, open_public_network
    from training.synthetic.judges.frames import judge_people, read_frames
    from training.synthetic.judges.judge import judge_attributes, judge_identities
    from training.synthetic.judges.networks import AttributeNetwork, open_detector

    threads = os.cpu_count() or 1
    dataset = open_dataset(folder / REID)
    frames = read_frames(folder / FRAMES)
    # A network that is missing is told of before minutes are spent.
    networks = {
        name: files_embedder(open_public_network(name, weights, threads).embed) for name in PUBLIC_NETWORKS
    }
    attributes = AttributeNetwork(weights, threads)
    note = Console(stderr=True)
    with open_detector(weights, threads) as detector:
        note.print(f"Looking for people in {len(frames)} frames", highlight=False)
        verdicts = judge_people(frames, detector)
    note.print(f"Telling people apart by {len(networks)} networks", highlight=False)
    verdicts += judge_identities(dataset, networks)
    note.print("Naming clothes, hair and bags", highlight=False)
    return verdicts + judge_attributes(dataset, attributes)


def _weights(named: Path | None) -> Path:
    from training.evaluation.public_networks import shared_folder

    shared = shared_folder()
    folder = named or (shared / "weights" if shared else None)
    if folder is None or not folder.is_dir():
        raise UsageError(
            f"There is no folder of public weights{f' {folder}' if folder else ''}.",
            "Name it with --weights, or its parent in NIGHTREID_SHARED.",
        )
    return folder


def _table(verdicts: "Sequence[Verdict]") -> Table:
    from training.evaluation.intervals import in_words

    table = Table()
    for column in ("judge", "figure", "", "queries", "95 %", "target", ""):
        table.add_column(column, justify="right" if column in ("", "queries") else "left")
    for verdict in verdicts:
        word = {True: "met", False: "MISSED", None: ""}[verdict.passed]
        target = str(verdict.target) if verdict.target else ""
        # Only a rank-1 has queries; what the others count is in the JSON.
        queries, interval = verdict.facts.get("queries", ""), verdict.facts.get("interval_95")
        within = in_words(interval) if interval else ""
        table.add_row(
            verdict.judge, verdict.figure, f"{verdict.value:.3f}", str(queries), within, target, word
        )
    return table
