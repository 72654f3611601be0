"""Text encoders and captioners of somebody else's package, opened from folders."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from reid_core.errors import ModelError, ModelMismatchError, UsageError
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.manifest import read_manifest
from reid_core.runtime import load_captioner, load_text_encoder
from reid_core.runtime.captioning import FinishedCaptioner
from reid_core.starter import EMBEDDER
from reid_core.types import Modality
from tests.support.packages import install

SPACE = "5" * 64

WORDS = '''
import zlib

import numpy as np

from reid_core.config import Settings
from reid_core.errors import UsageError


class BagSettings(Settings):
    lower: bool = False


class Bag:
    """A vector of counted words."""

    settings = BagSettings

    def __init__(self, files):
        self.model_id, self.space = files.model_id, files.manifest.space
        self.dim = files.manifest.embedding
        self.lower = files.manifest.settings.lower

    def encode(self, texts):
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(vectors, texts):
            if not text:
                raise UsageError("A text is empty.")
            for word in (text.lower() if self.lower else text).split():
                row[zlib.crc32(word.encode()) % self.dim] += 1
            row /= np.linalg.norm(row)
        return vectors


class Elsewhere(Bag):
    """Says that it aims at another space than its manifest."""

    def __init__(self, files):
        super().__init__(files)
        self.space = "6" * 64


class Template:
    settings = Settings

    def __init__(self, files):
        self.model_id = files.model_id
        self.sentence = (files.folder / "sentence.txt").read_text()

    def caption(self, crops, modality):
        return tuple(f"{self.sentence}, {modality}" for _ in crops)
'''


@pytest.fixture(scope="module", autouse=True)
def words(module_tmp):
    folder = module_tmp("site-packages")
    points = {
        "nightreid.text_encoders/bag": "bag_of_words:Bag",
        "nightreid.captioners/template": "bag_of_words:Template",
    }
    install(folder, "bag_of_words", WORDS, points)
    install(folder, "elsewhere_words", "", {"nightreid.text_encoders/elsewhere": "bag_of_words:Elsewhere"})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


def text_folder(folder, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocabulary.txt").write_text("a man in a red coat")
    digest = hashlib.sha256((folder / "vocabulary.txt").read_bytes()).hexdigest()
    said = {"format": 1, "name": "bag", "kind": "bag", "space": SPACE, "embedding": 64}
    said |= {"weights": {"vocabulary.txt": digest}} | changes
    (folder / "text.json").write_text(json.dumps(said))
    return folder


def captioner_folder(folder, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentence.txt").write_text("somebody")
    digest = hashlib.sha256(b"somebody").hexdigest()
    said = {"format": 1, "name": "t", "kind": "template", "weights": {"sentence.txt": digest}} | changes
    (folder / "captioner.json").write_text(json.dumps(said))
    return folder


def test_texts_become_vectors_of_the_space_it_aims_at(tmp_path):
    for path in (text_folder(tmp_path / "alone"), text_folder(tmp_path / "ck" / "text").parent):
        encoder = load_text_encoder(path, SPACE)
        assert (encoder.space, encoder.dim) == (SPACE, 64)
        vectors = encoder.encode(["a red coat", "a Red coat"])
        assert vectors.shape == (2, 64) and not np.array_equal(*vectors)
    assert load_text_encoder(str(tmp_path / "alone")).space == SPACE
    small = load_text_encoder(text_folder(tmp_path / "small", settings={"lower": True}))
    assert np.array_equal(*small.encode(["a red coat", "a Red coat"]))


def test_another_space_is_refused_before_any_weights_are_read(tmp_path):
    folder = text_folder(tmp_path)
    (folder / "vocabulary.txt").unlink()
    with pytest.raises(ModelMismatchError, match=f"aims at the space {SPACE}, not at {'7' * 64}"):
        load_text_encoder(folder, "7" * 64)
    aimed = captioner_folder(tmp_path / "c", space=SPACE)
    with pytest.raises(ModelMismatchError, match="captioner 't'"):
        load_captioner(aimed, "7" * 64)
    assert load_captioner(aimed, SPACE).model_id == load_captioner(aimed).model_id


def test_its_id_is_what_it_does_not_what_it_is_called(tmp_path):
    def id_of(**changes):
        return load_text_encoder(text_folder(tmp_path / "t", **changes)).model_id

    first = id_of()
    assert first == id_of(name="another") == id_of(training={"recipe": "r"}) == id_of(settings={})
    shutil.move(tmp_path / "t", tmp_path / "moved")
    assert load_text_encoder(tmp_path / "moved").model_id == first
    other = {first, id_of(settings={"lower": True}), id_of(space="6" * 64), id_of(embedding=17)}
    assert len(other) == 4 and id_of(weights={}) not in other


def test_a_captioner_says_a_sentence_for_each_crop(tmp_path):
    for path in (
        captioner_folder(tmp_path / "alone"),
        captioner_folder(tmp_path / "ck" / "captioner").parent,
    ):
        captioner = load_captioner(path, SPACE)
        crops = [np.zeros((4, 2, 3), np.uint8)] * 2
        assert captioner.caption(crops, Modality.INFRARED) == ("somebody, infrared",) * 2
        assert captioner.caption(crops, "infrared") == ("somebody, infrared",) * 2
        with pytest.raises(UsageError, match="no modality 'night'"):
            captioner.caption(crops, "night")
    assert len(captioner.model_id) == 64


def test_a_captioner_is_asked_about_a_few_crops_at_a_time_and_answers_each():
    asked = []

    class Sayer:
        model_id = "5" * 64

        def caption(self, crops, modality):
            asked.append(len(crops))
            return tuple(f"a man of {crop[0, 0, 0]} years" for crop in crops[: 5 if len(asked) > 2 else None])

    captioner = FinishedCaptioner(Sayer())
    crops = [np.full((4, 2, 3), at, np.uint8) for at in range(20)]
    assert captioner.caption(crops, Modality.VISIBLE) == tuple(f"a man of {at} years" for at in range(20))
    assert asked == [16, 4] and captioner.caption([], Modality.VISIBLE) == ()
    with pytest.raises(ModelError, match="answered 16 crops with 5 texts"):
        captioner.caption(crops, Modality.VISIBLE)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "bags"}, r"text\.json: kind: There is no text encoder 'bags'\. Did you mean 'bag'\?"),
        ({"kind": None}, "kind: "),
        ({"settings": {"lowr": True}}, r"Unknown key 'settings\.lowr'.*'settings\.lower'"),
        ({"settings": {"lower": "perhaps"}}, r"settings\.lower: "),
        ({"wieghts": {}}, "Unknown key 'wieghts'.*'weights'"),
        ({"format": 2}, "newer nightreid"),
        ({"space": "mine"}, "space: "),
        ({"weights": {"vocabulary.txt": "0" * 64}}, r"vocabulary\.txt is damaged.*text\.json"),
        ({"weights": {"gone.txt": "0" * 64}}, r"gone\.txt of model 'bag' does not exist"),
        ({"kind": "elsewhere"}, r"'bag' is not what its text\.json says"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path, changes, says):
    with pytest.raises(ModelError, match=says):
        load_text_encoder(text_folder(tmp_path, **changes))


@pytest.mark.parametrize("key", ["space", "embedding", "weights", "name"])
def test_what_is_missing_is_said(tmp_path, key):
    folder = text_folder(tmp_path)
    said = json.loads((folder / "text.json").read_text())
    (folder / "text.json").write_text(json.dumps({name: said[name] for name in said if name != key}))
    with pytest.raises(ModelError, match=f"'{key}' is missing"):
        load_text_encoder(folder)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(ModelError, match=r"text encoder .*nowhere does not exist"):
        load_text_encoder(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"neither text\.json nor text/text\.json"):
        load_text_encoder(captioner_folder(tmp_path))
    with pytest.raises(ModelError, match=r"neither captioner\.json nor captioner/captioner\.json"):
        load_captioner(text_folder(tmp_path / "t"))


def test_the_guides_example_is_one(tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    [block] = [each for each in re.findall(r"```json\n(.*?)```", guide, re.DOTALL) if '"my words"' in each]
    said = json.loads(block)
    assert said["space"] == open_checkpoint(EMBEDDER).model_id
    text_folder(tmp_path, **(said | {"kind": "bag", "settings": {}, "weights": {}}))
    assert load_text_encoder(tmp_path).dim == read_manifest(EMBEDDER).embedding
