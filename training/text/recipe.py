"""What the training of a text encoder is told: one YAML file, checked before anything begins."""

from pydantic import Field

from reid_core.config import Settings
from training.recipe import CalibrationSettings


class TextRecipe(Settings):
    """Everything `nightreid train-text` can be told in a file.

    Attributes:
        name: of the text encoder.
        seed: of everything random.
        parts: descriptions made of a random part of each caption, for witnesses who say little.
        least: features that fewer captions have are not learned.
        ridge: penalty of the regression.
        shrinkage: how far the spread of images around what is said of them is taken for the same in all
            directions, above 0: vectors point to what tells people apart rather than to what they vary in.
        weight: of words beside an image, where there is no doubt that both are of one person.
        trust: chance that words are about whom an image shows, before both are compared.
        folds: people are divided in so many; what is fitted on scores sees each by a table that was learned
            without them.
        calibration: how scores become probabilities.
        licence: of the result.
    """

    name: str = Field(default="words", min_length=1)
    seed: int = Field(default=1, ge=0)
    parts: int = Field(default=1, ge=0)
    least: int = Field(default=3, ge=1)
    ridge: float = Field(default=100.0, gt=0)
    shrinkage: float = Field(default=4.0, gt=0)
    weight: float = Field(default=2.0, gt=0)
    trust: float = Field(default=0.5, gt=0, lt=1)
    folds: int = Field(default=5, ge=2)
    calibration: CalibrationSettings = CalibrationSettings()
    licence: str = ""
