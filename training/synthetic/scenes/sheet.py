"""A contact sheet: one person a row, every camera and spectrum, the captions beside."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from reid_core.types import Image
from training.seeding import generator
from training.synthetic.captions.captioning import describe
from training.synthetic.scenes.cast import Cast
from training.synthetic.scenes.plan import Plan
from training.synthetic.scenes.site import site_stages, take, view_of

TILE = (96, 208)
TEXT = 470
GAP = 6
_PAPER, _INK, _FAINT = (250, 250, 248), (24, 24, 26), (110, 110, 112)


def draw_sheet(
    people: int,
    seed: int,
    *,
    columns: tuple[int, ...] = (1, 4, 5, 3, 3, 6, 6),
    progress: Callable[[int, int], None] | None = None,
) -> Image:
    """Draw people as the cameras of one site see them.

    Args:
        people: rows.
        seed: of the world.
        columns: camera of each tile of a row: 1, 2, 4, 5 visible, 3 near infrared, 6 thermal.
        progress: told how many of how many people are drawn.

    Returns:
        The sheet, RGB.
    """
    plan = Plan(ids=max(1, people), seed=seed, val=0.0, test=0.0)
    stages = site_stages(plan, "train", 0)
    cast = Cast(seed)
    width = len(columns) * (TILE[0] + GAP) + TEXT + 2 * GAP
    height = people * (TILE[1] + GAP) + GAP
    sheet = Picture.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for row in range(people):
        identity = row + 1
        top = GAP + row * (TILE[1] + GAP)
        words: dict[str, str] = {}
        for index, camera in enumerate(columns):
            stage = stages[camera]
            rng = generator(seed, "sheet", identity, index)
            crop, seen, doing = take(cast, stage, identity, [], rng)
            sheet.paste(Picture.fromarray(_tile(crop)), (GAP + index * (TILE[0] + GAP), top))
            name = str(stage.spectrum)
            if name not in words:
                caption = describe(cast.person(identity), view_of(seen, stage.spectrum, doing), rng, 0.0)
                words[name] = caption.text
        left = GAP + len(columns) * (TILE[0] + GAP) + GAP
        for name, text in words.items():
            pen.text((left, top), name, _FAINT, font)
            lines = textwrap.wrap(text, 68)[:3]
            for number, line in enumerate(lines):
                pen.text((left, top + 15 + 15 * number), line, _INK, font)
            top += 22 + 15 * len(lines)
        if progress:
            progress(identity, people)
    return np.asarray(sheet)


def _tile(crop: Image) -> Image:
    """The crop at the tile's size, its shape kept."""
    height, width = crop.shape[:2]
    scale = min(TILE[0] / width, TILE[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(crop, size, interpolation=way)
    tile = np.full((TILE[1], TILE[0], 3), 236, np.uint8)
    top, left = (TILE[1] - size[1]) // 2, (TILE[0] - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def write_sheet(path: Path, sheet: Image) -> None:
    """Save the sheet in the format that the name's ending says."""
    Picture.fromarray(sheet).save(path)
