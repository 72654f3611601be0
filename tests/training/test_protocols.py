import hashlib
import json

import numpy as np
import pytest

from reid_core.errors import SourceError, UsageError
from reid_core.types import Modality, Spectrum
from training.datasets.opening import open_dataset
from training.datasets.records import ImageRecord, Split
from training.evaluation.galleries import draw_trials, read_permutations
from training.evaluation.protocols import PRESETS, ProtocolSpec, parse_protocol, short_name
from training.evaluation.ranks import Sides, rank_similarities


@pytest.fixture(scope="module")
def published(shared):
    return json.loads((shared / "reference/sysu_protocol.json").read_text())


@pytest.fixture(scope="module")
def sysu(published, module_tmp):
    """The test half of SYSU-MM01 with the published numbers of images, all of them empty."""
    root = module_tmp("sysu")
    (root / "exp").mkdir()
    for split in ("train", "val", "test"):
        ids = published[f"{split}_id"]
        (root / f"exp/{split}_id.txt").write_text(",".join(map(str, ids)) + "\n")
    for identity in published["test_id"]:
        for camera, count in enumerate(published["counts_cam1_to_6"][str(identity)], 1):
            folder = root / f"cam{camera}/{identity:04d}"
            folder.mkdir(parents=True)
            for number in range(1, count + 1):
                (folder / f"{number:04d}.jpg").touch()
    return open_dataset(root)


def sides(records, trial, spec):
    def of(rows):
        return (
            [records[row].identity for row in rows.tolist()],
            [records[row].camera for row in rows.tolist()],
        )

    return Sides.of(*of(trial.query), *of(trial.gallery), spec.exclusion())


def picked(records, trial):
    """``(identity, camera, place in the folder's sorted files)`` of a gallery."""
    places, seen = {}, {}
    for row, record in enumerate(records):
        key = record.identity, record.camera
        places[row] = (*key, seen.setdefault(key, 0))
        seen[key] += 1
    return [places[row] for row in trial.gallery.tolist()]


@pytest.mark.parametrize("search", ["all", "indoor"])
def test_every_gallery_of_sysu_is_the_published_one(sysu, published, search):
    records = sysu.records(Split.TEST)
    spec = PRESETS[f"sysu-{search}-single-A"]
    trials = draw_trials(records, spec)
    assert len(trials) == 10
    for trial in trials:
        said = "\n".join(",".join(map(str, pick)) for pick in picked(records, trial))
        expected = published["gallery_random_seed"][f"{search}/{trial.number}"]
        assert hashlib.sha256(said.encode()).hexdigest() == expected["sha256"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "images", "valid"),
    [
        ("sysu-all-single-A", 301, 3803),
        ("sysu-indoor-single-A", 112, 2208),
        ("sysu-all-multi-A", 3010, 3803),
        ("sysu-indoor-multi-A", 1120, 2208),
    ],
)
def test_sysu_has_the_published_sizes(sysu, preset, images, valid):
    records, spec = sysu.records(Split.TEST), PRESETS[preset]
    for trial in draw_trials(records, spec)[:2]:
        assert (len(trial.query), len(trial.gallery)) == (3803, images)
        assert len(set(trial.gallery.tolist())) == images
        both = sides(records, trial, spec)
        assert len(rank_similarities(np.zeros(both.shape), both)) == valid
    queries = [records[row] for row in trial.query.tolist()]
    assert queries == sorted(queries, key=lambda one: (one.identity, one.camera, one.path))


def test_multi_shot_does_not_depend_on_what_was_drawn_before(sysu):
    records, spec = sysu.records(Split.TEST), PRESETS["sysu-all-multi-A"]
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    one, two = (draw_trials(records, spec)[3].gallery for _ in range(2))
    assert (one == two).all() and (np.random.get_state()[1] == before).all()


