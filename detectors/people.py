"""The one person of a picture."""

import numpy as np

from detectors.detector import PersonDetector
from reid_core.errors import SourceError
from reid_core.types import Frame, Image, Modality


def one_person(detector: PersonDetector, image: Image, modality: Modality, name: str) -> Image:
    """The crop of the only person in a picture.

    Args:
        detector: that looks.
        image: ``uint8`` ``H x W x 3`` RGB.
        modality: of the picture.
        name: of the picture, for messages.

    Raises:
        SourceError: nobody is found in it, or several people.
    """
    (found,) = detector.detect([Frame("", modality, 0, 0, image)])
    sure = found.select(found.confidences >= detector.settings.look(modality).confidence)
    if len(sure) != 1:
        who = "Nobody is" if not len(sure) else f"{len(sure)} people are"
        raise SourceError(f"{who} found in {name}: one person is expected.", "Cut the person out yourself.")
    height, width = image.shape[:2]
    x1, y1 = (int(max(0, np.floor(side))) for side in sure.boxes[0, :2])
    x2, y2 = int(min(width, np.ceil(sure.boxes[0, 2]))), int(min(height, np.ceil(sure.boxes[0, 3])))
    return image[y1:y2, x1:x2]
