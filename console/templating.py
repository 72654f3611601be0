"""Where the pages' templates lie and how they are filled."""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


@cache
def templates() -> Environment:
    """The environment of every page: names from outside are escaped, and a missing value is an error."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["digest"] = _digest
    return made


def _digest(text: str) -> Markup:
    """How a content security policy names what stands in a page: it runs that and nothing else inline."""
    return Markup(f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'")
