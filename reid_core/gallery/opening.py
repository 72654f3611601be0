"""What has to be done with a gallery before anybody uses it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from reid_core.gallery.erased import erasure_key
from reid_core.gallery.erasures_file import erasures_file
from reid_core.registry import Registry

# It stands above the gallery, which cannot import it.
_STEPS: Registry[Callable[[Any], object]] = Registry(
    "step of opening a gallery", "nightreid.opening", {"erasures": "reid_core.erasure.replaying:replay"}
)


def opened(gallery: Any, erasures: Path | None) -> None:
    """Erase again whoever was erased since; the gallery is closed where that fails.

    Args:
        gallery: a `Gallery` that nobody uses yet.
        erasures: file of the erasures; by default as `erasures_file` says.
    """
    gallery.erasures = erasures if erasures is not None else erasures_file(gallery.database)
    if gallery.erasures is None:
        return
    try:
        if not gallery.erasures.exists():
            with gallery.database.read() as session:
                if erasure_key(session) is None:
                    return
        _STEPS.get("erasures")(gallery)
    except BaseException:
        gallery.close()
        raise
