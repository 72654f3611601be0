"""Typed configuration: YAML read once at the edge, overridable by ``--set key=value`` and environment.

Precedence, lowest first: defaults of the model, the YAML file, environment variables
(``NIGHTREID_<SECTION>__<KEY>``), ``--set section.key=value``. An unknown key is an error that offers
the nearest valid name. A variable ``NIGHTREID_<SECTION>__<KEY>__FILE`` names a file that holds the value, as
secrets of containers are given.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from reid_core.errors import ConfigError
from reid_core.validation import first_wrong

ENVIRONMENT_PREFIX = "NIGHTREID_"
# Variables of that prefix which are not configuration keys.
RESERVED_ENVIRONMENT = frozenset(
    {
        "NIGHTREID_SHARED",
        "NIGHTREID_DEBUG",
        "NIGHTREID_CACHE",
        "NIGHTREID_REQUIRE",
        "NIGHTREID_ARTEFACTS",
        "NIGHTREID_AUDIT_KEY",
        "NIGHTREID_AUDIT_KEY_FILE",
        "NIGHTREID_AUDIT_CHECKPOINTS",
        "NIGHTREID_ERASURE_LEDGER",
        "NIGHTREID_PURPOSE",
        "NIGHTREID_CASE",
    }
)


FILE_KEY = "file"
"""At the end of a variable's name: its value is the path of a file that holds the setting, a secret."""


class Settings(BaseModel):
    """Base of every configuration section: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


ConfigT = TypeVar("ConfigT", bound=Settings)


def load_config(
    model: type[ConfigT],
    path: Path | None = None,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> ConfigT:
    """Read and check one configuration.

    Args:
        model: the typed configuration of the room that reads it.
        path: a YAML file, or ``None`` for the defaults alone.
        overrides: ``section.key=value`` strings; values are YAML.
        environment: variables to look for ``NIGHTREID_SECTION__KEY`` in.

    Raises:
        ConfigError: the file is missing or not YAML, a key is unknown, or a value has the wrong type.
    """
    return check_config(model, read_config(path, overrides, environment), path)


def read_config(
    path: Path | None = None,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The values of one configuration, not yet checked: where they say themselves which class checks them.

    Args:
        path: as for :func:`load_config`, like the rest.
        overrides: ``section.key=value`` strings.
        environment: variables.

    Raises:
        ConfigError: the file is missing or not YAML, or an override is not of that form.
    """
    values: dict[str, Any] = _read_yaml(path) if path is not None else {}
    for name, text in sorted((environment or {}).items()):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in RESERVED_ENVIRONMENT:
            keys = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            if len(keys) > 1 and keys[-1] == FILE_KEY:
                _put(values, keys[:-1], _content(text, name), name)
            else:
                _put(values, keys, _scalar(text, name), name)
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not re.fullmatch(r"[\w.\-]+", key.strip()):
            # Only the beginning is repeated: what follows may be a password.
            shown = re.match(r"[\w.]*", override)
            begun = f" (the one that begins with {shown[0]!r})" if shown and shown[0] else ""
            raise ConfigError(f"A --set{begun} is not of the form key=value.")
        _put(values, key.strip().split("."), _scalar(text, key), f"--set {key}")
    return values


def check_config(model: type[ConfigT], values: Mapping[str, Any], path: Path | None = None) -> ConfigT:
    """Check the values of one configuration.

    Args:
        model: the typed configuration of the room that reads it.
        values: as :func:`read_config` gives them.
        path: of the file, for messages.

    Raises:
        ConfigError: a key is unknown, or a value has the wrong type.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _readable(model, error, path) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"The configuration file {path} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {path} cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where is not None else ""
        raise ConfigError(f"The configuration file {path} is not valid YAML{line}.") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"The configuration file {path} must hold keys and values.")
    return values


def _scalar(text: str, name: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        # The value is not repeated: it may be a password.
        raise ConfigError(f"The value of {name} is not valid YAML.", "Quote it.") from None


def _content(path: str, name: str) -> str:
    try:
        content = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"The file of {name} ({path}) cannot be read: {reason}.") from None
    if not content:
        raise ConfigError(f"The file of {name} ({path}) is empty.")
    return content


def _put(values: dict[str, Any], keys: list[str], value: Any, origin: str) -> None:
    for key in keys[:-1]:
        section = values.setdefault(key, {})
        if not isinstance(section, dict):
            raise ConfigError(f"{origin} goes into {key!r}, which is not a section.")
        values = section
    values[keys[-1]] = value


def _readable(model: type[Settings], error: ValidationError, path: Path | None) -> ConfigError:
    """One sentence for the first thing wrong, with the nearest valid name for an unknown key."""
    wrong = first_wrong(model, error)
    where = f" in {path}" if path is not None else ""
    if wrong.kind == "unknown":
        return ConfigError(f"Unknown configuration key {wrong.key!r}{where}.", wrong.hint)
    return ConfigError(f"Configuration key {wrong.key!r}{where}: {wrong.message}.")
