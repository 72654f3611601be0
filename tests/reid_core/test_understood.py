"""The encoder that understands before it embeds: what is said counts, however it is said."""

import json

import numpy as np
import pytest

from reid_core.calibration import fit_calibration
from reid_core.errors import ModelError, UsageError
from reid_core.fusion import AgreementFusion
from reid_core.models.checkpoint_files import sha256_of
from reid_core.models.language import calibration_of
from reid_core.models.understood.encoder import FEATURES, TABLE, FeatureTable
from reid_core.querying.fusion import fusion_of, normalised_mean
from reid_core.runtime import load_text_encoder
from reid_core.words.features import features_of
from reid_core.words.understanding import understand

SPACE = "5" * 64
DIM = 16
TEXTS = (
    "a man in a red jacket",
    "a woman with a backpack",
    "a person in blue jeans without a bag",
    "an old man in a hat and boots",
    "black trousers, white t-shirt",
)


def encoder_folder(folder, names=None, **changes):
    if names is None:
        names = sorted({name for text in TEXTS for name in features_of(understand(text).terms)})
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(len(names), DIM)).astype(np.float32)
    folder.mkdir(exist_ok=True)
    files = FeatureTable(names, rows, rng.normal(size=DIM).astype(np.float32)).save(folder)
    said = {"format": 1, "name": "mine", "kind": "understood", "space": SPACE, "embedding": DIM}
    said["settings"] = {"fusion": {"weight": 2.0, "slope": 40.0, "intercept": -2.0}}
    said["weights"] = {file: sha256_of(folder / file) for file in files}
    (folder / "text.json").write_text(json.dumps(said | changes))
    return folder


@pytest.fixture(scope="module")
def encoder(module_tmp):
    return load_text_encoder(encoder_folder(module_tmp("words") / "text"), SPACE)


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("a man in a red jacket", "bloke, scarlet windcheater"),
        ("a man in a red jacket", "A MAN WEARING A RED JAKCET!"),
        ("a man in a red jacket", "the jacket was red; the man was whistling widdershins"),
        ("a woman with a backpack", "lass carrying a rucksack"),
        ("a person in blue jeans without a bag", "no bag, blue denims"),
        ("a woman with a backpack", "<b>a Muslim woman</b> with a backpack"),
    ],
)
def test_one_description_has_one_vector_however_it_is_worded(encoder, plain, other):
    vectors = encoder.encode([plain, other])
    assert vectors.dtype == np.float32 and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(*vectors)


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("a man in a red jacket", "a woman in a red jacket"),
        ("a person with a bag, in blue jeans", "a person without a bag, in blue jeans"),
        ("red jacket, blue jeans", "blue jacket, red jeans"),
    ],
)
def test_what_is_said_counts(encoder, one, another):
    assert not np.allclose(*encoder.encode([one, another]), atol=0.05)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("somebody whistling", "Nothing in the description is understood: somebody whistling|whistling not"),
        ("a widdershins snark", "widdershins not understood; snark not understood"),
        ("word " * 10_000, "10,000 words"),
        ("ein Mann mit roter Jacke und schwarzem Rucksack geht vorbei", "not to be in English"),
        ("男人穿红色夹克", "not in English"),
        ("a Muslim", r"left out \(religion"),
    ],
)
def test_what_says_nothing_has_no_vector(encoder, text, says):
    with pytest.raises(UsageError, match=says):
        encoder.encode(["a man in a red jacket", text])


def test_no_texts_have_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, DIM)


def test_scores_are_worth_what_its_manifest_says_and_vectors_do_not_depend_on_it(tmp_path):
    plain = load_text_encoder(encoder_folder(tmp_path / "plain"))
    rng = np.random.default_rng(2)
    fitted = fit_calibration(rng.normal(0.5, 0.1, 50), rng.normal(0.1, 0.1, 50), "those")
    worth = load_text_encoder(encoder_folder(tmp_path / "worth", calibrations={"text": fitted.to_dict()}))
    assert plain.model_id == worth.model_id and calibration_of(plain, "text") is None
    assert calibration_of(worth, "text") == fitted and calibration_of(worth, "fused") is None
    with pytest.raises(ModelError, match=r"calibrations"):
        load_text_encoder(encoder_folder(tmp_path / "bad", calibrations={"words": fitted.to_dict()}))


def test_an_encoder_that_says_nothing_of_its_scores_has_no_calibration():
    class Silent:
        model_id, space, dim = "m", SPACE, 2

        def encode(self, texts):
            return np.zeros((len(texts), 2), np.float32)

    assert calibration_of(Silent(), "text") is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"embedding": DIM + 1}, "gives 16 numbers, not 17"),
        ({"weights": {}}, f"needs the files {FEATURES}, {TABLE}"),
        ({"settings": {"fusion": {"weight": 0, "slope": 1, "intercept": 0}}}, "weight"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path, changes, says):
    with pytest.raises(ModelError, match=says):
        load_text_encoder(encoder_folder(tmp_path / "text", **changes))


def test_names_and_rows_belong_together(tmp_path):
    folder = encoder_folder(tmp_path / "text")
    names = json.loads((folder / FEATURES).read_text())
    for other, says in ((names[1:], f"{len(names) - 1} features"), ({"a": 1}, "not those of a text encoder")):
        (folder / FEATURES).write_text(json.dumps(other))
        said = json.loads((folder / "text.json").read_text())
        said["weights"][FEATURES] = sha256_of(folder / FEATURES)
        (folder / "text.json").write_text(json.dumps(said))
        with pytest.raises(ModelError, match=says):
            load_text_encoder(folder)


def unit(*numbers):
    vector = np.array(numbers, np.float32)
    return vector / np.linalg.norm(vector)


def test_words_that_contradict_the_image_count_for_little():
    fusion = AgreementFusion(weight=2.0, slope=40.0, intercept=-2.0)
    image, fits, contradicts = unit(1, 0, 0), unit(0.3, 1, 0), unit(-0.1, 1, 0)
    assert fusion.agreement(image, fits) > 0.99 and fusion.agreement(image, contradicts) < 0.01
    assert fusion.agreement(image, unit(0.05, np.sqrt(1 - 0.05**2), 0)) == pytest.approx(0.5, abs=1e-5)
    fused = fusion(image, fits)
    assert fused == pytest.approx(unit(*(image + 2 * fusion.agreement(image, fits) * fits)), abs=1e-6)
    assert image @ fusion(image, contradicts) > 0.999 > image @ fused
    assert np.array_equal(AgreementFusion(weight=1, slope=1e6, intercept=2e6)(image, -image), image)
    assert AgreementFusion(weight=1, slope=1e6, intercept=0).agreement(image, -image) == 0.0


def test_an_encoder_brings_its_fusion(encoder):
    image, text = unit(*range(1, DIM + 1)), encoder.encode(["a man in a red jacket"])[0]
    assert np.array_equal(fusion_of(encoder)(image, text), encoder.fusion(image, text))
    assert fusion_of(None) is normalised_mean


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_saved_is_what_is_loaded_however_it_lies_in_memory(tmp_path, order):
    rows = np.asarray(np.random.default_rng(1).normal(size=(5, 3)), np.float32, order=order)
    FeatureTable(list("abcde"), rows, np.arange(6, dtype=np.float32)[::2]).save(tmp_path)
    table = FeatureTable.load(tmp_path)
    assert np.allclose(table.rows, rows, atol=1e-2) and np.array_equal(table.bias, [0, 2, 4])
    assert table.names == tuple("abcde")
