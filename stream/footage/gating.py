"""One camera's frames through the motion gate, on their way to the detector."""

from detectors.config import MotionSettings
from detectors.infrared_filter import tint_of
from detectors.letterbox import Region, tile
from detectors.motion import GatedFrame, MotionGate, Sketch
from reid_core.types import Frame, Modality
from stream.footage.sources import SourceFrame


class CameraGate:
    """The gate of one recording.

    Args:
        camera: the camera's id.
        modality: of the camera.
        settings: of the gate.
        tile_below: frames whose longer side is shorter are looked at in tiles, see `LookSettings`.
    """

    def __init__(self, camera: str, modality: Modality, settings: MotionSettings, tile_below: int) -> None:
        self._camera = camera
        self._modality = modality
        self._tile_below = tile_below
        self._gate = MotionGate(settings)
        self._size = (0, 0)
        self._regions: tuple[Region, ...] = ()

    def admit(self, picture: SourceFrame, sketched: Sketch | None = None) -> GatedFrame:
        """Decide what of a frame is worth looking at; frames come in order.

        Args:
            picture: the frame.
            sketched: its sketch, where it was made ahead.
        """
        height, width = picture.image.shape[:2]
        if self._size != (height, width):
            self._size, self._regions = (height, width), tuple(tile(height, width, self._tile_below))
        regions = self._regions
        motion = self._gate.admit(picture.image, picture.index, regions, True, sketched)
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
            motion.negative,
            tint_of(picture.image, rgb=True) if self._modality is Modality.VISIBLE else None,
        )