def test_sampler_b_follows_the_official_file(sysu, published, tmp_path):
    from scipy.io import savemat

    records, spec = sysu.records(Split.TEST), PRESETS["sysu-all-single-B"]
    with pytest.raises(UsageError, match=r"needs the official permutations, rand_perm_cam\.mat"):
        draw_trials(records, spec, read_permutations(sysu))
    cameras = np.empty((6, 1), object)
    for camera in range(6):
        people = np.empty((533, 1), object)
        for identity in range(533):
            rows = [
                published["official_rand_perm_first10"][str(trial)].get(f"{camera + 1}/{identity + 1}")
                for trial in range(10)
            ]
            people[identity, 0] = np.array(rows) + 1 if rows[0] else np.zeros((0, 0))
        cameras[camera, 0] = people
    file = sysu.root / "exp/rand_perm_cam.mat"
    savemat(file, {"rand_perm_cam": cameras})
    try:
        for name, shots in (("sysu-all-single-B", 1), ("sysu-all-multi-B", 10)):
            trials = draw_trials(records, PRESETS[name], read_permutations(sysu))
            expected = [
                (identity, camera, place)
                for identity in published["test_id"]
                for camera in (1, 2, 4, 5)
                for place in published["official_rand_perm_first10"]["7"].get(f"{camera}/{identity}", [])[
                    :shots
                ]
            ]
            assert picked(records, trials[7]) == expected and len(expected) == 301 * shots
        # Fewer images than the file speaks of: another copy.
        fewer = [record for record in records if not record.path.endswith(("3.jpg", "4.jpg"))]
        with pytest.raises(UsageError, match="another copy of the data set"):
            draw_trials(fewer, PRESETS["sysu-all-multi-B"], read_permutations(sysu))
        file.write_bytes(b"no matlab")
        with pytest.raises(SourceError, match="does not hold the official permutations"):
            read_permutations(sysu)
    finally:
        file.unlink()


def llcm_records():
    kinds = ((Modality.VISIBLE, Spectrum.VISIBLE), (Modality.INFRARED, Spectrum.NEAR))
    return [
        ImageRecord(f"{modality}/{camera}/{identity}/{n}.jpg", identity, camera, modality, spectrum, "")
        for identity in (3, 1, 2)
        for modality, spectrum in kinds
        for camera in (1, 2, 3)
        if (modality, camera) != (Modality.INFRARED, 3)
        for n in range(4)
    ]


def test_the_three_conventions_of_llcm_ask_and_search_different_images():
    records = llcm_records()
    sizes = {}
    for name in ("ir2vis", "vis2ir", "vis2ir-swapped"):
        spec = PRESETS[f"llcm-{name}"]
        trials = draw_trials(records, spec)
        first = trials[0]
        asks = {records[row].modality for row in first.query.tolist()}
        assert asks == {Modality.VISIBLE if name == "vis2ir" else Modality.INFRARED}
        sizes[name] = len(first.query), len(first.gallery)
        drawn = [(one.query if name.endswith("swapped") else one.gallery).tolist() for one in trials]
        assert len({tuple(each) for each in drawn}) > 1
        # Nobody is compared with the same person before the same camera.
        both = sides(records, first, spec)
        own = both.same() & (both.query_cameras[:, None] == both.gallery_cameras)
        assert own.any() and (both.hidden() == own).all()
    assert sizes == {"ir2vis": (24, 9), "vis2ir": (36, 6), "vis2ir-swapped": (6, 36)}
    # The released swapped evaluation asks with the very images that the clean one searches.
    clean, swapped = (
        draw_trials(records, PRESETS[f"llcm-{name}"])[4] for name in ("vis2ir", "vis2ir-swapped")
    )
    assert (clean.gallery == swapped.query).all()


