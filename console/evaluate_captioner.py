"""The logic of ``nightreid evaluate-captioner``: what captions say, attribute by attribute."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from console.progress import ProgressBars
from reid_core.images import read_image
from reid_core.models.language import Captioner
from reid_core.runtime import load_captioner
from reid_core.types import Image, Modality
from training.datasets.opening import open_dataset
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.evaluation.captions import (
    WORLD,
    Claims,
    Verdict,
    claims_of,
    claims_of_network,
    facts_of_people,
    judge_captions,
)
from training.evaluation.texts import captions_of_images

_BATCH = 16
_TIMED = 100
OWN, NETWORK = "own captions", "OMZ 0230"


def evaluate_captioner_command(
    data: Path, captioners: Sequence[str], weights: Path | None, most: int | None, as_json: bool
) -> int:
    """Print precision and recall of each attribute: of the data set's own captions, of captioners, and of a
    public attribute network.

    Args:
        data: a synthetic data set; all of its people are judged.
        captioners: as for `load_captioner`.
        weights: folder of the public networks; ``None`` leaves the network out.
        most: images of each modality, evenly spaced; ``None`` for all.
        as_json: print one JSON object.

    Returns:
        0.
    """
    dataset = open_dataset(data)
    facts = facts_of_people(dataset)
    loaded = {name: load_captioner(name) for name in captioners}
    results: dict[str, Any] = {"data": str(dataset.digest or dataset.name), "milliseconds": {}}
    table = _table()
    with ProgressBars(ends=True) as bars:
        for modality in Modality:
            records = _spaced(_of(dataset, modality), most)
            if not records:
                continue
            own = [claims_of(text) for text in captions_of_images(dataset, records, WORLD)]
            judges = {OWN: own, **_judged(dataset, records, modality, loaded, weights, bars)}
            verdicts = {
                judge: judge_captions(records, own, claims, facts) for judge, claims in judges.items()
            }
            results[str(modality)] = {
                "images": len(records),
                **{judge: [asdict(one) for one in each] for judge, each in verdicts.items()},
            }
            _add_rows(table, modality, verdicts)
            crops = [read_image(dataset.file(record)) for record in records[:_TIMED]]
            for name, captioner in loaded.items():
                results["milliseconds"].setdefault(name, {})[str(modality)] = _milliseconds(
                    captioner, crops, modality
                )
    if as_json:
        print(json.dumps(results, indent=2))
        return 0
    Console(width=160).print(table)
    for name, measured in results["milliseconds"].items():
        each = ", ".join(f"{one}: {spent:.1f}" for one, spent in measured.items())
        print(f"Milliseconds a crop on one core by {name}: {each}")
    return 0


def _of(dataset: ReidDataset, modality: Modality) -> list[ImageRecord]:
    everybody = (record for split in Split for record in dataset.splits.get(split, ()))
    return [record for record in everybody if record.modality is modality]


def _spaced(records: list[ImageRecord], most: int | None) -> list[ImageRecord]:
    if most is None or len(records) <= most:
        return records
    return [records[at * len(records) // most] for at in range(most)]


def _judged(
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    modality: Modality,
    captioners: dict[str, Captioner],
    weights: Path | None,
    bars: ProgressBars,
) -> dict[str, list[Claims]]:
    from training.synthetic.judges.networks import AttributeNetwork

    network = None if weights is None else AttributeNetwork(weights, 1)
    found: dict[str, list[Claims]] = {name: [] for name in captioners}
    if network is not None:
        found[NETWORK] = []
    for start in range(0, len(records), _BATCH):
        crops = [read_image(dataset.file(record)) for record in records[start : start + _BATCH]]
        for name, captioner in captioners.items():
            found[name] += map(claims_of, captioner.caption(crops, modality))
        if network is not None:
            found[NETWORK] += claims_of_network(network(crops))
        bars.show(f"caption {modality}", min(start + _BATCH, len(records)), len(records), "")
    return found


def _milliseconds(captioner: Captioner, crops: Sequence[Image], modality: Modality) -> float:
    """Of one crop in a batch, in a core's own time, whoever else uses it; the middle of several batches."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spent = []
        for start in range(0, len(crops), _BATCH):
            batch = crops[start : start + _BATCH]
            begun = time.process_time()
            captioner.caption(batch, modality)
            spent.append((time.process_time() - begun) / len(batch))
        return 1000 * sorted(spent)[len(spent) // 2]
    finally:
        torch.set_num_threads(threads)


def _table() -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("modality", "attribute", "by", "said", "precision", "told", "recall"):
        table.add_column(name, justify="left" if name in ("modality", "attribute", "by") else "right")
    return table


def _add_rows(table: Table, modality: Modality, verdicts: dict[str, list[Verdict]]) -> None:
    for place in range(len(verdicts[OWN])):
        for judge, each in verdicts.items():
            one = each[place]
            if one.said:
                shares = (_figure(one.precision), _figure(one.recall))
                table.add_row(
                    str(modality),
                    one.attribute,
                    judge,
                    f"{one.said:,}",
                    shares[0],
                    f"{one.told:,}",
                    shares[1],
                )


def _figure(share: tuple[float, float, float] | None) -> str:
    return "-" if share is None else f"{share[0]:.2f} ({share[1]:.2f} to {share[2]:.2f})"
