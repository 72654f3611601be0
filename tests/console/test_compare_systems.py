"""``nightreid compare-systems``: several checkpoints, one table, each under its protocols."""

import json

import pytest

from reid_core.models.checkpoint import load_checkpoint
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.clip_text.encoder import save_text_encoder
from reid_core.models.clip_text.settings import TowerSettings
from reid_core.models.clip_text.tokens import word_tokens
from reid_core.models.clip_text.tower import build_tower
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from tests.conftest import ROOT
from tests.support.colour_words import colour_words, install_colour_words
from tests.support.command_line import accepted, console_lines
from tests.support.people import write_people
from tests.support.small_systems import SYSTEMS, small_checkpoint
from training.evaluation.protocols import parse_protocol
from training.evaluation.serving_times import Times

pytestmark = pytest.mark.slow
COLOURS = ("red", "green", "blue")
ALONE = "synthetic-all-single-A"


@pytest.fixture(scope="module")
def world(module_tmp):
    """Six test people, each with a colour that captions name."""
    folder = write_people(module_tmp("world") / "set", train=2, val=2, test=6, images=2)
    captions = {"RGB": {}, "IR": {}}
    for file in folder.glob("cam*/*/*.jpg"):
        side = "IR" if file.parts[-3] in ("cam3", "cam6") else "RGB"
        said = {"description": f"a man in a {COLOURS[int(file.parent.name) % 3]} coat."}
        captions[side][file.relative_to(folder).as_posix()] = said
    for side, each in captions.items():
        place = folder / f"Text/Blip_{side}"
        place.mkdir(parents=True)
        (place / f"caption_dict_Blip_{side}.json").write_text(json.dumps(each))
    people = {str(n): f"a man in a {COLOURS[n % 3]} coat." for n in range(1, 11)}
    (folder / "identity_captions.json").write_text(json.dumps(people))
    return folder


@pytest.fixture(scope="module")
def checkpoints(module_tmp):
    """A folder of each system: TVI-LFM's fuses words, STAR-ReID's reads them, EEES's has none."""
    packages = module_tmp("site-packages")
    install_colour_words(packages)
    made = {name: small_checkpoint(name, module_tmp(name) / "model") for name in SYSTEMS}
    network, _ = load_checkpoint(made["tvi_lfm"])
    tokens = word_tokens([f"a man in a {one} coat" for one in COLOURS], context=12)
    settings = TowerSettings(
        vocabulary=tokens.size,
        begin=tokens.begin,
        end=tokens.end,
        context=12,
        width=16,
        layers=1,
        heads=2,
        projection=network.embedding,
    )
    tower = build_tower(settings, 1).eval()
    save_text_encoder(open_checkpoint(made["tvi_lfm"]), tower, network.neck, tokens, "words")
    embedder = load_embedder(made["star_reid"])
    crops = embedder.embed(probe(), Modality.VISIBLE)
    colour_words(made["star_reid"] / "text", embedder.space, dict(zip(COLOURS, crops, strict=True)))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(packages)
        yield made


def probe():
    from reid_core.runtime.parity import probe_crops

    return list(probe_crops())[:3]


@pytest.fixture
def compare(command, world, checkpoints, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path / "cache"))

    def call(*options, systems=SYSTEMS):
        folders = [checkpoints[name] for name in systems]
        return command("compare-systems", *folders, "--dataset", world, "--queries", 3, *options)

    return call


def test_three_systems_stand_in_one_table_each_with_its_protocols_times_and_size(compare, checkpoints):
    done = compare("--protocol", f"{ALONE}+trials=2", "--json")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    sides = dict(zip(SYSTEMS, told["systems"], strict=True))
    alone = parse_protocol(f"{ALONE}+trials=2").id
    assert {one["image"]["protocol"] for one in sides.values()} == {alone}
    words = {name: one["words"] and one["words"]["protocol"] for name, one in sides.items()}
    asked = f"{ALONE}+trials=2+text=identity-fixed"
    assert words == {
        "tvi_lfm": parse_protocol(f"{asked}+feature=fused").id,
        "eees": None,
        "star_reid": parse_protocol(f"{asked}+feature=mix-retrieve(0.5)").id,
    }
    for name, one in sides.items():
        assert 0 < one["image"]["map"] <= 1 and one["image"]["queries"] == 24
        low, high = one["image"]["r1_95"]
        assert 0 <= low <= one["image"]["r1"] <= high <= 1
        for times in (one["crop_ms"], one["query_ms"], one["worded_query_ms"]):
            assert times is None or (
                0 < times["low"] <= times["median"] <= times["high"] and times["count"] == 3
            )
        assert (one["worded_query_ms"] is None) == (one["words"] is None) == (one["text_mib"] is None)
        # One crop of sixteen costs less than a whole query of one.
        assert one["crop_ms"]["median"] < one["query_ms"]["median"]
        assert one["gallery"] == 24
        weights = checkpoints[name] / "weights.safetensors"
        assert one["mib"] == pytest.approx(weights.stat().st_size / 2**20, abs=1e-3)
    # Words change what is found.
    assert sides["star_reid"]["words"]["map"] != sides["star_reid"]["image"]["map"]


def test_the_table_says_protocols_and_what_was_left_out(compare):
    done = compare("--protocol", f"{ALONE}+trials=1")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    rows = {
        line.split(" | ")[0].removeprefix("| "): line.count(" | ")
        for line in lines
        if line.startswith("| small")
    }
    assert rows == {f"small {name}": 9 for name in SYSTEMS} and lines[1] == f"|{'---|' * 10}"
    assert "- small eees was not asked with words." in lines
    assert any("feature-mix-retrieve(0.5)" in line and "oracle" in line for line in lines)
    assert "of 3 queries" in done.out and "24 pictures" in done.out
    bare = compare("--text", "none", systems=("tvi_lfm",))
    assert bare.status == 0 and "was not asked with words" in bare.out and "10-trials" in bare.out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--protocol", f"{ALONE}+text=image"), "by infrared queries of images alone"),
        (("--protocol", "sysu-all-single-A"), "is one of sysu"),
        (("--protocol", "own-vis2ir"), "by infrared queries of images alone"),
        (("--text", "image-fixed"), "no text source"),
    ],
)
def test_what_cannot_be_set_side_by_side_is_said(compare, options, reason):
    assert reason in compare(*options, systems=("star_reid",)).error("usage")


def test_of_the_same_work_the_median_and_its_ends_are_told():
    times = Times.of([n / 1000 for n in range(101)])
    assert (times.median, times.low, times.high, times.count) == pytest.approx((50, 5, 95, 101))


def test_the_commands_of_the_page_exist():
    commands = list(console_lines((ROOT / "docs/evaluation.md").read_text(encoding="utf-8")))
    assert "compare-systems" in {accepted(words[1:])[0] for words in commands}
