"""Which text tower learns beside a network, and with which tokenizer: for recipes of systems that read."""

from collections.abc import Callable, Iterable, Sequence

import torch
from pydantic import Field
from torch import Tensor

from reid_core.config import Settings
from reid_core.models.clip_text.settings import CONTEXT, PUBLISHED, TowerSettings
from reid_core.models.clip_text.tokens import Tokens, load_tokens, word_tokens
from reid_core.models.clip_text.tower import TextTower, build_tower, load_tower


class TowerChoice(Settings):
    """Which text tower learns.

    Attributes:
        source: a CLIP by its name on the Hugging Face hub, or its folder, or ``RN50`` or ``ViT-B``: OpenAI's
            sizes with random weights. ``null`` builds one of the sizes below.
        tokenizer: the tokenizer's name or folder; ``null`` is ``source`` where that is published, else the
            words of the training captions.
        width: of the transformer.
        layers: of it.
        heads: of it.
        context: tokens of a text at most.
        projection: numbers before the projection is brought to the network's width.
    """

    source: str | None = None
    tokenizer: str | None = None
    width: int = Field(default=128, ge=4)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    context: int = Field(default=CONTEXT, ge=3)
    projection: int = Field(default=256, ge=1)

    @property
    def _published(self) -> str | None:
        """The source, where it has weights."""
        return None if self.source in PUBLISHED else self.source

    def tokens(self, said: Callable[[], Iterable[str]]) -> Tokens:
        """The tokenizer.

        Args:
            said: the texts whose words it knows where none is published.

        Raises:
            ModelError: it is not to be had, or not CLIP's.
        """
        source = self.tokenizer or self._published
        return (
            word_tokens(said(), context=self.context) if source is None else load_tokens(source, self.context)
        )

    def tower(self, tokens: Tokens, seed: int) -> TextTower:
        """The tower, as published or with random weights.

        Raises:
            ModelError: it is not to be had, or reads other tokens.
        """
        if self._published is not None:
            tower = load_tower(self._published).tower
            tokens.check(tower.settings, self.tokenizer or self._published)
            return tower
        own = {"vocabulary": tokens.size, "begin": tokens.begin, "end": tokens.end, "context": self.context}
        if self.source is not None:
            settings = PUBLISHED[self.source].model_copy(update=own)
        else:
            sizes = {name: getattr(self, name) for name in ("width", "layers", "heads", "projection")}
            settings = TowerSettings(**own, **sizes)
        return build_tower(settings, seed)


def read_by(tower: TextTower, tokens: Tokens, texts: Sequence[str]) -> Tensor:
    """``(N, D)`` features of texts, on the tower's device."""
    device = next(tower.parameters()).device
    read: Tensor = tower(torch.from_numpy(tokens(texts)).to(device))
    return read
