"""What a fine-tuning of BLIP is told: one YAML file, checked before anything begins."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Modality
from training.recipe import ScheduleSettings


class BlipRecipe(Settings):
    """Everything about one fine-tuning.

    Attributes:
        name: of the captioner, for people.
        seed: of everything that is drawn.
        source: the BLIP to begin with: its name on the Hugging Face hub, or its folder.
        modality: whose captioner it becomes. ``visible`` learns from visible images and their captions,
            ``infrared`` from infrared images and the captions of visible images of the same person, without
            their colours.
        captions: files of captions of visible images in the Tri schema, below the data set's folder or
            anywhere.
        rephrased: take the other wording of a caption as often as the caption, where there is one.
        frozen: ``vision`` learns with the decoder alone; ``nothing`` with both.
        schedule: in steps.
        batch: images a step.
        lr: greatest learning rate, of AdamW.
        weight_decay: of AdamW.
        longest: tokens of a caption, in training and ever after.
        checked: validation images by which the loss is told before and after; 0 for none.
        state_every: steps between states that a killed run goes on from.
        device: ``auto`` takes a GPU where there is one.
        threads: of torch; 0 takes its own number.
        licence: of the captioner.
    """

    name: str = Field(default="blip", min_length=1)
    seed: int = Field(default=1, ge=0)
    source: str = "Salesforce/blip-image-captioning-large"
    modality: Modality = Modality.VISIBLE
    captions: tuple[Path, ...] = Field(default=(), min_length=1)
    rephrased: bool = True
    frozen: Literal["vision", "nothing"] = "nothing"
    schedule: ScheduleSettings = ScheduleSettings(length=3000, warmup=100)
    batch: int = Field(default=16, ge=1)
    lr: float = Field(default=1e-5, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    longest: int = Field(default=50, ge=2, le=500)
    checked: int = Field(default=256, ge=0)
    state_every: int = Field(default=200, ge=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(default=0, ge=0)
    licence: str = ""
