"""Frames as ultralytics' trainer is fed them: our labels, our augmentation, its mosaic and geometry."""

import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np

from reid_core.types import Image, Spectrum
from training.augmentation.sensor import through_sensor
from training.detection.frames import LabelledFrame
from training.detection.settings import AugmentationSettings, DetectorRecipe


def augmented(
    image: Image, spectrum: Spectrum, settings: AugmentationSettings, rng: np.random.Generator
) -> Image:
    """A frame as another camera might have taken it.

    Args:
        image: ``uint8`` ``H x W x 3`` RGB.
        spectrum: of it.
        settings: how much.
        rng: where everything is drawn from.
    """
    grey, negative = rng.random(2)
    if spectrum is Spectrum.VISIBLE and grey < settings.grey:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if spectrum is Spectrum.NEAR and negative < settings.negative_near:
        image = np.asarray(255 - image, np.uint8)
    if settings.sensor is not None:
        image = through_sensor(image, spectrum.modality, spectrum, settings.sensor, rng)
    return image


@cache
def dataset_class() -> type[Any]:
    """Made when it is needed: ultralytics writes files when it is imported."""
    from ultralytics.data.dataset import YOLODataset

    class Frames(YOLODataset):  # type: ignore[misc]
        """Our frames: labels read here (ultralytics would leave a cache beside them), frames augmented."""

        def __init__(self, frames: Sequence[LabelledFrame], recipe: DetectorRecipe, **arguments: Any) -> None:
            self.frames = list(frames)
            self.recipe = recipe
            super().__init__(img_path="", data={"names": {0: "person"}, "channels": 3}, **arguments)

        def get_img_files(self, img_path: str) -> list[str]:
            return [str(frame.image) for frame in self.frames]

        def get_labels(self) -> list[dict[str, Any]]:
            return [self._label(frame) for frame in self.frames]

        def _label(self, frame: LabelledFrame) -> dict[str, Any]:
            rows = frame.rows()
            rows = rows[rows[:, 3] >= self.recipe.frames.least_height]
            return {
                "im_file": str(frame.image),
                "shape": (0, 0),
                "cls": np.zeros((len(rows), 1), np.float32),
                "bboxes": rows.astype(np.float32),
                "segments": [],
                "keypoints": None,
                "normalized": True,
                "bbox_format": "xywh",
            }

        def get_image_and_label(self, index: int) -> dict[str, Any]:
            label: dict[str, Any] = super().get_image_and_label(index)
            # One draw of ultralytics' own stream, which each epoch seeds anew, names a stream for this frame.
            rng = np.random.default_rng(random.getrandbits(64))
            spectrum = self.frames[index].spectrum
            rgb = np.ascontiguousarray(label["img"][..., ::-1])
            changed = augmented(rgb, spectrum, self.recipe.augmentation, rng)
            label["img"] = np.ascontiguousarray(changed[..., ::-1])
            return label

        def forget(self) -> None:
            """Drop the frames kept for mosaics, which depend on what was drawn before."""
            for index in self.buffer:
                self.ims[index] = self.im_hw0[index] = self.im_hw[index] = None
            self.buffer.clear()

    return Frames
