"""Manifests on disk: JSON files that are read strictly."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from reid_core.config import Settings
from reid_core.errors import ModelError
from reid_core.validation import first_wrong

ManifestT = TypeVar("ManifestT", bound=Settings)


def read_json(
    model: type[ManifestT],
    file: Path,
    latest: int,
    hint: str,
    sections: Callable[[Mapping[str, Any]], Mapping[str, type[BaseModel]]] = lambda _: {},
) -> ManifestT:
    """Read and check one manifest.

    Args:
        model: what it must hold.
        file: the manifest.
        latest: format that this version knows.
        hint: how a manifest looks, for one that lacks something.
        sections: from the file's values to the models of those keys whose type another key decides.

    Raises:
        ModelError: missing, not JSON, of a later format, an unknown key (the nearest valid one is named) or
            a wrong value.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"The manifest {file} cannot be read: {error}.") from None
    except json.JSONDecodeError as error:
        raise ModelError(f"The manifest {file} is not valid JSON (line {error.lineno}).") from None
    if not isinstance(values, dict):
        raise ModelError(f"The manifest {file} must hold keys and values.", hint)
    found = values.get("format")
    if isinstance(found, int) and found > latest:
        raise ModelError(
            f"The manifest {file} is of format {found}; this version reads up to {latest}.",
            "Install a newer nightreid.",
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = first_wrong(model, error, sections(values))
    if wrong.kind == "unknown":
        raise ModelError(f"Unknown key {wrong.key!r} in {file}.", wrong.hint)
    if wrong.kind == "missing":
        raise ModelError(f"The key {wrong.key!r} is missing in {file}.", hint)
    message = wrong.message.removeprefix("Value error, ")
    raise ModelError(f"{file}: {wrong.key + ': ' if wrong.key else ''}{message}.")
