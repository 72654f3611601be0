"""Models evaluated from Python: plain queries, queries with text, what is refused."""

import json
import re

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.errors import ModelError, SourceError, UsageError
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from tests.conftest import ROOT
from tests.support.people import write_people
from training.datasets import Split, open_dataset
from training.evaluation.evaluated import as_json
from training.evaluation.orchestrating import Evaluator
from training.evaluation.protocols import PRESETS, parse_protocol
from training.evaluation.texts import query_texts

ALL, NEAR = "synthetic-all-single-A", "synthetic-all-single-A-near"


def said_of(record):
    """A caption that tells one image from all others, and whose it is."""
    return f"person {record.identity} at {record.path}"


def write_captions(root, captioner):
    dataset = open_dataset(root)
    everybody = [record for split in Split for record in dataset.splits[split]]
    for modality, side in ((Modality.VISIBLE, "RGB"), (Modality.INFRARED, "IR")):
        own = [record for record in everybody if record.modality is modality]
        folder = root / "Text" / f"{captioner}_{side}"
        folder.mkdir(parents=True)
        captions = {f"elsewhere/{each.path}": {"description": said_of(each)} for each in own}
        (folder / f"caption_dict_{captioner}_{side}.json").write_text(json.dumps(captions))
    fixed = {each.identity: f"person {each.identity}, once and for all" for each in everybody}
    (root / "identity_captions.json").write_text(json.dumps(fixed))


@pytest.fixture(scope="module")
def people(module_tmp):
    root = write_people(module_tmp("people") / "set", train=2, val=2, test=6, images=3)
    write_captions(root, "Blip")
    return root


@pytest.fixture(scope="module")
def model(module_tmp):
    path = module_tmp("m") / "model"
    network = create_dual_stream("resnet18", 32)
    save_checkpoint(path, network, name="small", preprocess=Preprocess(height=64, width=32))
    return str(path)


class Reader:
    """Takes a text at its word: the vector is that of a visible image of the person it names."""

    model_id = "reader-1"
    scale = 1.0

    def __init__(self, embedder, dataset):
        self.space, self.asked, self._embedder = embedder.space, [], embedder
        shown = [one for one in dataset.records(Split.TEST) if one.modality is Modality.VISIBLE]
        self._shown = {record.identity: dataset.file(record) for record in reversed(shown)}

    def __call__(self, queries):
        from reid_core.images import read_image

        crops = queries.crops()
        assert len(crops) == len(queries.records) and queries.modality is Modality.INFRARED
        self.asked += zip(queries.records, queries.texts, strict=True)
        named = [int(re.match(r"person (\d+)", text)[1]) for text in queries.texts]
        images = [read_image(self._shown[identity]) for identity in named]
        return self.scale * self._embedder.embed(images, "visible", mirror=queries.flip)


@pytest.fixture
def reading(people, model, tmp_path):
    """``reading(*protocols) -> (evaluated, what the reader was asked)``, with one cache."""
    embedder, dataset = load_embedder(model), open_dataset(people)

    def evaluate(*protocols, **changes):
        readers = []

        def maker(of):
            readers.append(Reader(of, dataset))
            for name, value in changes.items():
                setattr(readers[-1], name, value)
            return readers[-1]

        evaluator = Evaluator(people, protocols, query_maker=maker, cache=tmp_path)
        return evaluator.evaluate(embedder), [each for reader in readers for each in reader.asked]

    return evaluate


def infrared(people):
    return [one for one in open_dataset(people).records(Split.TEST) if one.modality is Modality.INFRARED]


def test_a_query_asks_with_its_own_caption(reading, people):
    found, asked = reading(f"{ALL}+text=image")
    assert asked == [(query, said_of(query)) for query in infrared(people)]
    (result,) = found.results.values()
    assert result.text == "the query image's own caption" and result.calibration_error is None
    # Nobody but the reader knows who that is.
    plain, nothing = reading(ALL)
    assert nothing == [] and result.mean("r1") > plain.results[PRESETS[ALL].id].mean("r1")
    first = found.contests[result.protocol][0]
    assert first.query.shape == (36, 32) and not np.isnan(first.query).any()


@pytest.mark.slow
def test_a_caption_of_the_right_person_is_drawn_as_the_field_draws_it(reading, people):
    _, asked = reading(f"{ALL}+text=identity-random(1)")
    visible = [one for one in open_dataset(people).records(Split.TEST) if one.modality is Modality.VISIBLE]
    state = np.random.get_state()
    try:
        np.random.seed(1)
        expected = [
            np.random.choice([said_of(one) for one in visible if one.identity == query.identity])
            for query in infrared(people)
        ]
    finally:
        np.random.set_state(state)
    assert [text for _, text in asked] == expected
    assert len(set(expected)) > 12
    _, others = reading(f"{ALL}+text=identity-random(2)")
    assert [text for _, text in others] != expected


def test_the_published_captions_of_identities_come_before_those_of_images(people, tmp_path):
    root = write_people(tmp_path / "set", train=1, val=1, test=2, images=1)
    write_captions(root, "Blip")
    (root / "Text/Blip_RGB/id_caption_map_Blip_RGB.json").write_text(
        json.dumps({str(identity): [f"person {identity}"] for identity in range(1, 5)})
    )
    dataset = open_dataset(root)
    texts = query_texts(dataset, infrared(root), "identity-random(1)")
    assert texts == tuple(f"person {query.identity}" for query in infrared(root))


