"""What a run of EEES is told."""

from typing import Literal, Self

from pydantic import Field, model_validator

from reid_core.models.body_settings import CLIP, BodySettings
from reid_core.models.eees.architecture import AttentionSettings
from training.losses import LOSSES
from training.losses.identity_cross_entropy import IdentitySettings
from training.losses.image_text_contrast import ImageTextSettings
from training.losses.semantics_purification import PurificationSettings
from training.losses.view_distillation import DistillationSettings
from training.losses.weighted_regularized_triplet import TripletSettings
from training.needs import CaptionSettings
from training.recipe import Losses, ModelSettings, Recipe
from training.systems.text_tower import TowerChoice

TEXTS, MULTI = "texts", ("multi_attended", "multi_texts")


class EeesModel(ModelSettings):
    """The visual network, and the text tower beside it.

    Attributes:
        body: of a run that starts from no other system's checkpoint; one that does has the body of that.
        source: the visual side of a CLIP, by its name on the Hugging Face hub or a folder that
            ``import-checkpoint --kind clip-visual`` wrote; ``null`` is OpenAI's RN50 from the hub where the
            body is CLIP's, and ImageNet's weights where it is not. ``pretrained: false`` takes none, and a
            checkpoint to start from stands above all of it.
        attention: of the head where texts meet images.
        gem_p: power of the other head's pooling.
        gem_learned: whether it is learned.
        vector: what is compared: ``both`` heads, or the ``global`` one alone.
        frozen: the body keeps its weights and statistics. To thaw it slowly give the group ``backbone`` a
            factor instead.
        views_kept: last maps of so many augmented views of each image are computed once, and steps draw among
            them; 0 augments anew each time. Of a frozen body alone.
        cross_views: ``M``, other images and texts in a multi-view feature.
        text: the tower.
    """

    body: BodySettings = BodySettings()
    source: str | None = None
    attention: AttentionSettings = AttentionSettings()
    gem_p: float = Field(default=3.0, gt=0)
    gem_learned: bool = False
    vector: Literal["both", "global"] = "both"
    frozen: bool = False
    views_kept: int = Field(default=0, ge=0, le=64)
    cross_views: int = Field(default=1, ge=1)
    text: TowerChoice = TowerChoice()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.blend != 1:
            raise ValueError("blend must be 1: the run learns a text tower besides, which the start has not")
        if self.views_kept and not self.frozen:
            raise ValueError("views_kept must be 0 where the body learns: its maps change")
        if self.source is not None and self.body.backbone != CLIP:
            raise ValueError(f"source is the visual side of a CLIP, and body.backbone is not {CLIP}")
        return self


class EeesLosses(Losses):
    """Those of the paper with its weights, eq. 13.

    ``identity`` is a mean over all images; eq. 1 is the sum of both modalities' means, which is twice that.
    """

    identity: IdentitySettings = IdentitySettings(weight=2.0, smoothing=0.0)
    triplet: TripletSettings = TripletSettings(weight=0.25)
    attended_identity: IdentitySettings = IdentitySettings(weight=2.0, smoothing=0.0)
    attended_triplet: TripletSettings = TripletSettings(weight=0.25)
    image_text: ImageTextSettings = ImageTextSettings()
    multi_view: ImageTextSettings = ImageTextSettings()
    distillation: DistillationSettings = DistillationSettings()
    purification: PurificationSettings = PurificationSettings()

    @property
    def read(self) -> frozenset[str]:
        """Names of all that losses with a weight read."""
        used = (name for name, each in self.named().items() if each.weight)
        return frozenset(read for name in used for read in LOSSES.get(name).reads)


class EeesRecipe(Recipe):
    """A recipe of ``system: eees``.

    Attributes:
        captions: of visible and of infrared images, in files of either; none are needed where no loss reads
            texts.
    """

    system: Literal["eees"] = "eees"
    model: EeesModel = EeesModel()
    losses: EeesLosses = EeesLosses()
    captions: CaptionSettings | None = None

    @property
    def reads_texts(self) -> bool:
        """Whether any loss does."""
        return bool(self.losses.read & {TEXTS, MULTI[1]})

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.augmentation.views != 1:
            raise ValueError("augmentation.views must be 1: each image has one text")
        if not self.reads_texts:
            return self
        if self.captions is None:
            raise ValueError("captions: losses read texts; name their files")
        if self.sampler.visible != self.sampler.infrared:
            raise ValueError(
                "sampler: each infrared image meets a visible one's text: there must be as many of both"
            )
        if self.losses.read & set(MULTI) and self.model.cross_views >= self.sampler.visible:
            raise ValueError(
                f"model.cross_views: a person has {self.sampler.visible - 1} other images of a modality in a "
                "batch"
            )
        return self
