import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid_core.calibration import Calibration
from reid_core.errors import SourceError, UsageError
from reid_core.types import Modality, Spectrum
from training.datasets.records import ImageRecord
from training.evaluation.evaluating import contest_of, contests, evaluate_protocol
from training.evaluation.features import read_features
from training.evaluation.galleries import draw_trials
from training.evaluation.intervals import bootstrap, share_interval, wilson
from training.evaluation.open_set import open_set, pair_scores
from training.evaluation.orchestrating import evaluate_features
from training.evaluation.protocols import PRESETS
from training.evaluation.published import published_rows
from training.evaluation.ranks import Sides, rank_vectors
from training.seeding import generator


def world(people=12, noise=0.6, seed=0):
    """Records of a small SYSU with vectors: a direction a person, and so much else."""
    rng = np.random.default_rng(seed)
    records = [
        ImageRecord(
            f"cam{camera}/{identity:04d}/{n}.jpg",
            identity,
            camera,
            Modality.INFRARED if camera in (3, 6) else Modality.VISIBLE,
            Spectrum.NEAR if camera == 3 else Spectrum.THERMAL if camera == 6 else Spectrum.VISIBLE,
            "",
        )
        for identity in range(1, people + 1)
        for camera in range(1, 7)
        for n in range(3)
    ]
    own = rng.normal(size=(people + 1, 16))
    vectors = np.stack([own[record.identity] + noise * rng.normal(size=16) for record in records])
    return records, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_a_protocol_is_the_mean_of_its_trials_and_says_how_sure_it_is():
    records, vectors = world()
    spec = PRESETS["synthetic-all-single-A"]
    trials = contests(records, vectors, vectors, spec)
    result = evaluate_protocol(spec, trials)
    assert len(result.trials) == 10 and len({trial.map for trial in result.trials}) > 1
    assert result.mean("map") == pytest.approx(np.mean([trial.map for trial in result.trials]))
    said = result.as_json()
    assert said["protocol"] == spec.id and len(said["trials"]) == 10
    assert (result.queries, result.valid, result.gallery, result.identities) == (72, 72, 48, 12)
    for figure, (low, high) in result.intervals.items():
        assert low <= result.mean(figure) <= high, figure
    assert said["chance_r1"] == pytest.approx(1 / 12)
    # Camera 2 is hidden from camera 3: nobody there is valid.
    pairs = {(pair.query, pair.gallery) for pair in result.cameras}
    assert pairs == {(3, 1), (3, 4), (3, 5), (6, 1), (6, 2), (6, 4), (6, 5)}
    assert result.calibration_error is None
    again = evaluate_protocol(spec, trials)
    assert again.as_json() == said
    # Only near infrared asks.
    near = PRESETS["synthetic-all-single-A-near"]
    assert evaluate_protocol(near, contests(records, vectors, vectors, near)).queries == 36


def test_an_oracle_is_called_one():
    from dataclasses import replace

    records, vectors = world(4)
    spec = replace(PRESETS["synthetic-all-single-A"], text="identity-random(1)", trials=1)
    text = evaluate_protocol(spec, contests(records, vectors, vectors, spec)).text
    assert text.startswith("oracle:") and "right identity" in text


def test_calibration_error_is_that_of_the_best_candidates():
    records, vectors = world(noise=1.2)
    spec = PRESETS["synthetic-all-single-A"]
    trials = contests(records, vectors, vectors, spec)
    sure = Calibration(1e-9, 30.0, 0.0, 10, 10, "x")
    found = evaluate_protocol(spec, trials, calibration=sure)
    # Whoever is always sure errs by the share of wrong first places.
    assert found.calibration_error == pytest.approx(1 - found.trials[0].r1)


def test_strangers_are_counted_by_hand():
    # Three people by day; two of six queries are of 3, and the best score of a stranger is .5.
    gallery = [1, 2, 3, 4]
    query = [1, 2, 3, 4]
    scores = np.eye(4) * 0.4 + 0.3
    sides = Sides.of(query, [3] * 4, gallery, [1] * 4)
    found = open_set(scores, sides, np.random.default_rng(0), rates=(0.0, 1.0), draws=7)
    # A known person has .7 with itself, a stranger .3 with everybody: all are told apart.
    assert found.tpir == {0.0: 1.0, 1.0: 1.0} and (found.known, found.strangers) == (14, 14)
    level = open_set(np.full((4, 4), 0.3), sides, np.random.default_rng(0), rates=(0.0,), draws=3)
    assert level.tpir == {0.0: 0.0}
    with pytest.raises(UsageError, match="at least two identities"):
        open_set(np.ones((2, 2)), Sides.of([1, 1], [3, 3], [1, 1], [1, 2]), np.random.default_rng(0))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_open_set_agrees_with_the_definition(seed):
    rng = np.random.default_rng(seed)
    gallery, query = rng.integers(1, 6, 12), rng.integers(1, 8, 9)
    scores = rng.integers(-4, 5, (9, 12)) / 4
    sides = Sides.of(query, np.full(9, 3), gallery, np.ones(12, int))
    try:
        found = open_set(scores, sides, np.random.default_rng(5), rates=(0.25,), draws=1)
    except UsageError:
        return
    people = np.unique(gallery)
    gone = set(np.random.default_rng(5).permutation(people)[: max(1, round(0.5 * len(people)))].tolist())
    left = [column for column in range(12) if gallery[column] not in gone]
    known = [row for row in range(9) if query[row] in gallery[left]]
    best = [max(left, key=lambda column, row=row: scores[row, column]) for row in range(9)]
    tops = [scores[row, best[row]] for row in range(9)]
    strangers = [tops[row] for row in range(9) if row not in known]
    # The lowest threshold that lets at most a quarter of the strangers in.
    allowed = [t for t in sorted({*tops, 9.0}) if np.mean(np.array(strangers) >= t) <= 0.25]
    accepted = [tops[row] >= allowed[0] and gallery[best[row]] == query[row] for row in known]
    assert found.tpir[0.25] == pytest.approx(np.mean(accepted))


