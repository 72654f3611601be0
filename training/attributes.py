"""Plain labels of identities (``labels.json``) as yes-or-no attributes that both modalities can show."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reid_core.errors import SourceError

NAME = "labels.json"
RAREST = 0.02


def read_attributes(root: Path, identities: Sequence[int]) -> tuple[tuple[str, ...], Tensor]:
    """The attributes of some identities.

    Every ``key: value`` of a person's labels is one, ``key: true`` as well, and every kind of thing carried.
    What fewer than 2 in 100 of them have, or lack, is left out.

    Args:
        root: the data set's folder.
        identities: rows of the result.

    Returns:
        Names, and ``(I, A)`` 0 or 1.

    Raises:
        SourceError: the labels are missing, malformed or lack an identity.
    """
    file = root / NAME
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        facts = [set(_flat(said[str(identity)])) for identity in identities]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"The labels {file} cannot be read or lack an identity: {error!r}.",
            "Set losses.attributes.weight=0 for data without labels.",
        ) from None
    counts: dict[str, int] = {}
    for known in facts:
        for fact in known:
            counts[fact] = counts.get(fact, 0) + 1
    least = max(1.0, RAREST * len(identities))
    names = tuple(sorted(name for name, count in counts.items() if least <= count <= len(identities) - least))
    if not names:
        raise SourceError(f"The labels {file} distinguish no identities.")
    return names, torch.tensor([[float(name in known) for name in names] for known in facts])


def _flat(labels: dict[str, Any]) -> Iterator[str]:
    for key, value in labels.items():
        if isinstance(value, dict):
            yield from (f"{key}.{fact}" for fact in _flat(value))
        elif isinstance(value, list):
            yield from (f"{key}={one['kind']}" for one in value)
        elif value is True:
            yield key
        elif value is not False:
            yield f"{key}={value}"
