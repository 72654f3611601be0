"""What a training run is told: one YAML file, checked before anything begins."""

from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue, model_validator

from reid_core.config import Settings
from training.augmentation.pipeline import AugmentationSettings


class DataSettings(Settings):
    """Which images are learned from.

    Attributes:
        root: folder of the data set; ``--data`` stands above it. It is no part of what a run is.
        layout: ``sysu``, ``regdb``, ``llcm`` or ``own``; ``null`` takes what the folder looks like.
        trial: RegDB's halving.
        split: ``train``, or ``trainval`` for the identities of validation too, as the field does on
            SYSU-MM01. Test identities are never trained on.
        hold_out: so many training identities are kept from training, to watch and to calibrate on, where
            there is no validation split or it is trained on.
        identities: learn from only so many, drawn by the seed; ``null`` for all.
    """

    root: Path | None = None
    layout: Literal["sysu", "regdb", "llcm", "own"] | None = None
    trial: int = Field(default=1, ge=1, le=10)
    split: Literal["train", "trainval"] = "train"
    hold_out: int = Field(default=0, ge=0)
    identities: int | None = Field(default=None, ge=2)


class ModelSettings(Settings):
    """The dual-stream network; see `reid_core.models.dual_stream.network.create_dual_stream`.

    Attributes:
        backbone: its name.
        pretrained: start from ImageNet weights.
        start: checkpoint folder of such a network to start from instead; ``--start`` stands above it. A run
            records the checkpoint's digest, not its place.
        blend: share of what was learned in the weights that come out, the rest is the start's: see
            `training.blending`. 1 takes what was learned.
        embedding: numbers in a vector; ``null`` for the backbone's own width.
        stem_stages: stages each modality has for itself; ``null`` for what suits the backbone.
        last_stride: 1 keeps the last maps twice as fine, 2 is nearly twice as fast.
        gem_p: power of the pooling.
        gem_learned: whether it is learned.
        frozen_stems: keep the stems' first weights; their norms still follow each modality. A third faster.
    """

    backbone: str = "tf_efficientnet_lite0"
    pretrained: bool = True
    start: Path | None = None
    blend: float = Field(default=1.0, gt=0, le=1)
    embedding: int | None = Field(default=None, ge=2)
    stem_stages: int | None = Field(default=None, ge=0)
    last_stride: Literal[1, 2] = 2
    gem_p: float = Field(default=3.0, gt=0)
    gem_learned: bool = False
    frozen_stems: bool = False


class InputSettings(Settings):
    """What the network is shown.

    Attributes:
        height: pixels.
        width: pixels.
        interpolation: by which crops come to that size, in training and ever after.
        contrast: ``crop`` brings every crop to one brightness and contrast first; see
            `reid_core.preprocess.Preprocess`.
        mirror: a crop's vector is made of it and of its mirror image, when the model is used; see there.
        cache_scale: training images are kept this much larger, so that a box can be placed anew without
            losing sharpness; 1 keeps them at the network's size.
    """

    height: int = Field(default=160, ge=16, le=1024)
    width: int = Field(default=80, ge=8, le=1024)
    interpolation: Literal["bilinear", "bicubic", "area"] = "area"
    contrast: Literal["as is", "crop"] = "as is"
    mirror: bool = False
    cache_scale: float = Field(default=1.125, ge=1, le=2)


class SamplerSettings(Settings):
    """What a batch is made of; see `training.sampling.IdentitySampler`.

    Attributes:
        identities: people a batch.
        visible: images of each.
        infrared: images of each.
        balance_spectra: near infrared and thermal in equal parts, where there are both.
    """

    identities: int = Field(default=8, ge=2)
    visible: int = Field(default=4, ge=1)
    infrared: int = Field(default=4, ge=1)
    balance_spectra: bool = True


class IdentitySettings(Settings):
    """Cross-entropy over identities: its weight, 0 for none, and the label smoothing."""

    weight: float = Field(default=1.0, ge=0)
    smoothing: float = Field(default=0.1, ge=0, lt=1)


class TripletSettings(Settings):
    """Weighted regularised triplet: its weight, 0 for none, and how it is computed."""

    weight: float = Field(default=0.0, ge=0)
    mode: Literal["exact", "stable"] = "stable"


class ContrastiveSettings(Settings):
    """Supervised contrast: its weight, 0 for none, its temperature and what is contrasted with what."""

    weight: float = Field(default=1.0, ge=0)
    temperature: float = Field(default=0.1, gt=0)
    scope: Literal["all", "cross"] = "all"


class AttributeSettings(Settings):
    """Attributes told from the embedding: the weight, 0 for none. The data set must carry ``labels.json``."""

    weight: float = Field(default=0.0, ge=0)


class LossSettings(Settings):
    """The losses; what is minimised is their weighted sum."""

    identity: IdentitySettings = IdentitySettings()
    triplet: TripletSettings = TripletSettings()
    contrastive: ContrastiveSettings = ContrastiveSettings()
    attributes: AttributeSettings = AttributeSettings()


