"""The logic of ``nightreid rephrase``."""

import json
from pathlib import Path

from console.failing import check_writable
from console.progress import ProgressBars
from reid_core.types import Modality

_PLAIN, _WITH_OTHER_WORDS = "caption_dict_", "caption_llm_dict_"


def rephrase_command(
    captions: Path, model: str, modality: Modality, out: Path | None, seed: int, restart: bool, as_json: bool
) -> int:
    """Have a language model say captions again, and write both.

    Returns:
        0, also where answers were refused: those captions have no other words beside them.

    Raises:
        SourceError: the captions cannot be read.
        ModelError: the language model cannot be loaded.
        UsageError: other captions or another model began there.
        StorageError: the file cannot be written.
    """
    from training.captioning.rephrasing import open_rephraser, rephrase_captions
    from training.datasets.captions import read_descriptions

    said = read_descriptions(captions)
    file = out if out is not None else _beside(captions)
    check_writable(file)
    rephraser = open_rephraser(model, seed)
    with ProgressBars(ends=True) as bars:
        done = rephrase_captions(
            said,
            modality,
            rephraser,
            file,
            seed,
            lambda count, total: bars.show("rephrase", count, total, ""),
            restart,
        )
    if as_json:
        counts = {"captions": done.captions, "rephrased": done.rephrased, "refused": dict(done.refused)}
        print(json.dumps({"file": str(done.file), "model": model, **counts}, indent=2))
        return 0
    print(f"{done.rephrased:,} of {done.captions:,} captions have other words beside them in {done.file}")
    for why, count in sorted(done.refused.items()):
        print(f"note: {count:,} answer{'s' * (count > 1)} refused: {why}")
    return 0


def _beside(captions: Path) -> Path:
    name = captions.name
    if name.startswith(_PLAIN):
        return captions.with_name(_WITH_OTHER_WORDS + name.removeprefix(_PLAIN))
    return captions.with_name(f"{captions.stem}_rephrased.json")
