"""What texts are in a space, learned from what was understood, judged by people not learned from."""

import json
from itertools import product

import numpy as np
import pytest

from reid_core.errors import SourceError, UsageError
from reid_core.models.understood.encoder import FeatureTable
from reid_core.types import Modality
from reid_core.words.features import features_of
from reid_core.words.understanding import understand
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.evaluation.word_regression import WordRegression, person_means
from training.recipe import CalibrationSettings
from training.text.calibrating import ask_people, calibrate_texts, fit_fusion
from training.text.descriptions import Description, describe_people
from training.text.learning import learn_table
from training.text.making import by_others
from training.text.recipe import TextRecipe
from training.text.rewording import read_rewordings, reworded

DIM = 32
COLOURS = ("red", "blue", "black", "green", "white", "yellow")
THINGS = ("jacket", "coat", "hoodie", "dress", "shirt")
BAGS = ("", " with a backpack", " with a suitcase")
RECIPE = TextRecipe(ridge=1.0, shrinkage=1.0)
LOOKS = tuple(product(COLOURS, THINGS, BAGS))


def sentence(look):
    colour, thing, bag = look
    return f"a person in a {colour} {thing}{bag}"


def features(text):
    return features_of(understand(text).terms)


def image_of(look, rng):
    """A vector: what is said has a direction each, and there is much that nobody says."""
    unsaid = rng.normal(size=DIM) * np.where(np.arange(DIM) < 8, 6.0, 0.2)
    said = sum(np.random.default_rng([7, *part.encode()]).normal(size=DIM) for part in look)
    return ((said + unsaid) / np.linalg.norm(said + unsaid)).astype(np.float32)


@pytest.fixture(scope="module")
def world():
    """Vectors, four images a look, and descriptions of them, a look a person."""
    rng = np.random.default_rng(1)
    vectors = np.stack([image_of(look, rng) for look in LOOKS for _ in range(4)])
    said = [
        Description(number, 4 * number + k, features(sentence(look)), True)
        for number, look in enumerate(LOOKS)
        for k in range(4)
    ]
    return vectors, said


def found(table, vectors, people):
    """Share of people whose own image is nearest to what is said of them."""
    gallery = vectors[[4 * one for one in people]]
    texts = np.stack([table.vector(features(sentence(LOOKS[one]))) for one in people])
    return float(((texts @ gallery.T).argmax(1) == np.arange(len(people))).mean())


def test_people_are_found_by_words_whose_combination_was_never_learned(world):
    vectors, said = world
    unseen = [one for one in range(len(LOOKS)) if one % 3 == 0]
    table = learn_table([each for each in said if each.identity not in unseen], vectors, RECIPE)
    assert found(table, vectors, unseen) > 0.6
    # Directions in which images vary whatever is said would drown what is said.
    blind = RECIPE.model_copy(update={"shrinkage": 1e9})
    learned = [each for each in said if each.identity not in unseen]
    assert found(learn_table(learned, vectors, blind), vectors, unseen) < 0.5


def test_rare_features_are_not_learned(world):
    vectors, said = world
    one = Description(0, 0, (*said[0].features, "hat:hat"), True)
    assert "hat:hat" not in learn_table([*said, one], vectors, RECIPE).names
    assert "hat:hat" in learn_table([*said, one], vectors, RECIPE.model_copy(update={"least": 1})).names


def test_whoever_scores_are_judged_on_was_not_learned_from():
    said = [Description(number, number, ("hat:hat",), True) for number in range(10)]
    learned = []

    def table(people):
        learned.append(people)
        return FeatureTable(
            ["hat:hat"], np.full((1, 2), len(learned), np.float32), np.array([1, 0], np.float32)
        )

    texts = by_others(said, frozenset(range(10)), table, RECIPE)
    assert sorted(texts) == list(range(10)) and len(learned) == RECIPE.folds
    for number, some in enumerate(learned, start=1):
        own = [row for row in range(10) if row not in some]
        expected = np.array([number + 1, number]) / np.hypot(number + 1, number)
        assert own and all(np.allclose(texts[row][0], expected) for row in own)


