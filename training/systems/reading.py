"""Recipes: each is checked by the class of the system that it names."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reid_core.config import check_config, read_config
from training.recipe import Recipe, with_named_parts
from training.systems import TASKS


def load_recipe(
    path: Path | None = None,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Recipe:
    """Read and check a recipe.

    Args:
        path: a YAML file, or ``None`` for the defaults alone.
        overrides: ``section.key=value`` strings; values are YAML.
        environment: variables to look for ``NIGHTREID_SECTION__KEY`` in.

    Raises:
        ConfigError: the file is missing or not YAML, a key is unknown, or a value has the wrong type.
        UsageError: there is no such system.
    """
    values = read_config(path, overrides, environment)
    return check_config(_class_of(values), values, path)


def parse_recipe(values: Mapping[str, Any]) -> Recipe:
    """A recipe as a run has recorded it; what was not yet a setting then is at its default.

    Raises:
        ValueError: it is none of this version's.
        UsageError: its system, or something else that it names, is no longer there.
    """
    return _class_of(values).model_validate(values)


def _class_of(values: Mapping[str, Any]) -> type[Recipe]:
    name = str(values.get("system", TASKS.names[0]))
    return with_named_parts(TASKS.get(name).recipe_type, values)
