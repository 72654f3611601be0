"""OpenVINO on our terms: nothing sent."""

import sys


def quiet_openvino() -> None:
    """Keep OpenVINO from reporting to its makers, which it does whenever it is imported.

    Without the package that sends, it takes a stand-in of its own. Too late where somebody has imported
    OpenVINO before.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
