"""EEES: explicit semantics embedded, compensated across views and purified across modalities.

Source: Dong et al., "Embedding and Enriching Explicit Semantics for Visible-Infrared Person
Re-Identification" (2024). What it leaves open is a setting, by default as the code of its predecessor has it
(CSDN, Yu et al. 2024).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple, cast

import torch
from torch import Tensor

from reid_core.models.body import body_preprocess, last_maps
from reid_core.models.body_settings import CLIP, BodySettings
from reid_core.models.checkpoint import take_weights
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.clip_text.tokens import Tokens
from reid_core.models.eees.architecture import EeesArchitecture
from reid_core.models.eees.clip import OPENAI, load_clip_visual
from reid_core.models.eees.network import Eees, EeesOutput
from reid_core.models.network import Network
from reid_core.preprocess import Preprocess
from training.batches import KEPT, Batch
from training.kept import FrozenViews
from training.needs import Needs, read_texts
from training.seeding import generator
from training.systems.eees.network import EeesTaught
from training.systems.eees.recipe import MULTI, TEXTS, EeesRecipe
from training.systems.eees.views import draw_views, multi_view
from training.systems.frozen_maps import FrozenMaps
from training.systems.starting import body_settings, same_input, take_body
from training.systems.task import TrainingTask
from training.systems.text_tower import read_by


class StepOutput(NamedTuple):
    """What a step gives; rows are the visible images, then the infrared ones.

    Attributes:
        heads: of the visual network.
        texts: ``(N, A)`` features of the texts; ``None`` where no loss reads them.
        multi_attended: ``(N, A)`` multi-view features of the images, likewise.
        multi_texts: ``(N, A)`` those of the texts, likewise.
    """

    heads: EeesOutput
    texts: Tensor | None = None
    multi_attended: Tensor | None = None
    multi_texts: Tensor | None = None


class EeesTask(TrainingTask[EeesRecipe, StepOutput]):
    """Losses read ``features``, ``bn_features``, ``logits``, ``attended``, ``attended_logits``, ``labels``
    and ``infrared``; with captions ``texts``, ``multi_attended`` and ``multi_texts`` too.
    """

    recipe_type = EeesRecipe
    measures = ("accuracy", "attended_accuracy")

    def preprocess(self) -> Preprocess:
        """The body's own, at the recipe's size.

        Raises:
            UsageError: a frozen body learned to read other images than the recipe says.
        """
        given = self.recipe.input
        if self.start is not None and self.recipe.model.frozen:
            return same_input(given, self.start)
        return given.applied(body_preprocess(self._body, given.height, given.width))

    def network(self, start: CheckpointFiles | None) -> Network:
        """With classifiers over the identities, and a tower where a loss reads texts."""
        recipe, settings = self.recipe, self.recipe.model
        architecture = EeesArchitecture(
            body=self._body,
            attention=settings.attention,
            grid=last_maps(self._body, recipe.input.height, recipe.input.width),
            gem_p=settings.gem_p,
            gem_learned=settings.gem_learned,
            vector=settings.vector,
            classes=len(self.identities),
        )
        published = settings.pretrained and start is None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            visual = Eees(architecture, pretrained=published and settings.source is None)
        if start is not None and start.manifest.kind == visual.kind:
            take_weights(visual, start)
        elif start is not None:
            take_body(visual, start)
        elif published and settings.source is not None:
            visual.take_clip(load_clip_visual(settings.source), settings.source)
        tower = None
        if recipe.reads_texts:
            tower = settings.text.tower(self._tokens, recipe.seed).widened(settings.attention.width)
        if settings.frozen:
            visual.freeze_body()
        return EeesTaught(visual, tower)

    def origin(self) -> str:
        """Whose weights of CLIP, or ImageNet's."""
        settings = self.recipe.model
        if not settings.pretrained:
            return "random weights"
        if settings.body.backbone == CLIP:
            return f"visual side of CLIP ({settings.source or OPENAI})"
        return f"ImageNet weights of {settings.body.backbone}"

    def needs(self) -> Needs:
        """A text of each image, where a loss reads it."""
        if not self.recipe.reads_texts:
            return Needs()
        assert self.recipe.captions is not None
        return Needs({TEXTS: read_texts(self.recipe.captions, self.material.dataset, self.material.train)})

    def frozen(self, network: Network) -> FrozenViews | None:
        """Last maps of the recipe's ``views_kept``, unless that is 0."""
        count = self.recipe.model.views_kept
        if not count:
            return None
        visual = cast(EeesTaught, network).visual
        shape = (visual.width, *visual.architecture.grid)
        return FrozenViews(FrozenMaps(visual.body(), visual.architecture.body, shape).eval(), count)

    def forward(self, network: Network, batch: Batch) -> StepOutput:
        """Images, or what is kept of them; their texts; several views of both."""
        taught = cast(EeesTaught, network)
        heads = taught.visual.both_heads(self._maps(taught.visual, batch))
        if taught.tower is None:
            return StepOutput(heads)
        texts = read_by(taught.tower, self._tokens, batch.texts[TEXTS])
        if not self.recipe.losses.read & set(MULTI):
            return StepOutput(heads, texts)
        rng = generator(self.recipe.seed, "cross views", batch.step)
        drawn = draw_views(
            batch.labels.cpu().numpy(), batch.is_infrared.cpu().numpy(), self.recipe.model.cross_views, rng
        )
        others = torch.from_numpy(drawn).to(texts.device)
        return StepOutput(heads, texts, multi_view(heads.attended, others), multi_view(texts, others))

    def readings(self, output: StepOutput, batch: Batch) -> Mapping[str, Tensor]:
        """The output by the names of its parts, the classes, and which rows are infrared."""
        read = {
            TEXTS: output.texts,
            MULTI[0]: output.multi_attended,
            MULTI[1]: output.multi_texts,
        }
        return {
            **output.heads._asdict(),
            **{name: each for name, each in read.items() if each is not None},
            "labels": batch.labels,
            "infrared": batch.is_infrared,
        }

    def measured(self, output: StepOutput, batch: Batch) -> Mapping[str, Tensor]:
        """How many identities each classifier tells."""
        told = {"accuracy": output.heads.logits, "attended_accuracy": output.heads.attended_logits}
        return {
            name: (logits.detach().argmax(dim=1) == batch.labels).float().mean()
            for name, logits in told.items()
        }

    def result(self, network: Network) -> Network:
        """The visual network: no text is needed to use it."""
        return cast(EeesTaught, network).visual

    @cached_property
    def _tokens(self) -> Tokens:
        def said() -> list[str]:
            asked = self.needs().texts.values()
            return [each for texts in asked for some in texts.candidates for each in some]

        return self.recipe.model.text.tokens(said)

    @cached_property
    def _body(self) -> BodySettings:
        """The recipe's, or that of another system's checkpoint to start from."""
        if self.start is None or self.start.manifest.kind == Eees.kind:
            return self.recipe.model.body
        return body_settings(self.start)

    def _maps(self, visual: Eees, batch: Batch) -> Tensor:
        """``(V + I, C, h, w)``."""
        if KEPT in batch.rows:
            return batch.rows[KEPT].reshape(-1, visual.width, *visual.architecture.grid)
        return visual.maps_of_both(batch.visible, batch.infrared)