def test_a_protocol_is_read_back_from_its_id():
    assert len({spec.id for spec in PRESETS.values()}) == len(PRESETS)
    for name, spec in PRESETS.items():
        assert parse_protocol(name) == spec == parse_protocol(spec.id)
    changed = parse_protocol("sysu-all-single-A+flip+text=identity-random(1)+rerank=k-reciprocal(20,6,0.3)")
    assert (changed.flip, changed.text, changed.reranking) == (
        True,
        "identity-random(1)",
        "k-reciprocal(20,6,0.3)",
    )
    assert changed.oracle and not PRESETS["sysu-all-single-A"].oracle
    assert parse_protocol(changed.id) == changed
    assert PRESETS["sysu-all-single-A"].id == (
        "sysu/all/1-shot/sampler-A/10-trials/ir2vis/queries-all/hidden-same-place/cmc-identities/"
        "text-none/no-flip/rerank-none/feature-bn"
    )


def test_ids_have_short_names_that_are_read_back():
    for name, spec in PRESETS.items():
        assert short_name(spec.id) == name
    for text in (
        "regdb-t2v+trials=1",
        "sysu-indoor-multi-B+trials=3+flip+text=identity-random(7)+rerank=ljm(10,0.2,0.3)+feature=pool",
    ):
        assert short_name(parse_protocol(text).id) == text
    assert short_name("whatever") == "whatever"
    odd = ProtocolSpec("sysu", shots=4).id
    assert short_name(odd) == odd


def test_regdb_searches_everybody_once():
    records = [
        ImageRecord(f"{modality}/{identity}/{n}", identity, 1, modality, None, "")
        for modality in Modality
        for identity in (2, 1)
        for n in range(3)
    ]
    for name, asks in (("regdb-t2v", Modality.INFRARED), ("regdb-v2t", Modality.VISIBLE)):
        (trial,) = draw_trials(records, PRESETS[name])
        assert [records[row].modality for row in trial.query] == [asks] * 6
        assert sorted([*trial.query, *trial.gallery]) == list(range(12))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sysu", "no protocol 'sysu'"),
        ("sysu-all-single-A+text=guess", "change that is none: 'text=guess'"),
        ("sysu-all-single-A+trials=0", "trials=0"),
        (PRESETS["regdb-t2v"].id.replace("ir2vis", "up2down"), "makes no sense"),
        (PRESETS["regdb-t2v"].id.replace("text-none", "text-mine"), "no text source"),
    ],
)
def test_protocols_that_there_are_not(text, words):
    with pytest.raises(UsageError, match=words):
        parse_protocol(text)


def test_who_stands_in_the_same_place():
    # LLCM's records name no such cameras, and the released code hides by SYSU-MM01's all the same.
    for name in ("llcm-ir2vis-tvilfm-backbone", "sysu-all-single-A"):
        assert PRESETS[name].exclusion({}).cameras == {3: 2}
    assert PRESETS["own-ir2vis"].exclusion({7: 1}).cameras == {7: 1}
    assert PRESETS["synthetic-all-single-A-near"].exclusion().cameras == {3: 2}
    # Of feature files of one's own nobody says it, and SYSU-MM01's cameras are not theirs.
    assert PRESETS["own-ir2vis"].exclusion().cameras == {}
    # Infrared cameras 7 and 8 stand where the visible camera 1 does: it sees neither.
    hides = PRESETS["own-vis2ir"].exclusion({7: 1, 8: 1})
    assert Sides.of([5, 5], [1, 2], [5, 5, 5], [7, 8, 9], hides).hidden().tolist() == [
        [True, True, False],
        [False, False, False],
    ]
    assert PRESETS["llcm-ir2vis"].exclusion({3: 2}).cameras == {}
    assert PRESETS["llcm-ir2vis"].exclusion().own_camera


def test_an_empty_side_is_said():
    records = [record for record in llcm_records() if record.modality is Modality.INFRARED]
    with pytest.raises(SourceError, match="The gallery is empty: there are no visible images"):
        draw_trials(records, PRESETS["llcm-ir2vis"])
    with pytest.raises(SourceError, match="The query is empty"):
        draw_trials(records, ProtocolSpec("synthetic", queries="thermal"))
