"""OpenVINO on our terms: installed or said so, and nothing sent."""

import functools
import sys
from typing import Any

from reid_core.errors import MissingDependencyError


def import_openvino() -> Any:
    """The ``openvino`` package, kept from reporting to its makers, which it does whenever it is imported.

    Without the package that sends, it takes a stand-in of its own. Too late where somebody has imported
    OpenVINO before.

    Raises:
        MissingDependencyError: it is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError:
        raise MissingDependencyError(
            "OpenVINO is not installed.", "Install it with: pip install openvino"
        ) from None
    return openvino


@functools.cache
def openvino_core() -> Any:
    """The process's one ``openvino.Core``, never let go of.

    Its CPU plugin gives the thread that first compiles a network a stack for signal handlers, and takes it
    back when it goes. Of several, the last to go may leave the thread with one that is gone: the next signal
    then kills the process, or its handler writes into what lies there now.

    Raises:
        MissingDependencyError: OpenVINO is not installed.
    """
    return import_openvino().Core()