def test_pair_scores_of_what_is_seen():
    sides = Sides.of([1, 2], [3, 3], [1, 2, 1], [1, 1, 2], {3: 2})
    scores = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    found = pair_scores(scores, sides, rates=(0.0,))
    # The images of camera 2 are hidden from camera 3.
    assert (found.positives, found.negatives) == (2, 2)
    assert (found.eer, found.tpr) == (0.0, {0.0: 1.0})
    with pytest.raises(UsageError, match="pairs of two"):
        pair_scores(np.ones((1, 1)), Sides.of([1], [3], [1], [1]))


def test_intervals_know_that_images_of_one_person_are_alike():
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(20), 50)
    people = rng.integers(0, 2, 20)[ids].astype(float)
    low, high = bootstrap(people, ids, np.random.default_rng(1))
    # Twenty coins, not a thousand.
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(20), rel=0.2)
    with pytest.raises(UsageError):
        bootstrap(np.zeros(0), np.zeros(0, np.int64), rng)


def test_a_share_of_which_all_queries_say_the_same_is_no_certainty():
    """Three people of fifty queries each are three people, found or not."""
    ids = np.repeat([1, 2, 3], 50)
    assert share_interval(np.ones(150, bool), ids) == wilson(3, 3)
    assert share_interval(np.zeros(150, bool), ids) == wilson(0, 3)
    assert wilson(3, 3)[0] == pytest.approx(3 / (3 + 1.959964**2))
    hits = ids < 3
    assert share_interval(hits, ids) == bootstrap(hits.astype(float), ids, generator(1, "bootstrap"))
    with pytest.raises(UsageError):
        share_interval([], [])


def test_pairs_of_cameras_and_trials_have_intervals_of_their_own():
    records, vectors = world()
    spec = PRESETS["sysu-all-single-A"]
    made = contests(records, vectors, vectors, spec)
    plain = evaluate_protocol(spec, made).as_json()
    assert len(plain["trials"]) == 10
    for trial, said in zip(made, plain["trials"], strict=True):
        ranks = rank_vectors(trial.query, trial.gallery, trial.sides)
        whose = trial.sides.query_ids[ranks.rows]
        assert said["interval_95"]["r1"] == list(share_interval(ranks.identities == 1, whose))
    for pair in plain["cameras"]:
        low, high = pair["interval_95"]
        assert low <= pair["r1"] <= high and low < high and pair["queries"] > 0


def saved(path, **changes):
    arrays = {
        "q_feat": np.eye(3, dtype=np.float32),
        "q_pid": np.array([1, 2, 3]),
        "q_cam": np.array([3, 3, 6]),
        "g_feat": np.eye(3, dtype=np.float32),
        "g_pid": np.array([1, 2, 3]),
        "g_cam": np.array([1, 4, 5]),
    }
    arrays |= changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def test_features_of_anybody_are_evaluated(tmp_path):
    file = read_features(saved(tmp_path / "f.npz"))
    spec = PRESETS["sysu-all-single-A"]
    assert evaluate_protocol(spec, [contest_of(file, spec)]).mean("r1") == 1.0
    # A query identity that the gallery lacks is not valid, and not counted.
    file = read_features(saved(tmp_path / "f.npz", q_pid=np.array([1, 2, 9])))
    assert evaluate_protocol(spec, [contest_of(file, spec)]).valid == 2


