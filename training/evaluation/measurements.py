"""Two forms of what a model's results stand under: a retrieval protocol, or a measurement that is none."""

import re
from dataclasses import dataclass

from reid_core.errors import UsageError
from training.evaluation.protocols import ProtocolSpec, parse_protocol

_MEASUREMENT = re.compile(r"(?P<subject>[a-z0-9-]+)/(?P<figure>[a-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement of a model that ranks nobody, such as ``export/cosine-distance-to-torch``.

    Attributes:
        subject: what was measured.
        figure: what of it.
    """

    subject: str
    figure: str

    @property
    def id(self) -> str:
        """Two words with a slash; `parse_result` reads it back."""
        return f"{self.subject}/{self.figure}"


def parse_result(text: str) -> ProtocolSpec | Measurement:
    """What the ``protocol`` of a result in ``model.json`` stands for.

    Args:
        text: a protocol's id, or a measurement's. Models of earlier versions say the former in a sentence,
            which is neither.

    Raises:
        UsageError: it is neither.
    """
    match = _MEASUREMENT.fullmatch(text)
    if match is not None:
        return Measurement(match["subject"], match["figure"])
    spec = parse_protocol(text)
    if spec.id != text:
        raise UsageError(f"{text!r} names a protocol, but is not its id.", f"The id is {spec.id}.")
    return spec
