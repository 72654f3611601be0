"""What a training run is told: one YAML file, checked before anything begins.

What every system's recipe has stands here; each system adds to it the settings of its network and its losses
(`training.systems`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, JsonValue, create_model, field_validator, model_validator

from reid_core.config import Settings
from reid_core.preprocess import Preprocess
from reid_core.registry import Registry
from training.augmentation import AUGMENTATIONS
from training.augmentation.pipeline import AugmentationSettings
from training.datasets.opening import LAYOUTS
from training.losses import LOSSES

if TYPE_CHECKING:
    from training.losses.loss import LossSettings

HEAD = "head"
"""The group of parameters that begin at random: neck, reduction, classifier, and what losses learn."""


class DataSettings(Settings):
    """Which images are learned from.

    Attributes:
        root: folder of the data set; ``--data`` stands above it. It is no part of what a run is.
        layout: a name of `training.datasets.opening.LAYOUTS`; ``null`` takes what the folder looks like.
        trial: RegDB's halving.
        split: ``train``, or ``trainval`` for the identities of validation too, as the field does on
            SYSU-MM01. Test identities are never trained on.
        hold_out: so many training identities are kept from training, to watch and to calibrate on, where
            there is no validation split or it is trained on.
        identities: learn from only so many, drawn by the seed; ``null`` for all.
    """

    root: Path | None = None
    layout: str | None = None
    trial: int = Field(default=1, ge=1, le=10)
    split: Literal["train", "trainval"] = "train"
    hold_out: int = Field(default=0, ge=0)
    identities: int | None = Field(default=None, ge=2)

    @field_validator("layout")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in LAYOUTS:
            raise ValueError(f"there is no layout {name!r}; choose one of: {', '.join(LAYOUTS.names)}")
        return name


class ModelSettings(Settings):
    """Where a network's weights come from, and what becomes of them; each system adds what it builds.

    Attributes:
        pretrained: start from published weights.
        start: checkpoint folder of such a network to start from instead; ``--start`` stands above it. A run
            records the checkpoint's digest, not its place.
        blend: share of what was learned in the weights that come out, the rest is the start's: see
            `training.blending`. 1 takes what was learned.
    """

    pretrained: bool = True
    start: Path | None = None
    blend: float = Field(default=1.0, gt=0, le=1)


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

    def applied(self, published: Preprocess) -> Preprocess:
        """A network's published preprocessing of this size, with what the recipe says of it."""
        return published.model_copy(
            update={name: getattr(self, name) for name in ("interpolation", "contrast", "mirror")}
        )


class SamplerSettings(Settings):
    """What a batch is made of; see `training.sampling.IdentitySampler`.

    Attributes:
        identities: people a batch.
        visible: images of each.
        infrared: images of each.
        balance_spectra: near infrared and thermal in equal parts, where there are both.
        alike: share of the batches that are of people who look alike to the network as it begins, which is
            what a starting checkpoint is good for; the others are of anybody.
    """

    identities: int = Field(default=8, ge=2)
    visible: int = Field(default=4, ge=1)
    infrared: int = Field(default=4, ge=1)
    balance_spectra: bool = True
    alike: float = Field(default=0.0, ge=0, le=1)