@pytest.mark.slow
def test_everybody_has_one_fixed_caption(reading, people):
    found, asked = reading(f"{NEAR}+text=identity-fixed+flip")
    queries = [query for query in infrared(people) if query.spectrum == "near"]
    assert asked == [(query, f"person {query.identity}, once and for all") for query in queries]
    assert all(result.text.startswith("oracle") for result in found.results.values())


@pytest.mark.slow
def test_queries_are_kept_by_text_and_maker_and_galleries_as_they_were(reading, tmp_path):
    def kept():
        return len(list(tmp_path.rglob("*.npy")))

    plain, _ = reading(ALL)
    images = kept()
    first, asked = reading(f"{ALL}+text=image", ALL)
    assert len(asked) == 36 and kept() == images + 1
    assert first.results[PRESETS[ALL].id].as_json() == plain.results[PRESETS[ALL].id].as_json()
    again, none = reading(f"{ALL}+text=image", ALL)
    assert none == [] and kept() == images + 1
    assert as_json([again])["results"] == as_json([first])["results"]
    # The fixed captions are other texts, and another reader is another one.
    assert len(reading(f"{ALL}+text=identity-fixed")[1]) == 36
    assert len(reading(f"{ALL}+text=image", model_id="reader-2")[1]) == 36


@pytest.mark.slow
def test_makers_of_something_else_are_refused(reading):
    with pytest.raises(UsageError, match="of the space another"):
        reading(f"{ALL}+text=image", space="another")

    with pytest.raises(ModelError, match=r"not with finite vectors of shape \(36, 32\)"):
        reading(f"{ALL}+text=image", scale=np.nan)


def test_texts_that_there_are_not(people, model, tmp_path):
    with pytest.raises(UsageError, match=r"asks with text \(image\), and the model reads none"):
        Evaluator(people, [f"{ALL}+text=image"], cache=tmp_path).evaluate(model)
    root = write_people(tmp_path / "set", train=1, val=1, test=2, images=1)
    dataset, queries = open_dataset(root), infrared(root)
    for source in ("image", "identity-random(1)"):
        with pytest.raises(SourceError, match="has no captions Text"):
            query_texts(dataset, queries, source)
    with pytest.raises(SourceError, match=r"identity_captions\.json does not exist"):
        query_texts(dataset, queries, "identity-fixed")
    (root / "identity_captions.json").write_text('{"3": "person 3", "4": ["person 4", "another"]}')
    with pytest.raises(SourceError, match="has 2 captions of identity 4"):
        query_texts(dataset, queries, "identity-fixed")
    (root / "identity_captions.json").write_text('{"3": "person 3"}')
    with pytest.raises(SourceError, match=r"Identity 4 of .* has no caption"):
        query_texts(dataset, queries, "identity-fixed")
    write_captions(root, "One")
    (root / "Text/Two_IR").mkdir()
    (root / "Text/Two_IR/caption_dict_Two_IR.json").write_text("{}")
    with pytest.raises(SourceError, match="captions by One, Two, and none by Blip"):
        query_texts(dataset, queries, "image")
    # Whoever is published is chosen among several.
    write_captions(root, "Blip")
    assert query_texts(dataset, queries, "image") == tuple(said_of(query) for query in queries)


def test_a_trainings_own_draw_is_nobody_elses(people, model, tmp_path):
    protocol = (
        "synthetic/all/1-shot/sampler-validation/1-trials/ir2vis/queries-near/hidden-same-place/"
        "cmc-identities/text-none/no-flip/rerank-none/feature-bn/split-validation"
    )
    assert parse_protocol(protocol).id == protocol
    with pytest.raises(UsageError, match="a training's own, drawn by its seed"):
        Evaluator(people, [protocol], cache=tmp_path).evaluate(model)


@pytest.mark.slow
def test_the_documented_lines_are_enough(people, model, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "world").symlink_to(people)
    (tmp_path / "model").symlink_to(model)
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/evaluation.md").read_text(), re.DOTALL)
    exec(compile(block, "docs/evaluation.md", "exec"), {})
    shown = capsys.readouterr().out
    for spec in (spec for name, spec in PRESETS.items() if name.startswith("synthetic-")):
        assert spec.id in shown
    assert json.loads((tmp_path / "results.json").read_text())["model"]["checkpoint"] == "model"


@pytest.mark.parametrize("mirror", [False, True])
def test_a_calibration_is_judged_by_scores_of_its_own_kind(people, tmp_path, mirror):
    said = {"slope": 9.0, "intercept": -4.0, "threshold": 0.5, "positives": 9, "negatives": 9}
    calibration = Calibration.from_dict({**said, "data": "x", "prior": 0.5, "kind": "logistic"})
    save_checkpoint(
        tmp_path / "model",
        create_dual_stream("resnet18", 32),
        name="calibrated",
        preprocess=Preprocess(height=64, width=32, mirror=mirror),
        calibration={"infrared-visible": calibration},
    )
    evaluator = Evaluator(people, (ALL, f"{ALL}+flip"), cache=tmp_path)
    for result in evaluator.evaluate(str(tmp_path / "model")).results.values():
        assert (result.calibration_error is not None) == (("/flip/" in result.protocol) == mirror)
