"""A training task, a loss and an augmentation as a package of somebody else brings them.

Texts and numbers are in its batches, and its loss learns. `install` makes them known by entry points.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field

from reid_core.config import Settings
from tests.support import packages
from training.augmentation.step import PixelStep
from training.losses.loss import Loss, LossSettings
from training.needs import CaptionSettings, Needs, Rows, read_texts
from training.recipe import Losses
from training.systems.dual_stream import DualStreamRecipe, DualStreamTask


class WordSettings(LossSettings):
    words: int = Field(default=4, ge=1)


class Words(Loss[WordSettings]):
    settings = WordSettings
    reads = ("bn_features", "words", "number")

    def __init__(self, width, words, generator):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(words, width, generator=generator) * 0.1)

    @classmethod
    def create(cls, settings, context):
        return cls(context.network.embedding, settings.words, context.generator())

    def forward(self, features, words, number):
        said = (words[:, None] >> torch.arange(len(self.weight), device=words.device)) % 2
        told = torch.nn.functional.linear(features.float(), self.weight)
        return (told - said - number[:, None]).square().mean()


class TinyLosses(Losses):
    words: WordSettings = WordSettings()


class TinyRecipe(DualStreamRecipe):
    system: str = "tiny"
    losses: TinyLosses = TinyLosses()
    captions: CaptionSettings = CaptionSettings(files=("captions.json",), rephrased=True)


class TinyTask(DualStreamTask):
    recipe_type = TinyRecipe
    measures = ("longest",)

    def needs(self):
        material = self.material
        return Needs(
            {"said": read_texts(self.recipe.captions, material.dataset, material.train)},
            {"number": Rows(np.array(self.identities, np.float32) / 100)},
        )

    def readings(self, output, batch):
        words = torch.tensor([zlib.crc32(text.encode()) for text in batch.texts["said"]])
        return {**super().readings(output, batch), "words": words, "number": batch.rows["number"]}

    def measured(self, output, batch):
        return {"longest": torch.tensor(float(max(map(len, batch.texts["said"]))))}


class DimmedSettings(Settings):
    by: int = Field(default=10, ge=0)


@dataclass(frozen=True)
class Dimmed(PixelStep[DimmedSettings]):
    by: int
    settings = DimmedSettings

    @classmethod
    def create(cls, settings):
        return cls(settings.by)

    def __call__(self, image, shown, other, rng):
        return np.maximum(image, self.by) - np.uint8(self.by)


ENTRY_POINTS = {
    "nightreid.tasks/tiny": f"{__name__}:TinyTask",
    "nightreid.losses/words": f"{__name__}:Words",
    "nightreid.augmentations/dimmed": f"{__name__}:Dimmed",
}


def install(folder):
    """Make all of it known in a folder that is, or comes, on Python's path."""
    packages.install(folder, "tiny_package", "", ENTRY_POINTS)
    return folder
