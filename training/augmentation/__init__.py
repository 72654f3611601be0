"""Changes of the training images: the published ones, and the step from a clean world to real footage.

One is added by a file and a line of `AUGMENTATIONS`, or by an entry point of the group
``nightreid.augmentations`` in a package of one's own; a recipe that names it under ``augmentation`` uses it,
after those that `training.augmentation.pipeline` always has.
"""

from typing import TYPE_CHECKING, Any

from reid_core.registry import Registry

if TYPE_CHECKING:
    from training.augmentation.step import ChannelStep, PixelStep

AUGMENTATIONS: "Registry[type[PixelStep[Any]] | type[ChannelStep[Any]]]" = Registry(
    "augmentation",
    "nightreid.augmentations",
    {
        "block": "training.augmentation.blocks:RandomBlock",
        "camera_style": "training.augmentation.camera_style:CameraStyle",
        "thermal_camera": "training.augmentation.thermal_camera:ThermalCamera",
    },
)
