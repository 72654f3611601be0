"""A tiny ReID set in the SYSU-MM01 layout: people are patterns, cameras their own light."""

import json

import cv2
import numpy as np

SPECTRA = {1: "visible", 2: "visible", 3: "near", 4: "visible", 5: "visible", 6: "thermal"}


def write_people(folder, train=8, val=6, test=2, images=3, manifest=True):
    """Stripes of a direction and width tell people apart, in every spectrum; colours by day only."""
    number = 1
    listed = {}
    for split, count in (("train", train), ("val", val), ("test", test)):
        listed[split] = list(range(number, number + count))
        number += count
    (folder / "exp").mkdir(parents=True)
    for split, ids in listed.items():
        (folder / "exp" / f"{split}_id.txt").write_text(",".join(map(str, ids)))
    for identity in range(1, number):
        for camera, spectrum in SPECTRA.items():
            place = folder / f"cam{camera}" / f"{identity:04d}"
            place.mkdir(parents=True)
            for k in range(1, images + 1):
                image = person(identity, spectrum, np.random.default_rng([identity, camera, k]))
                cv2.imwrite(str(place / f"{k:04d}.jpg"), image)
    if manifest:
        cameras = {str(camera): {"spectrum": spectrum} for camera, spectrum in SPECTRA.items()}
        (folder / "synthetic.json").write_text(json.dumps({"cameras": cameras, "digest": "d1"}))
    return folder


def write_captions(folder):
    """A caption of each image (rephrased for every other one) and two of each identity, in the Tri schema."""
    captions = {}
    for number, file in enumerate(sorted(folder.glob("cam*/*/*.jpg"))):
        path = file.relative_to(folder).as_posix()
        other = {"aug_description": f"other {path}"} if number % 2 else {}
        captions[f"their/place/{path}"] = {"description": f"plain {path}"} | other
    (folder / "captions.json").write_text(json.dumps(captions))
    identities = sorted({int(place.name) for place in folder.glob("cam1/*")})
    (folder / "people.json").write_text(json.dumps({str(n): [f"{n} a", f"{n} b"] for n in identities}))
    return folder


def person(identity, spectrum, rng):
    """One crop, BGR."""
    own = np.random.default_rng(identity)
    angle, width, colour = own.uniform(0, np.pi), own.uniform(6, 14), own.uniform(0.3, 1, 3)
    height, across = (int(rng.integers(70, 110)), int(rng.integers(34, 50)))
    y, x = np.mgrid[:height, :across] * (96 / height)
    wave = 0.5 + 0.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / width + rng.uniform(0, 1))
    tint = colour if spectrum == "visible" else np.full(3, {"near": 0.9, "thermal": 0.7}[spectrum])
    picture = 30 + 200 * wave[..., None] * tint + rng.normal(0, 8, (height, across, 1))
    return np.clip(picture, 0, 255).astype(np.uint8)
