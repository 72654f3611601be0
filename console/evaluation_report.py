"""The evaluation's report: one page that needs nothing else, fit for a paper's appendix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from console import charts, figures
from console.report_crops import Crop, Crops
from console.templating import templates
from stream.run.export import write_atomically
from training.evaluation.evaluating import FIGURES
from training.evaluation.intervals import said_of_share
from training.evaluation.protocols import short_name
from training.evaluation.ranks import rank_similarities, ranked_lists
from training.seeding import generator

if TYPE_CHECKING:
    from training.evaluation.evaluated import Evaluated
    from training.evaluation.evaluating import Contest
    from training.evaluation.ranks import Scores, Sides

_LIST, _EXAMPLES, _HARDEST, _PEOPLE, _IMAGES = 10, 8, 8, 20, 6
_CROP_HEIGHT, _SCORES = 112, 20_000


@dataclass(frozen=True, slots=True)
class ListedImage:
    """One place of a ranked list."""

    crop: Crop | None
    right: bool
    score: float
    said: str


@dataclass(frozen=True, slots=True)
class RankedQuery:
    """A query with the first of its ranked list.

    Attributes:
        crop: the query.
        said: who and where.
        rank: of the first right image.
        precision: AP.
        listed: best first.
    """

    crop: Crop | None
    said: str
    rank: int
    precision: float
    listed: tuple[ListedImage, ...]


@dataclass(frozen=True, slots=True)
class ProtocolView:
    """A protocol's part of the page."""

    name: str
    anchor: str
    said: Mapping[str, Any]
    histogram: str
    matrix: "Matrix"
    examples: tuple[RankedQuery, ...]
    hardest: tuple[RankedQuery, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rank-1 and mAP by query camera (rows) and gallery camera; ``None`` where nothing is valid."""

    cameras: tuple[int, ...]
    rows: tuple[tuple[int, tuple[Mapping[str, Any] | None, ...]], ...]


def write_evaluation_report(runs: "Sequence[Evaluated]", path: Path, seed: int) -> None:
    """Write the page of one or more models.

    Args:
        runs: what was measured.
        path: file.
        seed: of the examples and of the map of identities.

    Raises:
        StorageError: it cannot be written.
        SourceError: an image cannot be read any more.
    """
    page = (
        templates()
        .get_template("evaluation.html")
        .render(
            figures=FIGURES,
            runs=[_run(run, number, seed) for number, run in enumerate(runs, 1)],
            written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        )
    )
    write_atomically(path, page)


def _run(run: "Evaluated", number: int, seed: int) -> dict[str, Any]:
    crops = _Pictures(run)
    said = run.as_json()
    views: list[ProtocolView] = []
    for key, result in run.results.items():
        first = run.contests[key][0]
        views.append(
            ProtocolView(
                name=short_name(key),
                anchor=f"run-{number}-{len(views) + 1}",
                said=said["results"][key],
                histogram=Markup(_histogram(result.scores, first.sides, seed)),
                matrix=_matrix(said["results"][key]["cameras"]),
                **_examples(first, result.scores, crops, seed),
            )
        )
    curves = {short_name(key): said["results"][key]["cmc"] for key in run.results}
    beside = {
        short_name(key): said_of_share(result.valid, result.intervals["r1"], 3)
        for key, result in run.results.items()
    }
    return {
        "said": said,
        "views": views,
        "curves": Markup(charts.cmc_curves("Share of queries found within a rank", curves, beside)),
        "names": list(curves),
        "map": _map(run, seed),
    }


class _Pictures:
    """Crops of a run's images, read when they are shown; none for vectors from a file."""

    def __init__(self, run: "Evaluated") -> None:
        self._run = run
        self._found: dict[int, Crop | None] = {}

    def get(self, row: int | None, alt: str) -> Crop | None:
        images = self._run.images
        if row is None or images is None:
            return None
        if row not in self._found:
            data = _as_jpeg(images.dataset.file(images.records[row]))
            self._found[row] = Crops({"": data}, _CROP_HEIGHT).get("", alt)
        return self._found[row]


def _as_jpeg(path: Path) -> bytes:
    from PIL import Image as Pictures

    data = path.read_bytes()
    if data[:2] == b"\xff\xd8":
        return data
    import io

    with Pictures.open(io.BytesIO(data)) as picture:
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _examples(contest: "Contest", scores: "Scores", crops: _Pictures, seed: int) -> dict[str, Any]:
    """Queries drawn at random, and those whose right image comes last."""
    ranks = rank_similarities(scores, contest.sides)
    some = np.sort(generator(seed, "examples").permutation(len(ranks))[:_EXAMPLES])
    hardest = np.lexsort((ranks.precision, -ranks.images))[:_HARDEST]

    def shown(places: Any) -> tuple[RankedQuery, ...]:
        rows = ranks.rows[places]
        lists = ranked_lists(scores[rows], contest.sides.rows(rows), _LIST)
        found = []
        for place, row, columns in zip(places.tolist(), rows.tolist(), lists.tolist(), strict=True):
            listed = tuple(
                ListedImage(
                    crops.get(_row(contest.gallery_rows, column), "gallery image"),
                    bool(contest.sides.gallery_ids[column] == contest.sides.query_ids[row]),
                    float(scores[row, column]),
                    f"{contest.sides.gallery_ids[column]} · cam {contest.sides.gallery_cameras[column]}",
                )
                for column in columns
                if column >= 0
            )
            said = f"{contest.sides.query_ids[row]}, camera {contest.sides.query_cameras[row]}"
            crop = crops.get(_row(contest.query_rows, row), "query")
            found.append(
                RankedQuery(crop, said, int(ranks.images[place]), float(ranks.precision[place]), listed)
            )
        return tuple(found)

    return {"examples": shown(some), "hardest": shown(hardest)}


def _row(rows: Any, place: int) -> int | None:
    return None if rows is None else int(rows[place])


def _histogram(scores: "Scores", sides: "Sides", seed: int) -> str:
    seen = ~sides.hidden()
    same, different = scores[seen & sides.same()], scores[seen & ~sides.same()]
    rng = generator(seed, "histogram")
    few = [part[rng.permutation(len(part))[:_SCORES]].tolist() for part in (same, different)]
    return figures.histogram(
        "Scores of pairs of one person and of two",
        ("right|one person", few[0]),
        ("other|two people", few[1]),
    )


def _matrix(cameras: Sequence[Mapping[str, Any]]) -> Matrix:
    columns = tuple(sorted({pair["gallery"] for pair in cameras}))
    found = {(pair["query"], pair["gallery"]): pair for pair in cameras}
    asks = sorted({pair["query"] for pair in cameras})
    return Matrix(columns, tuple((ask, tuple(found.get((ask, other)) for other in columns)) for ask in asks))


def _map(run: "Evaluated", seed: int) -> str | None:
    """t-SNE of some identities that both sides know (van der Maaten and Hinton, JMLR 2008)."""
    from sklearn.manifold import TSNE

    contest = next(iter(run.contests.values()))[0]
    sides = contest.sides
    both = np.intersect1d(sides.query_ids, sides.gallery_ids)
    rng = generator(seed, "map")
    people = np.sort(rng.permutation(both)[:_PEOPLE])
    vectors, marks = [], []
    for number, identity in enumerate(people.tolist()):
        for side, ids, cameras in (
            (contest.query, sides.query_ids, sides.query_cameras),
            (contest.gallery, sides.gallery_ids, sides.gallery_cameras),
        ):
            for row in rng.permutation(np.flatnonzero(ids == identity))[:_IMAGES].tolist():
                asks = side is contest.query
                role = "query" if asks else "gallery"
                vectors.append(side[row])
                marks.append((number, asks, f"identity {identity}, camera {cameras[row]}, {role}"))
    if len(vectors) < 4:
        return None
    plane = TSNE(
        perplexity=min(20.0, (len(vectors) - 1) / 3), metric="cosine", init="random", random_state=seed
    ).fit_transform(np.stack(vectors))
    points = [(float(x), float(y), *mark) for (x, y), mark in zip(plane.tolist(), marks, strict=True)]
    return Markup(charts.scatter(f"{len(people)} identities, queries as triangles", points))
