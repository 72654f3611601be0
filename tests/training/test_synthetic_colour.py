"""Colour cannot be read back from an infrared image of the synthetic world."""

import numpy as np
import pytest
import torch

from reid_core.types import Spectrum
from training.seeding import generator
from training.synthetic.geometry.optics import Camera
from training.synthetic.light.lamps import Lamp, Light

pytestmark = pytest.mark.slow

KNOWN, NEW = 260, 130
SIZE = (64, 32)
# Coarse colours, so that even a small network names them from a visible picture.
GROUPS = {
    "dark": ("black", "dark grey", "dark blue", "brown", "dark red"),
    "light": ("white", "light grey", "beige", "grey"),
    "warm": ("red", "orange", "pink", "yellow"),
    "cool": ("blue", "light blue", "green", "purple", "olive"),
}
CAMERA = Camera(320, 240, 300.0, (0.0, -4.0, 2.0), 0.0, -0.25)


def light_of(spectrum):
    sun = Lamp((0.8, 0.8, 0.75), direction=(0.4, -0.7, 0.6))
    lamp = Lamp((1.0, 1.0, 1.0), position=CAMERA.position, reference=4.5)
    return Light(
        spectrum,
        sky=(0.45, 0.45, 0.45) if spectrum is Spectrum.VISIBLE else (0.08, 0.08, 0.08),
        lamps={Spectrum.VISIBLE: (sun,), Spectrum.NEAR: (lamp,), Spectrum.THERMAL: ()}[spectrum],
        air=12.0,
    )


@pytest.fixture(scope="module")
def crops():
    """Pictures of known and new people in each spectrum, and the colour group of what covers the trunk."""
    pytest.importorskip("anny")
    import cv2

    from training.synthetic.scenes.cast import Cast
    from training.synthetic.scenes.render import Stance, render

    cast = Cast(31)
    pictures = {spectrum: [] for spectrum in Spectrum}
    colours = []
    for identity in range(1, KNOWN + NEW + 1):
        person = cast.person(identity)
        name = (person.outer or person.top).cloth.colours[0]
        colours.append(next(i for i, group in enumerate(GROUPS.values()) if name in group))
        for spectrum in Spectrum:
            for view in range(2):
                rng = generator(31, "colour", identity, view)
                pose = cast.poser(identity, rng, True).pose(float(rng.random()))
                stance = Stance(0.0, 0.0, float(rng.uniform(-np.pi, np.pi)), pose)
                sprite = render(cast.model(identity), stance, CAMERA, light_of(spectrum), fine=150)
                picture = sprite.radiance
                if spectrum is Spectrum.THERMAL:
                    picture = (picture - 10 * sprite.alpha[..., None]) / 24
                picture = np.clip(picture, 0, 1) ** 0.5
                picture = cv2.resize(picture, SIZE[::-1], interpolation=cv2.INTER_AREA).reshape(*SIZE, -1)
                pictures[spectrum].append(np.repeat(picture, 3 // picture.shape[2], 2))
    return {spectrum: np.stack(all_of) for spectrum, all_of in pictures.items()}, np.repeat(colours, 2)


def accuracy_on_new(pictures, colours):
    """Train a small network to name the colour on known people; the share right on new people."""
    torch.manual_seed(0)
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    y = torch.from_numpy(colours)
    split = 2 * KNOWN
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 5, 2, 2), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 3, 2, 1), torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d((8, 2)), torch.nn.Flatten(), torch.nn.Dropout(0.2),
        torch.nn.Linear(32 * 16, len(GROUPS)),
    )  # fmt: skip
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    generator_ = torch.Generator().manual_seed(0)
    for _ in range(30):
        for batch in torch.randperm(split, generator=generator_).split(40):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimiser.step()
    network.eval()
    with torch.no_grad():
        right_known = (network(x[:split]).argmax(1) == y[:split]).float().mean()
        right_new = (network(x[split:]).argmax(1) == y[split:]).float().mean()
    return float(right_known), float(right_new)


def guessing(colours):
    """The best that can be had without looking, and its standard error on the new people."""
    share = np.bincount(colours[2 * KNOWN :]).max() / (2 * NEW)
    return share, np.sqrt(share * (1 - share) / NEW)


def test_the_network_names_colours_where_there_are_any(crops):
    pictures, colours = crops
    known, new = accuracy_on_new(pictures[Spectrum.VISIBLE], colours)
    share, error = guessing(colours)
    assert known > 0.8
    assert new > share + 5 * error, "else the test below shows nothing"


@pytest.mark.parametrize("spectrum", [Spectrum.NEAR, Spectrum.THERMAL])
def test_infrared_tells_no_colour(crops, spectrum):
    pictures, colours = crops
    known, new = accuracy_on_new(pictures[spectrum], colours)
    share, error = guessing(colours)
    assert known > share + 5 * error, "it learned something about the people it knows"
    assert new < share + 2.5 * error
