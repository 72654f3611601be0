"""What all that comes through transformers and its hub have in common: no noise, no pickles, and reasons."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reid_core.errors import ModelError

__all__ = ["AS_TENSORS", "SAFELY", "STRICTLY", "loading", "quiet", "reason"]

AS_TENSORS = "as safetensors (a pickle is not opened)"
SAFELY: Mapping[str, Any] = {"use_safetensors": True}
"""What every ``from_pretrained`` of a network is told: a pickle is never opened unasked."""

STRICTLY: Mapping[str, Any] = {**SAFELY, "output_loading_info": True, "ignore_mismatched_sizes": True}
"""Likewise, where the caller says itself which tensors are missing, surplus or of other shapes."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' own bars and reports: what they say is checked and said by the caller."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def loading(what: str, hint: str) -> Iterator[None]:
    """Load something, quietly; whatever goes wrong is one sentence.

    Args:
        what: it is, as ``"The text tower 'x'"``.
        hint: what to do instead.

    Raises:
        ModelError: it cannot be loaded. The hub's client has a family of errors; all mean the same to the
            user.
    """
    try:
        with quiet():
            yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{what} cannot be loaded: {reason(error)}.", hint) from error


def reason(error: Exception) -> str:
    """The first line of what an error says, without its full stop: the hub's client has a family of them."""
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