class Losses(Settings):
    """The losses, a field each; what is minimised is their weighted sum.

    A system lists those that it offers at its defaults. Any other one of `training.losses.LOSSES` can be
    named in a recipe as well.
    """

    def named(self) -> dict[str, "LossSettings"]:
        """The settings of each, in the order in which they are added."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class OptimiserSettings(Settings):
    """How weights move.

    Attributes:
        kind: ``adamw``, ``adam`` whose weight decay is part of the gradient, or ``sgd`` with Nesterov
            momentum as AGW and CAJ.
        lr: learning rate of the backbone.
        head_factor: times that for the neck, the reduction and the classifier (CAJ: 10): the group ``head``.
        factors: times that for other groups of parameters, by the names that the network gives them.
        weight_decay: of weights.
        decays: the same of groups that have one of their own.
        decay_norms: of norms and biases too, as CAJ does.
        momentum: of ``sgd``.
        clip: greatest norm of the gradient; ``null`` for any.
    """

    kind: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = Field(default=4e-4, gt=0)
    head_factor: float = Field(default=2.0, gt=0)
    factors: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    weight_decay: float = Field(default=0.02, ge=0)
    decays: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    decay_norms: bool = False
    momentum: float = Field(default=0.9, ge=0, lt=1)
    clip: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_factor(self) -> Self:
        if HEAD in self.factors:
            raise ValueError("the factor of the group head is head_factor")
        return self

    def factor(self, group: str) -> float:
        """What a group's learning rate is, as a multiple of ``lr``."""
        return self.head_factor if group == HEAD else self.factors.get(group, 1.0)


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
        accumulate: batches that a step learns from, one after the other: gradients are those of one batch so
            many times as large, but for what is of a batch as a whole (batch norm, triplets within it).
    """

    unit: Literal["steps", "epochs"] = "steps"
    length: int = Field(default=3000, ge=1)
    warmup: int = Field(default=200, ge=0)
    kind: Literal["cosine", "steps"] = "cosine"
    final: float = Field(default=0.01, ge=0, le=1)
    milestones: tuple[int, ...] = ()
    factor: float = Field(default=0.1, gt=0, le=1)
    accumulate: int = Field(default=1, ge=1)


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
        link_rate: how often somebody who is not in the gallery may be linked to the best of all who are, at
            the size that it then has; `link_false_positive_rate` comes before it.
        merge_rate: the same for a newcomer who is made one with somebody.
    """

    prior: float = Field(default=0.5, gt=0, lt=1)
    gallery: int = Field(default=20, ge=2)
    rounds: int = Field(default=20, ge=1)
    crops: int = Field(default=5, ge=1)
    link_false_positive_rate: float | None = Field(default=None, gt=0, lt=1)
    merge_false_positive_rate: float | None = Field(default=None, gt=0, lt=1)
    link_rate: float = Field(default=0.1, gt=0, lt=1)
    merge_rate: float = Field(default=0.05, gt=0, lt=1)


class Recipe(Settings):
    """Everything `nightreid train` can be told in a file, whatever the system.

    Attributes:
        system: what is trained: the name of a task (`training.systems`).
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

    system: str
    name: str = Field(default="base", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(default=1, ge=0)
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    input: InputSettings = InputSettings()
    sampler: SamplerSettings = SamplerSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    losses: Losses = Losses()
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
    def _some_loss(self) -> Self:
        if not any(each.weight for each in self.losses.named().values() if each.identifies):
            raise ValueError("losses: at least one weight must be above 0")
        return self

    def recorded(self) -> dict[str, JsonValue]:
        """The recipe as runs and models record it: without places on this machine."""
        values = self.model_dump(mode="json")
        del values["data"]["root"], values["model"]["start"]
        return values


RecipeT = TypeVar("RecipeT", bound=Recipe)


def with_named_parts(recipe: type[RecipeT], values: Mapping[str, Any]) -> type[RecipeT]:
    """A recipe's class with a field for each loss and augmentation that only these values name.

    Args:
        recipe: of a system.
        values: of a recipe, not yet checked; names that are registered nowhere are left to the check.
    """
    registries: dict[str, Registry[Any]] = {"losses": LOSSES, "augmentation": AUGMENTATIONS}
    sections: dict[str, Any] = {}
    for section, registry in registries.items():
        own, given = recipe.model_fields[section].annotation, values.get(section)
        if not isinstance(own, type) or not isinstance(given, Mapping):
            continue
        # In an order of their own: that of a file does not decide how terms are added.
        others = sorted(name for name in given if name not in own.model_fields and name in registry)
        if others:
            fields: dict[str, Any] = {name: (registry.get(name).settings, ...) for name in others}
            sections[section] = create_model(own.__name__, __base__=own, **fields), ...
    return create_model(recipe.__name__, __base__=recipe, **sections) if sections else recipe


def differences(before: JsonValue, now: JsonValue, prefix: str = "") -> list[str]:
    """The settings in which two recorded recipes differ, as ``section.key: 1 before, 2 now``."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return [] if before == now else [f"{prefix}: {before!r} before, {now!r} now"]
    return [
        line
        for key in sorted(before.keys() | now.keys())
        for line in differences(before.get(key), now.get(key), f"{prefix}.{key}" if prefix else key)
    ]
