"""What a run of STAR-ReID is told."""

from typing import Literal, Self

from pydantic import Field, model_validator

from reid_core.config import Settings
from reid_core.models.body_settings import BodySettings
from reid_core.models.star_reid.architecture import Attention, Fusion, Pooling, StarArchitecture
from reid_core.models.star_reid.system import PUBLISHED
from training.losses.discriminative_center import DiscriminativeCenterSettings
from training.losses.hard_triplet import HardTripletSettings
from training.losses.modality_identity import ModalityIdentitySettings
from training.losses.modality_shared import ModalitySharedSettings
from training.losses.visual_textual import VisualTextualSettings
from training.needs import CaptionSettings
from training.recipe import InputSettings, Losses, ModelSettings, Recipe


class BranchChoice(Settings):
    """Which text branch learns.

    Attributes:
        source: a BERT by its name on the Hugging Face hub, or its folder, or ``base``: BERT-base with random
            weights. ``null`` builds one of the sizes below.
        tokenizer: the tokenizer's name or folder; ``null`` is ``source`` where that is published, else the
            words of the training captions.
        width: of the transformer.
        layers: of it.
        heads: of it.
        context: tokens of a text at most.
    """

    source: str | None = "bert-base-uncased"
    tokenizer: str | None = None
    width: int = Field(default=128, ge=4)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    context: int = Field(default=100, ge=3, le=512)


class StarModel(ModelSettings):
    """The network; see `reid_core.models.star_reid.architecture`.

    Attributes:
        source: of the transformer's weights, where ``pretrained``: timm's name of a vision transformer, a
            file or a folder. Of a transformer without a body.
        body: a convolutional network that sees the image first, as `StarArchitecture.body`; ``null`` without.
            A run that starts from another system's checkpoint has the body of that.
        frozen: the body keeps its weights and statistics. To thaw it slowly give the group ``backbone`` a
            factor instead.
        views_kept: last maps of so many augmented views of each image are computed once, and steps draw among
            them; 0 augments anew each time. Of a frozen body alone.
        patch: side of a patch, pixels.
        stride: between patches.
        width: numbers in a token.
        depth: blocks.
        heads: of each block.
        dropout: of tokens.
        drop_path: of the last block's residuals.
        frozen_blocks: so many first blocks, and what comes before them, do not learn.
        aligned: alignment; off, it is PMT's network.
        attention: reading of eqs. 1 to 4: ``channel``, ``token`` or ``identity``.
        pooling: of patches: ``max-average`` (Algorithm 1) or ``average`` (section III-C).
        low_frequency: eqs. 5 to 8.
        fusion: of eq. 9: ``learned``, ``softmax`` or ``sum``.
        text: the text branch, where the loss ``visual_textual`` has a weight.
        progressive: for so many epochs visible images are grey, triplets are within a modality and PMT's
            other two losses rest.
    """

    source: str = PUBLISHED
    body: BodySettings | None = None
    frozen: bool = False
    views_kept: int = Field(default=0, ge=0, le=64)
    patch: int = Field(default=16, ge=1)
    stride: int = Field(default=12, ge=1)
    width: int = Field(default=768, ge=2)
    depth: int = Field(default=12, ge=1)
    heads: int = Field(default=12, ge=1)
    dropout: float = Field(default=0.03, ge=0, lt=1)
    drop_path: float = Field(default=0.1, ge=0, lt=1)
    frozen_blocks: int = Field(default=0, ge=0)
    aligned: bool = True
    attention: Attention = "channel"
    pooling: Pooling = "max-average"
    low_frequency: bool = True
    fusion: Fusion = "learned"
    text: BranchChoice = BranchChoice()
    progressive: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.blend != 1:
            raise ValueError("blend must be 1: the run learns a text branch besides, which the start has not")
        if self.frozen_blocks > self.depth:
            raise ValueError("frozen_blocks: there are not so many blocks")
        if self.frozen and self.body is None:
            raise ValueError("frozen is of a body, and there is none")
        if self.views_kept and not self.frozen:
            raise ValueError("views_kept must be 0 where the body learns: its maps change")
        if self.views_kept and self.progressive:
            raise ValueError("views_kept must be 0 where first epochs are grey: progressive")
        return self

    def architecture(
        self,
        height: int,
        width: int,
        classes: int,
        body: BodySettings | None = None,
        maps: tuple[int, int] | None = None,
    ) -> StarArchitecture:
        """What is to be built for an input of that size, behind a body whose last maps are so large."""
        own = {name: getattr(self, name) for name in StarArchitecture.model_fields if hasattr(self, name)}
        return StarArchitecture(**own | {"body": body}, maps=maps, image=(height, width), classes=classes)


class StarLosses(Losses):
    """Eq. 14, and PMT's two."""

    modality_identity: ModalityIdentitySettings = ModalityIdentitySettings()
    hard_triplet: HardTripletSettings = HardTripletSettings()
    modality_shared: ModalitySharedSettings = ModalitySharedSettings()
    discriminative_center: DiscriminativeCenterSettings = DiscriminativeCenterSettings()
    visual_textual: VisualTextualSettings = VisualTextualSettings()


class StarRecipe(Recipe):
    """A recipe of ``system: star-reid``.

    Attributes:
        captions: of people or of visible images; none are needed without ``visual_textual``.
    """

    system: Literal["star-reid"] = "star-reid"
    model: StarModel = StarModel()
    input: InputSettings = InputSettings(height=256, width=128)
    losses: StarLosses = StarLosses()
    captions: CaptionSettings | None = None

    @property
    def reads(self) -> bool:
        """Whether there is a text branch."""
        return self.losses.visual_textual.weight > 0

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.sampler.visible != self.sampler.infrared:
            raise ValueError(
                "sampler: visible and infrared images meet in pairs: there must be as many of both"
            )
        if self.augmentation.views != 1:
            raise ValueError("augmentation.views must be 1: visible and infrared images meet in pairs")
        if self.reads and self.captions is None:
            raise ValueError("captions: losses.visual_textual reads them; give their files, or its weight 0")
        return self
