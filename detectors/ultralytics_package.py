"""Ultralytics on our terms: nothing unpickled freely, installed, sent or printed; weights by their name."""

import contextlib
import difflib
import logging
import os
import sys
from pathlib import Path

from reid_core.errors import ModelError


def quiet_ultralytics() -> None:
    """Make ultralytics load pickles by its allow-list only, install nothing, send nothing, print nothing.

    Most of it is read from the environment when the package is first imported, which somebody may have
    done before; the constants it was read into are therefore set as well.
    """
    from reid_core.runtime.cache import cache_folder

    os.environ["ULTRALYTICS_SAFE_LOAD"] = "1"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ.setdefault("YOLO_VERBOSE", "false")
    # Spares every start a look-up of well-known hosts, which takes long where there is no network.
    os.environ.setdefault("YOLO_OFFLINE", "true")
    # Its settings file is written on import.
    os.environ.setdefault("YOLO_CONFIG_DIR", str(cache_folder()))
    import PIL.Image
    from ultralytics import utils
    from ultralytics.nn import tasks
    from ultralytics.utils import checks, patches

    utils.SAFE_LOAD = tasks.SAFE_LOAD = True
    checks.AUTOINSTALL = False
    utils.LOGGER.setLevel(logging.ERROR)
    # Usage events go out only while "sync" is on; not written back to the user's settings file.
    dict.__setitem__(utils.SETTINGS, "sync", False)
    # Its replacement asks for another package where a file is simply not an image.
    if PIL.Image.open is patches.image_open:
        PIL.Image.open = patches._image_open


def published_weights(name: str) -> Path:
    """The file of weights that ultralytics publishes under a name: from the cache, or fetched into it.

    Raises:
        ModelError: nothing is published under this name, or it could not be fetched.
    """
    quiet_ultralytics()
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES, attempt_download_asset

    from reid_core.runtime.cache import cache_folder

    names = sorted(one for one in GITHUB_ASSETS_NAMES if one.startswith("yolo") and one.endswith(".pt"))
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise ModelError(
            f"The detector {name} is neither a file here nor published by ultralytics under this name.",
            f"Did you mean {near[0]}?" if near else "Give --detector the path of YOLO weights.",
        )
    file = cache_folder() / "detectors" / name
    if file.is_file():
        return file
    try:
        # Standard output belongs to whoever called us.
        with contextlib.redirect_stdout(sys.stderr):
            attempt_download_asset(file, progress=sys.stderr.isatty())
    except Exception as error:  # requests, urllib, the disk: all of it means that the file is not there
        raise ModelError(
            f"The detector {name} is not a file here and could not be downloaded.",
            "Give --detector the path of YOLO weights (.pt, .onnx, .engine, or an OpenVINO folder).",
        ) from error
    return file
