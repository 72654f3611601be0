"""Two losses of its own: one on local features, one on words."""

import torch
from patchwise import BUCKETS
from torch.nn import functional

from training.losses.loss import Loss, LossSettings


class StripeSettings(LossSettings):
    margin: float = 0.2


class StripeMargin(Loss[StripeSettings]):
    """``mean max(0, m + other - same)`` over stripes: those of one person are alike at the same height."""

    settings = StripeSettings
    reads = ("stripes", "labels")

    def __init__(self, margin):
        super().__init__()
        self.margin = margin

    @classmethod
    def create(cls, settings, context):
        return cls(settings.margin)

    def forward(self, stripes, labels):
        rows = functional.normalize(stripes.float(), dim=-1)
        alike = torch.einsum("npd,mpd->nm", rows, rows) / rows.shape[1]
        same = (labels[:, None] == labels[None, :]).float()
        near = (alike * same).sum(1) / same.sum(1)
        far = (alike * (1 - same)).sum(1) / (1 - same).sum(1).clamp(min=1)
        return functional.relu(self.margin + far - near).mean()


class WordSettings(LossSettings):
    temperature: float = 0.1


class WordContrast(Loss[WordSettings]):
    """Symmetric contrast of images and their captions, the words' table learned."""

    settings = WordSettings
    reads = ("vectors", "words")

    def __init__(self, width, temperature, generator):
        super().__init__()
        self.temperature = temperature
        self.table = torch.nn.Parameter(0.1 * torch.randn(BUCKETS, width, generator=generator))

    @classmethod
    def create(cls, settings, context):
        return cls(context.network.embedding, settings.temperature, context.generator())

    def forward(self, vectors, words):
        said = functional.normalize(words @ self.table)
        logits = functional.normalize(vectors.float()) @ said.t() / self.temperature
        own = torch.arange(len(logits), device=logits.device)
        return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.t(), own)) / 2
