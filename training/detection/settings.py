"""What a fine-tuning of the person detector is told: one YAML file, checked before anything begins."""

from typing import Literal

from pydantic import Field, JsonValue

from reid_core.config import Settings
from training.augmentation.sensor import SensorSettings


class FrameSettings(Settings):
    """Which frames are learned from.

    Attributes:
        validation: share of each camera's frames, its last ones, that are kept from training to choose and
            to measure on.
        per_spectrum: at most so many training frames of each spectrum, evenly spaced; ``null`` for all.
        least_height: people lower than this share of the frame's height are not taught (they stay in the
            frame without a label).
    """

    validation: float = Field(default=0.1, gt=0, lt=1)
    per_spectrum: int | None = Field(default=None, ge=1)
    least_height: float = Field(default=0.0, ge=0, lt=1)


class TeacherSettings(Settings):
    """Real frames that the starting detector labels itself: a guard against forgetting.

    Attributes:
        sources: videos or image folders, visible light.
        count: frames taken of each, evenly spaced.
        confidence: what the starting detector finds at least this surely is a person.
        doubt: a frame with somebody it finds less surely than ``confidence`` but more than this is not used.
    """

    sources: tuple[str, ...] = ()
    count: int = Field(default=150, ge=1)
    confidence: float = Field(default=0.5, gt=0, lt=1)
    doubt: float = Field(default=0.2, gt=0, lt=1)


class AugmentationSettings(Settings):
    """What is done to training frames.

    Attributes:
        mosaic: probability that four frames are joined in one.
        close_mosaic: without mosaic in so many last epochs.
        scale: greatest change of size, either way: .5 is from half to one and a half.
        translate: greatest shift, share of the frame.
        flip: probability of a mirrored frame.
        grey: probability that a visible frame loses its colour.
        negative_near: probability that a near-infrared frame is inverted, as a thermal one is with the
            probability ``sensor.inversion``.
        sensor: light, gain, polarity, blur, resolution, noise, compression, drawn for each frame for itself;
            ``null`` for none of it. Lengths are those of a frame 128 high, as everywhere.
    """

    mosaic: float = Field(default=0.7, ge=0, le=1)
    close_mosaic: int = Field(default=1, ge=0)
    scale: float = Field(default=0.5, ge=0, lt=1)
    translate: float = Field(default=0.1, ge=0, lt=1)
    flip: float = Field(default=0.5, ge=0, le=1)
    grey: float = Field(default=0.1, ge=0, le=1)
    negative_near: float = Field(default=0.0, ge=0, le=1)
    sensor: SensorSettings | None = SensorSettings(
        inversion=0.4, blur_sigma=0.4, least_height=160, low_resolution=0.3, colour=0.1
    )


class OptimiserSettings(Settings):
    """How weights move; the learning rate falls linearly to ``final`` of itself.

    Attributes:
        kind: ``AdamW`` or ``SGD`` with Nesterov momentum.
        lr: learning rate.
        final: last share of it.
        momentum: of either (Adam's first beta).
        weight_decay: of convolutions.
        warmup: rising linearly from 0 in so many epochs.
    """

    kind: Literal["AdamW", "SGD"] = "AdamW"
    lr: float = Field(default=3e-4, gt=0)
    final: float = Field(default=0.05, gt=0, le=1)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=5e-4, ge=0)
    warmup: float = Field(default=0.3, ge=0)


class RememberSettings(Settings):
    """Learning without forgetting; see `training.detection.remembering`.

    Attributes:
        weight: of the loss that holds the answers on visible frames to those of the start; 0 for none.
        batch: frames a step, beside those that are learned from.
    """

    weight: float = Field(default=0.0, ge=0)
    batch: int = Field(default=4, ge=1)


class BlendSettings(Settings):
    """How much of the fine-tuned detector the result is; see `training.detection.blend`.

    Attributes:
        alpha: 1 is the fine-tuned one, 0 the start; ``null`` takes the best on the frames kept from training.
        candidates: what ``null`` chooses from.
        tolerance: of the visible average precision that a candidate may lose against the start.
    """

    alpha: float | None = Field(default=None, ge=0, le=1)
    candidates: tuple[float, ...] = Field(default=(0.25, 0.5, 0.75, 1.0), min_length=1)
    tolerance: float = Field(default=0.01, ge=0)


class DetectorRecipe(Settings):
    """Everything `nightreid train-detector` can be told in a file.

    Attributes:
        name: of the weights that come out.
        seed: of everything random.
        frames: what is learned from.
        teacher: real frames against forgetting.
        augmentation: what is done to frames.
        optimiser: how weights move.
        image_size: side of the square that the network is shown, pixels.
        epochs: how often each frame is seen.
        batch: frames a step.
        freeze: so many first layers stay as they are (10 are the backbone of a YOLO11 up to its pooling).
        batch_norm: ``frozen`` keeps the statistics that the network came with; ``learned`` follows the
            batches, after the statistics of training frames were put in where an export had folded them away.
        remember: what holds visible answers to those of the start.
        blend: how much of the result is the fine-tuned one.
        device: ``auto`` takes a GPU where there is one.
        amp: bfloat16 autocast; ``auto`` on a GPU that has it, and on a CPU that multiplies in it.
        threads: of torch on a CPU; 0 takes its own number.
        workers: processes that prepare frames, on a GPU.
        licence: of the weights that come out.
    """

    name: str = Field(default="yolo11n-night", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(default=1, ge=0)
    frames: FrameSettings = FrameSettings()
    teacher: TeacherSettings = TeacherSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    image_size: int = Field(default=448, ge=64, le=1536, multiple_of=32)
    epochs: int = Field(default=3, ge=1)
    batch: int = Field(default=8, ge=2)
    freeze: int = Field(default=0, ge=0, le=23)
    batch_norm: Literal["frozen", "learned"] = "frozen"
    remember: RememberSettings = RememberSettings()
    blend: BlendSettings = BlendSettings()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    amp: Literal["auto", "on", "off"] = "auto"
    threads: int = Field(default=0, ge=0)
    workers: int = Field(default=4, ge=0, le=64)
    licence: str = "AGPL-3.0"

    def recorded(self) -> dict[str, JsonValue]:
        """The recipe as a run records it: without places on this machine."""
        values = self.model_dump(mode="json")
        values["teacher"]["sources"] = len(self.teacher.sources)
        return values
