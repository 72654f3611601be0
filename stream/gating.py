"""One camera's pictures through the motion gate, on their way to the detector."""

from detectors.config import MotionSettings
from detectors.letterbox import tile
from detectors.motion import GatedFrame, MotionGate
from reid_core.types import Frame, Modality
from stream.sources import Picture


class CameraGate:
    """The gate of one recording.

    Args:
        camera: the camera's id.
        modality: of the camera.
        settings: of the gate.
        tile_below: pictures whose longer side is shorter are looked at in tiles, see `LookSettings`.
    """

    def __init__(self, camera: str, modality: Modality, settings: MotionSettings, tile_below: int) -> None:
        self._camera = camera
        self._modality = modality
        self._tile_below = tile_below
        self._gate = MotionGate(settings)

    def admit(self, picture: Picture) -> GatedFrame:
        """Decide what of a picture is worth looking at; pictures come in order."""
        height, width = picture.image.shape[:2]
        regions = tuple(tile(height, width, self._tile_below))
        motion = self._gate.admit(picture.image, picture.index, regions, rgb=not picture.bgr)
        frame = None
        if motion.moved:
            frame = Frame(self._camera, self._modality, picture.index, picture.time_ns, picture.rgb())
        return GatedFrame(
            self._camera,
            picture.index,
            picture.time_ns,
            motion.moved,
            regions,
            frame,
            motion.cut,
            motion.anew,
        )
