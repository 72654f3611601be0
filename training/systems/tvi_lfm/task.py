"""Incremental fine-tuning of TVI-LFM: semantic filtered fusion and modality joint learning.

Source: Hu et al., "Empowering Visible-Infrared Person Re-Identification with Large Foundation Models"
(NeurIPS 2024), section 3.2 and appendix B.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple, cast

import torch
from torch import Tensor

from reid_core.errors import ModelError, UsageError
from reid_core.fusion import semantic_filtered
from reid_core.models.checkpoint import load_network
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.clip_text.encoder import save_text_encoder
from reid_core.models.clip_text.tokens import Tokens
from reid_core.models.network import NeckedNetwork, Network
from reid_core.preprocess import Preprocess
from reid_core.types import Modality
from training.batches import KEPT, Batch
from training.kept import FrozenViews
from training.needs import Needs, read_texts
from training.systems.starting import same_input
from training.systems.task import TrainingTask
from training.systems.text_tower import read_by
from training.systems.tvi_lfm.network import TextTaught
from training.systems.tvi_lfm.recipe import TviRecipe

WANTED, FILTERED = "wanted", "filtered"


class JointOutput(NamedTuple):
    """What a step gives; rows go by the parts of the recipe's ``joint``.

    Attributes:
        features: ``(N, D)`` before the neck.
        bn_features: ``(N, D)`` after it.
        logits: ``(N, C)``.
        labels: ``(N,)`` classes.
        infrared: ``(N,)`` bool: rows that ask, which are all but the visible ones.
    """

    features: Tensor
    bn_features: Tensor
    logits: Tensor
    labels: Tensor
    infrared: Tensor


class TviTask(TrainingTask[TviRecipe, JointOutput]):
    """Losses read ``features``, ``bn_features``, ``logits``, ``labels`` and ``infrared``."""

    recipe_type = TviRecipe
    measures = ("accuracy",)

    def preprocess(self) -> Preprocess:
        """That of the network which the run starts from.

        Raises:
            UsageError: there is none, or the recipe's input is another one.
        """
        return same_input(self.recipe.input, self._start)

    def network(self, start: CheckpointFiles | None) -> Network:
        """The network of the checkpoint, and the text tower as wide as its feature."""
        visual = load_network(self._start)
        if not isinstance(visual, NeckedNetwork):
            raise ModelError(f"A network of the system {visual.kind!r} has no neck for texts to meet.")
        if visual.feature_width != visual.embedding:
            raise ModelError(
                f"The vectors of {self._start.folder} are more than its neck gives, where texts meet images.",
                "Train the network to start from with model.imagenet_share=0.",
            )
        settings = self.recipe.model
        if not settings.inherit_classifier:
            visual = visual.with_classifier(len(self.identities), self.recipe.seed)
        elif self._start.manifest.label_map != tuple(map(str, self.identities)):
            raise ModelError(
                f"The network to start from ({self._start.folder}) has no classifier of these identities.",
                "Train it on the same data with keep_classifier, or set model.inherit_classifier=false.",
            )
        tower = settings.text.tower(self._tokens, self.recipe.seed)
        return TextTaught(visual, tower.widened(visual.embedding), settings.visual == "drifting")

    def origin(self) -> str:
        """Never asked: a run starts from a checkpoint."""
        return ""

    def needs(self) -> Needs:
        """A text of each visible image and one of each infrared image."""
        captions, material = self.recipe.captions, self.material
        return Needs(
            {
                name: read_texts(captions, material.dataset, material.train, modality)
                for name, modality in ((WANTED, Modality.VISIBLE), (FILTERED, Modality.INFRARED))
            }
        )

    def frozen(self, network: Network) -> FrozenViews | None:
        """Features of the recipe's ``views_kept``, unless that is 0."""
        count = self.recipe.model.views_kept
        return (
            FrozenViews(cast(TextTaught, network).visual, count, self.recipe.augmentation.views)
            if count
            else None
        )

    def forward(self, network: Network, batch: Batch) -> JointOutput:
        """Images, or what is kept of them, then texts, then the fusion of both."""
        taught = cast(TextTaught, network)
        images = self._images(taught.visual, batch)
        visible, infrared = images[: len(batch.visible)], images[len(batch.visible) :]
        count = len(infrared)
        # Texts of visible images are drawn for both views; one is read.
        wanted = read_by(taught.tower, self._tokens, batch.texts[WANTED][:count])
        if self.recipe.model.fusion == "filtered":
            said = read_by(taught.tower, self._tokens, batch.texts[FILTERED])
            fusion = semantic_filtered(infrared, wanted, said)
        else:
            fusion = infrared + wanted
        parts = {
            "visible": visible[:count],
            "visible-augmented": visible[count:],
            "infrared": infrared,
            "fusion": fusion,
            "text": wanted,
        }
        joint = self.recipe.model.joint
        features = torch.cat([parts[name] for name in joint])
        bn_features = taught.visual.neck(features)
        assert taught.visual.classifier is not None
        asks = torch.tensor([not name.startswith("visible") for name in joint], device=features.device)
        return JointOutput(
            features,
            bn_features,
            taught.visual.classifier(bn_features),
            batch.labels[-count:].repeat(len(joint)),
            asks.repeat_interleave(count),
        )

    def readings(self, output: JointOutput, batch: Batch) -> Mapping[str, Tensor]:
        """The output, by the names of its parts."""
        return output._asdict()

    def measured(self, output: JointOutput, batch: Batch) -> Mapping[str, Tensor]:
        """How many identities the classifier tells."""
        return {"accuracy": (output.logits.detach().argmax(dim=1) == output.labels).float().mean()}

    def result(self, network: Network) -> Network:
        """The visual network: with its neck, it makes the space."""
        return cast(TextTaught, network).visual

    def accompany_network(self, network: Network, checkpoint: CheckpointFiles) -> None:
        """The text tower as a text encoder of that space."""
        taught = cast(TextTaught, network)
        save_text_encoder(checkpoint, taught.tower, taught.visual.neck, self._tokens, self.recipe.name)

    @property
    def _start(self) -> CheckpointFiles:
        if self.start is None:
            raise UsageError(
                "TVI-LFM's fine-tuning teaches texts to a network that has learned already.",
                "Name its checkpoint with --start FOLDER.",
            )
        return self.start

    @cached_property
    def _tokens(self) -> Tokens:
        def said() -> list[str]:
            asked = self.needs().texts.values()
            return [each for texts in asked for some in texts.candidates for each in some]

        return self.recipe.model.text.tokens(said)

    def _images(self, visual: NeckedNetwork, batch: Batch) -> Tensor:
        """``(V + I, D)`` before the neck; no gradient passes."""
        if KEPT in batch.rows:
            return batch.rows[KEPT]
        with torch.no_grad():
            return visual.raw_of_both(batch.visible, batch.infrared)