class OptimiserSettings(Settings):
    """How weights move.

    Attributes:
        kind: ``adamw``, or ``sgd`` with Nesterov momentum as AGW and CAJ.
        lr: learning rate of the backbone.
        head_factor: times that for the neck, the reduction and the classifier (CAJ: 10).
        weight_decay: of weights.
        decay_norms: of norms and biases too, as CAJ does.
        momentum: of ``sgd``.
        clip: greatest norm of the gradient; ``null`` for any.
    """

    kind: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(default=4e-4, gt=0)
    head_factor: float = Field(default=2.0, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    decay_norms: bool = False
    momentum: float = Field(default=0.9, ge=0, lt=1)
    clip: float | None = Field(default=None, gt=0)


class ScheduleSettings(Settings):
    """How long, and how the learning rate goes; see `training.schedule`.

    Attributes:
        unit: of everything here: ``steps`` or ``epochs``.
        length: of the run.
        warmup: rising linearly.
        kind: ``cosine`` down to ``final``, or ``steps``: times ``factor`` at each milestone.
        final: last share of the learning rate, of ``cosine``.
        milestones: of ``steps``.
        factor: of ``steps``.
    """

    unit: Literal["steps", "epochs"] = "steps"
    length: int = Field(default=3000, ge=1)
    warmup: int = Field(default=200, ge=0)
    kind: Literal["cosine", "steps"] = "cosine"
    final: float = Field(default=0.01, ge=0, le=1)
    milestones: tuple[int, ...] = ()
    factor: float = Field(default=0.1, gt=0, le=1)


class CalibrationSettings(Settings):
    """How scores become probabilities; see `training.calibrating`.

    Attributes:
        prior: chance that a link's best candidate is the right one, before its score is known.
        gallery: people in a simulated gallery; the best wrong one of them stands for "different".
        rounds: galleries drawn.
        crops: images of a tracklet, at most.
        link_false_positive_rate: put the threshold of links where this share of the best wrong candidates
            reaches it; ``null`` where right and wrong are equally dense.
        merge_false_positive_rate: the same for visible tracklets that become one identity.
    """

    prior: float = Field(default=0.5, gt=0, lt=1)
    gallery: int = Field(default=20, ge=2)
    rounds: int = Field(default=20, ge=1)
    crops: int = Field(default=5, ge=1)
    link_false_positive_rate: float | None = Field(default=None, gt=0, lt=1)
    merge_false_positive_rate: float | None = Field(default=None, gt=0, lt=1)


class Recipe(Settings):
    """Everything `nightreid train` can be told in a file.

    Attributes:
        name: of the model.
        seed: of everything random.
        data: what is learned from.
        model: the network.
        input: what it is shown.
        sampler: what a batch is made of.
        augmentation: what is done to training images.
        losses: what is minimised.
        optimiser: how weights move.
        schedule: how long, and how fast.
        ema: decay of a moving average of the weights, which is then the result; 0 for none.
        device: ``auto`` takes a GPU where there is one.
        amp: half precision, ``auto`` on a GPU only.
        threads: of torch; 0 takes its own number. Fixed for the whole of a run.
        workers: processes that prepare batches; 0 prepares them in between.
        log_every: steps between rows of the log.
        eval_every: steps between looks at the validation identities; 0 only at the end.
        state_every: steps between states that a killed run goes on from.
        calibration: how scores become probabilities.
        keep_classifier: leave the classifier in the checkpoint; searching needs none.
        licence: of the weights that come out, for their manifest.
    """

    name: str = Field(default="base", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(default=1, ge=0)
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    input: InputSettings = InputSettings()
    sampler: SamplerSettings = SamplerSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    losses: LossSettings = LossSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    ema: float = Field(default=0.0, ge=0, lt=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    amp: Literal["auto", "off"] = "auto"
    threads: int = Field(default=0, ge=0)
    workers: int = Field(default=0, ge=0, le=64)
    log_every: int = Field(default=20, ge=1)
    eval_every: int = Field(default=500, ge=0)
    state_every: int = Field(default=200, ge=1)
    calibration: CalibrationSettings = CalibrationSettings()
    keep_classifier: bool = True
    licence: str = ""

    @model_validator(mode="after")
    def _some_loss(self) -> "Recipe":
        if not any((self.losses.identity.weight, self.losses.triplet.weight, self.losses.contrastive.weight)):
            raise ValueError("losses: at least one weight must be above 0")
        return self

    def recorded(self) -> dict[str, JsonValue]:
        """The recipe as runs and models record it: without places on this machine."""
        values = self.model_dump(mode="json")
        del values["data"]["root"], values["model"]["start"]
        return values


def differences(before: JsonValue, now: JsonValue, prefix: str = "") -> list[str]:
    """The settings in which two recorded recipes differ, as ``section.key: 1 before, 2 now``."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return [] if before == now else [f"{prefix}: {before!r} before, {now!r} now"]
    return [
        line
        for key in sorted(before.keys() | now.keys())
        for line in differences(before.get(key), now.get(key), f"{prefix}.{key}" if prefix else key)
    ]
