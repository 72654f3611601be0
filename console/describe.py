"""The logic of ``nightreid dataset describe``."""

import json
from pathlib import Path

from console.failing import check_writable


def describe_command(tags: Path, out: Path, model: str | None, seed: int) -> int:
    """Describe, write, and name those whom nobody could tell apart.

    Args:
        tags: by identity.
        out: file to write.
        model: language model; a template without one.
        seed: of its draws.

    Returns:
        0.

    Raises:
        SourceError: the tags cannot be read.
        ModelError: the language model cannot be loaded, or says nothing.
        StorageError: the file cannot be written.
    """
    from stream.run.export import write_atomically
    from training.datasets.describing import (
        ByInstruction,
        by_template,
        described,
        read_tags,
        told_alike,
    )

    check_writable(out)
    people = read_tags(tags)
    captions = described(people, by_template if model is None else ByInstruction(model, seed))
    write_atomically(out, json.dumps(captions, indent=2, ensure_ascii=False) + "\n")
    print(f"{len(captions):,} descriptions are in {out}.")
    for same in told_alike(captions):
        print(f"note: told alike: {', '.join(same)}. Add to their notes what tells them apart.")
    return 0
