"""What a run of TVI-LFM's incremental fine-tuning is told."""

from typing import Literal, Self

from pydantic import Field, model_validator

from training.losses.identity_cross_entropy import IdentitySettings
from training.losses.weighted_regularized_triplet import TripletSettings
from training.needs import CaptionSettings
from training.recipe import Losses, ModelSettings, Recipe
from training.systems.text_tower import TowerChoice

Part = Literal["visible", "visible-augmented", "infrared", "fusion", "text"]
ALL_PARTS: tuple[Part, ...] = ("visible", "visible-augmented", "infrared", "fusion", "text")


class TviModel(ModelSettings):
    """The network that a run starts from, and what becomes of it beside the text tower.

    Attributes:
        text: the tower.
        visual: ``frozen``, or ``drifting``: weights are frozen, but batch norms use the statistics of each
            batch and go on counting, as in the released code. Images cannot be kept then.
        inherit_classifier: go on with the classifier of the network; else it is a new one.
        fusion: ``filtered`` is semantic filtered fusion; ``sum`` adds the text alone.
        joint: which features the losses see together; all of them is modality joint learning.
        views_kept: features of so many augmented views of each image are computed once, and steps draw among
            them; 0 augments anew each time.
    """

    text: TowerChoice = TowerChoice()
    visual: Literal["frozen", "drifting"] = "frozen"
    inherit_classifier: bool = True
    fusion: Literal["filtered", "sum"] = "filtered"
    joint: tuple[Part, ...] = Field(default=ALL_PARTS, min_length=1)
    views_kept: int = Field(default=4, ge=0, le=64)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.visual == "drifting" and self.views_kept:
            raise ValueError("views_kept must be 0 where the visual side drifts: its features change")
        if self.blend != 1:
            raise ValueError("blend must be 1: what the run starts from has no text side to blend with")
        if len(set(self.joint)) < len(self.joint):
            raise ValueError("joint names a part twice")
        return self


class TviLosses(Losses):
    """Those of the paper, eq. 8."""

    identity: IdentitySettings = IdentitySettings(smoothing=0.0)
    triplet: TripletSettings = TripletSettings(weight=1.0)


class TviRecipe(Recipe):
    """A recipe of ``system: tvi-lfm``.

    Attributes:
        captions: of visible and of infrared images, in files of either.
    """

    system: Literal["tvi-lfm"] = "tvi-lfm"
    model: TviModel = TviModel()
    losses: TviLosses = TviLosses()
    captions: CaptionSettings

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.sampler.visible != self.sampler.infrared:
            raise ValueError(
                "sampler: each infrared image meets a visible one's text: there must be as many of both"
            )
        if "visible-augmented" in self.model.joint and self.augmentation.views != 2:
            raise ValueError("model.joint: visible-augmented is the second view; set augmentation.views to 2")
        return self