@pytest.mark.parametrize(
    ("protocol", "asking", "searched", "words"),
    [
        ("sysu-all-single-A", (2, 5), (3, 1, 0), "SYSU-MM01 has no camera 0, which .*npz names"),
        ("sysu-all-single-A", (3, 7), (1, 2), "SYSU-MM01 has no camera 7"),
        ("sysu-all-single-A", (2, 6), (1, 4), "query images are of camera 2"),
        ("sysu-all-multi-B", (3, 6), (1, 3), "gallery images are of camera 3"),
        ("sysu-indoor-single-A", (3, 6), (1, 2, 4), "gallery images are of camera 4"),
        ("synthetic-all-single-A", (3, 6), (0, 1), "The synthetic night shift has no camera 0"),
        ("regdb-t2v", (1,), (0,), "RegDB has no camera 0"),
        ("regdb-v2t", (1,), (3,), "RegDB has no camera 3"),
        ("llcm-ir2vis", (3, 4), (1, 2), "query images are of camera 3"),
        ("llcm-vis2ir", (1, 2), (3, 4), "gallery images are of camera 3"),
        ("llcm-vis2ir-swapped", (1, 2), (0, 9), "LLCM has no camera 0"),
        ("llcm-ir2vis", (10,), (9,), "LLCM has no camera 10"),
    ],
)
def test_cameras_that_the_protocol_does_not_have_are_refused(tmp_path, protocol, asking, searched, words):
    file = saved(tmp_path / "f.npz", q_cam=np.resize(asking, 3), g_cam=np.resize(searched[::-1], 3))
    with pytest.raises(UsageError, match=words):
        evaluate_features([file], protocol)


@pytest.mark.parametrize(
    ("protocol", "asking", "searched"),
    [
        ("sysu-all-single-A", (3, 6), (1, 4, 5)),
        ("sysu-indoor-single-A", (3, 6), (1,)),
        ("synthetic-all-single-A-thermal", (6,), (5, 4)),
        *(
            (protocol, *sides)
            for protocol in ("regdb-t2v", "regdb-v2t")
            for sides in (((2,), (1,)), ((1,), (2,)))
        ),
        ("llcm-ir2vis", (1, 9), (3, 8)),
        ("llcm-vis2ir", (3, 8), (1, 9)),
        ("llcm-vis2ir-swapped", (1, 9), (3, 8)),
        ("own-ir2vis", (0, 77), (12,)),
    ],
)
def test_cameras_that_it_has_are_not(tmp_path, protocol, asking, searched):
    file = saved(tmp_path / "f.npz", q_cam=np.resize(asking, 3), g_cam=np.resize(searched, 3))
    (found,) = evaluate_features([file], protocol).results.values()
    assert found.mean("r1") == 1.0


def test_a_data_set_of_cameras_that_its_protocols_do_not_have_is_refused():
    records = [
        ImageRecord("a", 1, 3, Modality.INFRARED, Spectrum.NEAR, "a"),
        ImageRecord("b", 1, 8, Modality.VISIBLE, Spectrum.VISIBLE, "b"),
    ]
    with pytest.raises(UsageError, match="SYSU-MM01 has no camera 8, which the data set names"):
        draw_trials(records, PRESETS["sysu-all-single-A"])


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"g_pid": None}, SourceError, "lacks the arrays g_pid"),
        ({"g_feat": np.zeros((0, 3), np.float32)}, UsageError, "The gallery of .* is empty"),
        ({"q_feat": np.full((3, 3), np.nan, np.float32)}, UsageError, "3 query vectors of .* hold NaN"),
        ({"q_feat": np.zeros((3, 4), np.float32)}, UsageError, "query vectors have 4 numbers"),
        ({"q_feat": np.zeros((2, 3), np.float32)}, UsageError, "has 2 query vectors and 3 identities"),
        ({"q_feat": np.zeros(3, np.float32)}, SourceError, r"not float \(N, D\)"),
        ({"q_feat": np.zeros((3, 3), np.int64)}, SourceError, "are int64 of shape"),
        ({"g_cam": np.array([1.5, 2, 3])}, SourceError, "gallery cameras of .* are float64"),
    ],
)
def test_feature_files_that_make_no_sense(tmp_path, changes, kind, words):
    with pytest.raises(kind, match=words):
        read_features(saved(tmp_path / "f.npz", **changes))


def test_files_that_are_no_feature_files(tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        read_features(tmp_path / "none.npz")
    for content in (b"", b"PK\x03\x04 rubbish", b"words"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(SourceError, match=r"no \.npz file"):
            read_features(tmp_path / "bad.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(SourceError, match=r"no \.npz file"):
        read_features(tmp_path / "one.npz")


def test_published_rows_stand_under_protocols_that_there_are():
    rows = published_rows()
    assert {row.system for row in rows} >= {"AGW", "CAJ", "DEEN", "TVI-LFM", "EEES", "STAR-ReID"}
    known = {spec.id.split("/text-")[0] for spec in PRESETS.values()}
    for row in rows:
        assert row.protocol.split("/text-")[0] in known and row.source
        assert all(0.3 < value < 1 for value in (row.r1, row.map, row.minp or 0.5))
    (fused,) = [row for row in rows if row.system == "TVI-LFM" and row.protocol.startswith("sysu/all")]
    assert (fused.r1, fused.map, fused.minp) == pytest.approx((0.8490, 0.8147, 0.7085))
    assert "text-identity-random(1)" in fused.protocol
    # What was published with text is the ensemble, not the text alone.
    worded = [row for row in rows if "/text-none" not in row.protocol]
    assert len(worded) == 4 and all("/feature-ensemble-cosines" in row.protocol for row in worded)
