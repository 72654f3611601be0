"""`nightreid train-text` and `evaluate-text`: from a world with captions to an encoder and its table."""

import json

import numpy as np
import pytest

from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.runtime import load_text_encoder
from tests.support.people import write_people

pytestmark = pytest.mark.slow

COLOURS = ("red", "blue", "black", "green")
THINGS = ("jacket", "dress", "shirt")
LIST = """
words:
- {plain: a, query: "[scarlet=red] [anorak=jacket]"}
- {plain: b, query: "[azure=blue] [frock=dress]"}
"""


def described(number):
    """What `tests.support.people.person` draws: a direction and a width, as a colour and a garment."""
    own = np.random.default_rng(number)
    angle, width = own.uniform(0, np.pi), own.uniform(6, 14)
    return COLOURS[int(angle / np.pi * len(COLOURS))], THINGS[int((width - 6) / 8 * len(THINGS))]


def write_words(folder):
    """A caption of each image: whoever it is of wears the same."""
    for side, cameras in (("RGB", "1245"), ("IR", "36")):
        said = {}
        for file in sorted(folder.glob("cam*/*/*.jpg")):
            number = int(file.parent.name)
            if file.parent.parent.name[3] in cameras:
                colour, thing = described(number)
                text = f"a person in a {colour} {thing}" if side == "RGB" else f"a person in a {thing}"
                said[file.relative_to(folder).as_posix()] = {"description": text}
        file = folder / f"Text/Blip_{side}/caption_dict_Blip_{side}.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(said))
    return folder


@pytest.fixture(scope="module")
def world(module_tmp):
    return write_words(write_people(module_tmp("world") / "set", train=20, val=4, test=8, images=2))


def test_a_world_becomes_a_text_encoder_and_the_encoder_a_table(world, tmp_path, nightreid):
    network = create_dual_stream("resnet18", embedding=16)
    embedder = tmp_path / "model"
    save_checkpoint(embedder, network, name="start", preprocess=default_preprocess("resnet18", 32, 16))
    recipe = tmp_path / "words.yaml"
    recipe.write_text("name: mine\ncalibration: {gallery: 6, rounds: 3}\n")
    cache = {"NIGHTREID_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    options = {"cwd": tmp_path, "environment": cache, "timeout": 500}
    given = ("--reid", embedder, "--data", world, "--out", tmp_path / "text")
    done = nightreid("train-text", recipe, *given, "--json", **options)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    encoder = load_text_encoder(tmp_path / "text", open_checkpoint(embedder).model_id)
    assert said["name"] == "mine" and said["embedding"] == encoder.dim == 16
    assert "captions of 24 people" in said["training"]["origin"]
    (tmp_path / "list.yaml").write_text(LIST)
    command = ("evaluate-text", "--dataset", world, "--text", tmp_path / "text", "--reid", embedder)
    command += ("--reworded", tmp_path / "list.yaml", "--beside", world, "--trials", 2)
    rows = json.loads(nightreid(*command, "--json", **options).stdout)
    found = {(row["name"], row["kind"], row["level"], row["reworded"]): row["figures"] for row in rows}
    assert len(found) == len(rows) == 2 * (1 + 5 * 3 * 2)
    for kind in ("near", "thermal"):
        # Two wordings that are understood alike find the same; counted words do not.
        for name in ("text alone", "fused"):
            assert found[name, kind, "image", False] == found[name, kind, "image", True]
        plain = "regression on words: text alone"
        assert found[plain, kind, "image", False] != found[plain, kind, "image", True]
        assert found["infrared alone", kind, None, False]["queries"] == 2 * 8 * 2
    told = nightreid(*command, **options)
    assert told.returncode == 0 and told.stdout.count("| fused | image, reworded |") == 2
    # A folder of something else is not written into.
    refused = nightreid("train-text", recipe, "--data", world, "--out", world, **options)
    assert refused.returncode != 0 and "something other than a text encoder" in refused.stderr
