"""OpenVINO on our terms: installed or said so, and nothing sent."""

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