def records_of(people, cameras=(1, 2, 3)):
    """Two images a camera; the third is infrared."""
    return [
        ImageRecord(
            f"cam{camera}/{one:04d}/{k}.jpg",
            one,
            camera,
            Modality.INFRARED if camera == 3 else Modality.VISIBLE,
            None,
            f"cam{camera}/{one:04d}/{k}.jpg",
        )
        for one in range(people)
        for camera in cameras
        for k in range(2)
    ]


def test_the_camera_that_a_witness_describes_is_not_searched():
    records = records_of(12)
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(len(records), 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = {row: vectors[row][None] for row, each in enumerate(records) if each.modality is Modality.VISIBLE}
    asking = ask_people(vectors, records, texts, lambda image, text: text - image, seed=1)
    cameras = set()
    for identity, person in asking.people["text"].items():
        [searched] = person.visible
        asked = np.concatenate(person.infrared)
        [camera] = {records[row].camera for row in searched.tolist()}
        cameras.add(camera)
        # Each text here is its image's vector.
        described = [row for row in texts if records[row].identity == identity and row not in searched]
        assert np.array_equal(asking.vectors[asked], vectors[described])
        [fused] = asking.people["fused"][identity].infrared
        image = vectors[[r for r, e in enumerate(records) if e.identity == identity and e.camera == 3]].mean(
            0
        )
        image /= np.linalg.norm(image)
        assert any(
            np.allclose(asking.vectors[fused[0]], vectors[row] - image, atol=1e-6) for row in described
        )
    assert cameras == {1, 2} and len(asking.people["text"]) == 12


def test_doubt_is_learned_from_words_about_somebody_else():
    records = records_of(40)
    rng = np.random.default_rng(1)
    own = rng.normal(size=(40, 8))
    vectors = np.stack([own[each.identity] + 0.5 * rng.normal(size=8) for each in records]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = {row: vectors[row][None] for row, each in enumerate(records) if each.modality is Modality.VISIBLE}
    fusion = fit_fusion(vectors, records, texts, RECIPE)
    rows = [row for row, each in enumerate(records) if each.camera == 3]
    right = [fusion.agreement(vectors[row], vectors[row - 4]) for row in rows]
    wrong = [fusion.agreement(vectors[row], vectors[(row + 60) % len(records) // 6 * 6]) for row in rows]
    assert fusion.weight == RECIPE.weight and np.median(right) > 0.8 > 0.2 > np.median(wrong)
    doubting = fit_fusion(vectors, records, texts, RECIPE.model_copy(update={"trust": 0.1}))
    assert doubting.agreement(vectors[4], vectors[0]) < fusion.agreement(vectors[4], vectors[0])
    with pytest.raises(UsageError, match="do not score higher"):
        fit_fusion(vectors, records, {row: -text for row, text in texts.items()}, RECIPE)


@pytest.mark.slow
def test_scores_of_texts_become_probabilities(world):
    vectors, said = world
    people = len(LOOKS)
    rng = np.random.default_rng(3)
    records = records_of(people)
    images = np.stack([image_of(LOOKS[each.identity], rng) for each in records])
    table = learn_table(said, vectors, RECIPE)
    texts = {
        row: table.vector(features(sentence(LOOKS[each.identity])))[None]
        for row, each in enumerate(records)
        if each.modality is Modality.VISIBLE
    }
    asking = ask_people(images, records, texts, lambda image, text: text, seed=1)
    settings = CalibrationSettings(rounds=4)
    calibrations, notes = calibrate_texts(asking, settings, 1, "those")
    assert set(calibrations) == {"text", "fused"} and notes == []
    law = calibrations["text"]
    assert law.sizes is not None and law.ranked_probabilities([0.9, 0.1], 20).sum() < 1
    few = ask_people(images[:6], records[:6], texts, lambda image, text: text, seed=1)
    calibrations, notes = calibrate_texts(few, settings, 1, "one")
    assert calibrations == {} and [note.split(":")[0] for note in notes] == [
        "No calibration of text queries",
        "No calibration of fused queries",
    ]


def test_what_is_understood_of_captions_is_learned_and_nothing_else(tmp_path):
    records = records_of(2)
    visible = [each for each in records if each.modality is Modality.VISIBLE]
    folder = tmp_path / "Text/Blip_RGB"
    folder.mkdir(parents=True)
    captions = {each.path: {"description": "a Muslim man in a red jacket"} for each in visible}
    captions[visible[1].path] = {"description": "widdershins"}
    (folder / "caption_dict_Blip_RGB.json").write_text(json.dumps(captions))
    other = {path: each | {"aug_description": "bloke, scarlet coat"} for path, each in captions.items()}
    (folder / "caption_llm_dict_Blip_RGB.json").write_text(json.dumps(other))
    (tmp_path / "identity_captions.json").write_text(
        json.dumps({"0": ["a man without a hat"], "7": ["a hat"]})
    )
    dataset = ReidDataset("d", "sysu", tmp_path, {Split.TRAIN: tuple(records)})
    said = describe_people(dataset, records, parts=3, seed=1)
    whole = [each for each in said if each.whole]
    assert {each.features for each in whole if each.row >= 0} == {
        features("a man in a red jacket"),
        features("a man in a red coat"),
    }
    assert [each.identity for each in whole if each.row < 0] == [0]
    assert "no hat:hat" in whole[-1].features
    parts = [each for each in said if not each.whole]
    assert parts and all(set(each.features) <= set(features("a man in a red jacket")) for each in parts)
    assert any(len(each.features) < len(features("a man in a red jacket")) for each in parts)


def test_nobody_is_learned_of_whose_images_no_caption_is_understood(tmp_path):
    """Their words would be given to whoever comes next among the others."""
    records = records_of(3)
    visible = [each for each in records if each.modality is Modality.VISIBLE]
    folder = tmp_path / "Text/Blip_RGB"
    folder.mkdir(parents=True)
    told = {0: "a man in a red jacket", 1: "widdershins", 2: "a woman in a dress"}
    captions = {each.path: {"description": told[each.identity]} for each in visible}
    (folder / "caption_dict_Blip_RGB.json").write_text(json.dumps(captions))
    (tmp_path / "identity_captions.json").write_text(json.dumps({"0": "a cap", "1": "a hat", "2": "a scarf"}))
    dataset = ReidDataset("d", "sysu", tmp_path, {Split.TRAIN: tuple(records)})
    said = describe_people(dataset, records, parts=0, seed=1)
    assert {each.identity for each in said} == {0, 2}
    assert [each.identity for each in said if each.row < 0] == [0, 2]


def test_captions_are_said_in_the_words_of_a_list(tmp_path):
    file = tmp_path / "list.yaml"
    file.write_text(
        "kind:\n"
        '- {plain: x, query: "[bloke=male] in a [scarlet=red|dark red] [anorak=jacket], [no-one=-]"}\n'
        '- {plain: y, query: "[hatless=!hat], [grey flannels=trousers+grey]"}\n'
    )
    words = read_rewordings(file)
    assert words == {"male": ("bloke",), "red": ("scarlet",), "jacket": ("anorak",)}
    text = reworded("a man in a red jacket and grey trousers, no hat", words, np.random.default_rng(1))
    assert text == "a bloke in a scarlet anorak and grey trousers, no hat"


@pytest.mark.parametrize("said", [b"kind: [{query: 5}]", b"kind: [{plain: x}]", b"kind: \xff", b"[1]"])
def test_what_is_no_list_of_descriptions_is_told(tmp_path, said):
    file = tmp_path / "list.yaml"
    file.write_bytes(said)
    with pytest.raises(SourceError, match=r"list\.yaml cannot be read"):
        read_rewordings(file)


@pytest.mark.slow
def test_the_regression_maps_words_to_mean_vectors():
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
    means = person_means(vectors, [5, 5, 9, 9])
    assert np.allclose(means, [[1, 0, 0], [1, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]])
    texts = ["red coat", "red coat", "blue hat", "blue hat"]
    predicted = WordRegression(texts, means)(["a red coat", "a blue hat"])
    assert np.allclose(np.linalg.norm(predicted, axis=1), 1, atol=1e-5)
    assert ((predicted @ means[[0, 2]].T).argmax(1) == [0, 1]).all()
