"""STAR-ReID's part in a run: pairs of a visible and an infrared image of one person, and a text about them.

Source: Qiu et al., "Advancing Visible-Infrared Person Re-Identification: Synergizing Visual-Textual Reasoning
and Cross-Modal Feature Alignment" (TIFS 2025), on PMT (Lu et al., AAAI 2023).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple, cast

import torch
from torch import Tensor

from reid_core.models.body import body_preprocess, last_maps
from reid_core.models.body_settings import BodySettings
from reid_core.models.checkpoint import take_weights
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.network import Network
from reid_core.models.star_reid.network import StarOutput, StarReid, create_star
from reid_core.models.star_reid.text_branch import TextBranch, TextTokens, build_branch, load_branch
from reid_core.models.star_reid.text_encoder import save_text_encoder
from reid_core.models.star_reid.text_settings import PUBLISHED, BertSettings
from reid_core.models.star_reid.text_tokens import BertTokens, load_tokens, word_tokens
from reid_core.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from reid_core.types import Modality
from training.batches import KEPT, Batch
from training.kept import FrozenViews
from training.needs import Needs, read_texts
from training.objective import Objective
from training.seeding import generator
from training.systems.frozen_maps import FrozenMaps
from training.systems.star_reid.network import StarTaught
from training.systems.star_reid.recipe import StarRecipe
from training.systems.starting import body_settings, same_input, take_body
from training.systems.task import TrainingTask

WORDS = "words"
_LUMA = (0.2989, 0.5870, 0.1140)
_RESTING = ("modality_shared", "discriminative_center")


class Taught(NamedTuple):
    """What a step gives.

    Attributes:
        images: of the visual network.
        texts: of the branch, ``N`` of them; ``None`` without.
    """

    images: StarOutput
    texts: TextTokens | None


class StarTask(TrainingTask[StarRecipe, Taught]):
    """What losses read: see `readings`."""

    recipe_type = StarRecipe
    measures = ("accuracy",)

    def preprocess(self) -> Preprocess:
        """As PMT: ImageNet's mean and deviation. Behind a body, that body's own.

        Raises:
            UsageError: a frozen body learned to read other images than the recipe says.
        """
        given = self.recipe.input
        if self._body is not None:
            if self.start is not None and self.recipe.model.frozen:
                return same_input(given, self.start)
            return given.applied(body_preprocess(self._body, given.height, given.width))
        return given.applied(
            Preprocess(height=given.height, width=given.width, mean=IMAGENET_MEAN, std=IMAGENET_STD)
        )

    def network(self, start: CheckpointFiles | None) -> Network:
        """With a classifier over the identities, and the text branch where words are read."""
        recipe, settings, body = self.recipe, self.recipe.model, self._body
        height, width = recipe.input.height, recipe.input.width
        maps = last_maps(body, height, width) if body is not None else None
        architecture = settings.architecture(height, width, len(self.identities), body, maps)
        published = settings.pretrained and start is None
        source = settings.source if published and body is None else None
        visual = create_star(architecture, source, recipe.seed, pretrained=published)
        if start is not None and self._of_another(start):
            take_body(visual, start)
        elif start is not None:
            take_weights(visual, start)
        visual.freeze(settings.frozen_blocks)
        if settings.frozen:
            visual.freeze_body()
        return StarTaught(visual, self._branch() if recipe.reads else None)

    def origin(self) -> str:
        """ImageNet, and whose weights."""
        model = self.recipe.model
        if not model.pretrained:
            return "random weights"
        return f"ImageNet weights of {model.source if model.body is None else model.body.backbone}"

    def needs(self) -> Needs:
        """A text of each visible image, where words are read."""
        if not self.recipe.reads or self.recipe.captions is None:
            return Needs()
        material = self.material
        texts = read_texts(self.recipe.captions, material.dataset, material.train, Modality.VISIBLE)
        return Needs({WORDS: texts})

    def frozen(self, network: Network) -> FrozenViews | None:
        """Last maps of the recipe's ``views_kept``, unless that is 0."""
        count = self.recipe.model.views_kept
        if not count:
            return None
        visual = cast(StarTaught, network).visual
        body, channels = visual.architecture.body, visual.channels
        assert body is not None and channels is not None
        shape = (channels, *visual.architecture.grid)
        return FrozenViews(FrozenMaps(visual.body(), body, shape).eval(), count)

    def forward(self, network: Network, batch: Batch) -> Taught:
        """Pairs of images, then the texts of the visible ones."""
        taught = cast(StarTaught, network)
        visible = _grey(batch.visible) if self._early(batch) else batch.visible
        with _drawn(int(generator(self.recipe.seed, "dropout", batch.step).integers(2**62)), visible):
            images = taught.visual.taught(self._maps(taught.visual, visible, batch))
            texts = None
            if taught.text is not None:
                tokens, there = (
                    torch.from_numpy(each).to(visible.device) for each in self._tokens(batch.texts[WORDS])
                )
                texts = taught.text(tokens, there)
        return Taught(images, texts)

    def readings(self, output: Taught, batch: Batch) -> Mapping[str, Tensor]:
        """All there is of images and texts, by name.

        ``features`` are the fused ones, ``globals`` and ``locals`` those of both levels. ``compared`` is
        within a modality in the first epochs.
        """
        images, infrared = output.images, batch.is_infrared
        alike = infrared[:, None] == infrared[None, :]
        read = {
            "features": images.fused,
            "globals": images.cls,
            "locals": images.patches.amax(dim=1),
            "bn_features": images.bn_features,
            "logits": images.logits,
            "labels": batch.labels,
            "infrared": infrared,
            "compared": alike if self._early(batch) else torch.ones_like(alike),
        }
        if output.texts is not None:
            read |= {"text_globals": output.texts.cls, "text_locals": output.texts.pooled()}
        return read

    def losses(self, objective: Objective, output: Taught, batch: Batch) -> Mapping[str, Tensor]:
        """All of the objective's; those of PMT that pull modalities together rest in the first epochs."""
        terms = dict(super().losses(objective, output, batch))
        if self._early(batch):
            terms |= {name: torch.zeros_like(terms[name]) for name in _RESTING if name in terms}
        return terms

    def measured(self, output: Taught, batch: Batch) -> Mapping[str, Tensor]:
        """How many identities the classifier tells."""
        told = output.images.logits.detach().argmax(dim=1) == batch.labels
        return {"accuracy": told.float().mean()}

    def result(self, network: Network) -> Network:
        """The visual network."""
        return cast(StarTaught, network).visual

    def accompany_network(self, network: Network, checkpoint: CheckpointFiles) -> None:
        """The text branch as a text encoder of its space."""
        taught = cast(StarTaught, network)
        if taught.text is not None:
            neck = None if taught.visual.architecture.aligned else taught.visual.neck
            save_text_encoder(checkpoint, taught.text, neck, self._tokens, self.recipe.name)

    @cached_property
    def _body(self) -> BodySettings | None:
        """The recipe's, or that of another system's checkpoint to start from."""
        own = self.recipe.model.body
        if own is None or self.start is None or not self._of_another(self.start):
            return own
        return body_settings(self.start)

    def _of_another(self, start: CheckpointFiles) -> bool:
        """Whether a checkpoint to start from is another system's, of which a hybrid takes the body."""
        return self.recipe.model.body is not None and start.manifest.kind != StarReid.kind

    def _maps(self, visual: StarReid, visible: Tensor, batch: Batch) -> Tensor:
        """What the transformer sees of a batch, ``(V + I, ...)``."""
        if KEPT in batch.rows:
            assert visual.channels is not None
            return batch.rows[KEPT].reshape(-1, visual.channels, *visual.architecture.grid)
        return visual.maps_of_both(visible, batch.infrared)

    def _early(self, batch: Batch) -> bool:
        return batch.step < self._progressive_steps

    @cached_property
    def _progressive_steps(self) -> int:
        if not self.recipe.model.progressive:
            return 0
        from training.sampling import IdentitySampler

        sampler = IdentitySampler(self.material.train, self.recipe.seed, **self.recipe.sampler.model_dump())
        return self.recipe.model.progressive * sampler.steps_per_epoch

    @cached_property
    def _tokens(self) -> BertTokens:
        choice = self.recipe.model.text
        published = choice.source if choice.source not in PUBLISHED else None
        source = choice.tokenizer or published
        if source is not None:
            return load_tokens(source, choice.context)
        said = [each for texts in self.needs().texts.values() for some in texts.candidates for each in some]
        return word_tokens(said, choice.context)

    def _branch(self) -> TextBranch:
        choice, width, seed = self.recipe.model.text, self.recipe.model.width, self.recipe.seed
        if choice.source is not None and choice.source not in PUBLISHED:
            return load_branch(choice.source, width, seed)
        if choice.source is not None:
            size = PUBLISHED[choice.source]
            own = {"vocabulary": max(size.vocabulary, self._tokens.size), "projection": width}
            return build_branch(size.model_copy(update=own), seed)
        sizes = {name: getattr(choice, name) for name in ("width", "layers", "heads", "context")}
        settings = BertSettings(
            vocabulary=self._tokens.size, feed_forward=4 * choice.width, projection=width, **sizes
        )
        return build_branch(settings, seed)


def _grey(images: Tensor) -> Tensor:
    """Luma to all channels: ``(N, 3, H, W)`` to the same."""
    weights = images.new_tensor(_LUMA)[None, :, None, None]
    return (images * weights).sum(dim=1, keepdim=True).expand_as(images)


@contextmanager
def _drawn(seed: int, images: Tensor) -> Iterator[None]:
    """What is dropped is a function of the seed alone: a resumed run drops the same."""
    devices = [images.device] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
