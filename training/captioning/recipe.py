"""What a training of the captioner is told: one YAML file, checked before anything begins."""

from pathlib import Path

from pydantic import Field

from reid_core.config import Settings
from training.augmentation.pipeline import AugmentationSettings

_PIXELS = AugmentationSettings(visible_erasing=0, infrared_erasing=0, grey=0, exchange=0)


class CaptionerRecipe(Settings):
    """Everything about one training.

    Attributes:
        name: of the captioner, for people.
        seed: of everything that is drawn.
        eyes: checkpoint folder of the embedder that looks; ``null`` for the starter embedder. It learns
            nothing.
        views: changed copies of each image that are learned from, besides the image itself.
        augmentation: how the copies are changed.
        least: times that a value must occur in the captions to be learned.
        width: of the head.
        dropout: of the head.
        epochs: passes over the images, each through a copy drawn anew.
        batch: images a step, of one modality.
        lr: greatest learning rate, of AdamW in one cycle.
        weight_decay: of AdamW.
        right: share of what is said of an attribute on validation people that is to be right; what is less
            certain is not said.
        licence: of the captioner.
    """

    name: str = Field(default="captioner", min_length=1)
    seed: int = Field(default=1, ge=0)
    eyes: Path | None = None
    views: int = Field(default=1, ge=0, le=16)
    augmentation: AugmentationSettings = _PIXELS
    least: int = Field(default=20, ge=1)
    width: int = Field(default=128, ge=8, le=1024)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    epochs: int = Field(default=12, ge=1)
    batch: int = Field(default=64, ge=2)
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    right: float = Field(default=0.75, gt=0, lt=1)
    licence: str = ""
