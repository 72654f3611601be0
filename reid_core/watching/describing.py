"""A description as a watch keeps it: understood, without markup and without what nobody is searched by."""

from reid_core.errors import UsageError
from reid_core.words.markup import without_markup
from reid_core.words.protected import fit_for_search
from reid_core.words.terms import Understanding
from reid_core.words.understanding import understand


def described(text: str) -> tuple[str, Understanding]:
    """A description that is fit to be kept, and how it is understood.

    Args:
        text: as a person wrote it.

    Raises:
        UsageError: it is empty, too long, not English, or says nothing that is searched for.
    """
    understood = understand(text)
    if not understood.sentence:
        raise UsageError(
            f"Nothing in the description is understood as something to search for ({understood.told})."
            if understood.told
            else "Nothing in the description is understood as something to search for.",
            "Say what the person wears or carries; `nightreid words TEXT` shows how it is read.",
        )
    return " ".join(fit_for_search(without_markup(text)).text.split()), understood
