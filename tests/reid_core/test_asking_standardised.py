"""Queries and watches where vectors are standardised: scores of the one space are none of the other."""

from types import SimpleNamespace

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.standardise import LEAST_TRACKLETS, as_they_are, standardise
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.querying import Form, read_description
from reid_core.querying.asking import Asking
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, near, unit
from tests.support.watched import PEOPLE, Coats, Square

FORM = "mean(10)"
CROP = np.zeros((8, 4, 3), np.uint8)
LENIENT = Calibration(30.0, -9.0, 0.3, 100, 100, "made up")
OF_STANDARDISED = Calibration(9.0, -4.0, 0.4, 100, 100, "standardised")


@pytest.fixture
def square(sqlite_gallery):
    """People of the lobby whose vectors have much in common, standardised."""
    with Gallery.open(sqlite_gallery) as gallery:
        made = Square(gallery)
        made.comes("lobby", *range(8))
        lobby = made.cameras["lobby"]
        common = np.abs(unit(made.draw, LEAST_TRACKLETS, PEOPLE.shape[1]))
        entries = [
            lobby.entry(200_000 + 40 * i, near(one, made.draw, 2, 0.02)) for i, one in enumerate(common)
        ]
        gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.99))
        made.space = standardise(gallery.database, MODEL, FORM).standardisation.space
        yield made


class Models:
    """Whoever is on an image is person 3."""

    encoder = Coats()

    def __init__(self):
        self.forms = []
        self.source = SimpleNamespace(
            model_id=MODEL, manifest=SimpleNamespace(calibrations=self._calibrations)
        )
        self.embedder = SimpleNamespace(
            embed=lambda crops, modality: np.repeat(PEOPLE[3][None], len(crops), 0)
        )

    def _calibrations(self, form):
        self.forms.append(form)
        return {"visible-visible": OF_STANDARDISED} if form is not None else {}


def test_an_image_is_standardised_before_it_is_compared_and_read_by_that_calibration(square):
    models = Models()
    asking = Asking(square.gallery, models, None, Form.IMAGE)
    asking.by_images([CROP], Modality.VISIBLE)
    compared = square.gallery.compared(PEOPLE[3][None], square.space, Modality.VISIBLE)[0]
    assert np.allclose(asking.probe.vector, compared) and not np.allclose(compared, PEOPLE[3], atol=0.05)
    query = asking.query()
    assert query.calibration is OF_STANDARDISED and models.forms == [FORM]
    best = asking.service.ask(query, 1).identities[0]
    third = square.gallery.tracklets()[3]
    assert best.identity == third.identity


def test_a_tracklet_asks_with_its_standardised_vectors(square):
    third = square.gallery.tracklets()[3]
    asking = Asking(square.gallery, Models(), None, Form.IMAGE)
    asking.by_track(third.id)
    stored = square.gallery.vectors(third.id, square.space).vectors
    assert np.array_equal(asking.probe.views, stored)


def test_a_description_is_refused_with_a_way_out(square):
    with pytest.raises(UsageError, match="standardised") as refused:
        Asking(square.gallery, Models(), read_description("a red coat"), Form.TEXT)
    assert "--undo" in str(refused.value.hint)


def test_a_watch_goes_by_links_of_the_standardised_space(square):
    third = square.gallery.tracklets()[3]
    square.watch(identity=third.identity)
    watching = square.looks()
    watching.catch_up()
    assert comes_by_night(square, third) and watching.catch_up() == 1


def test_who_watches_already_goes_by_links_of_a_space_that_is_compared_since(square):
    third = square.gallery.tracklets()[3]
    as_they_are(square.gallery.database, MODEL)
    square.watch(identity=third.identity)
    watching = square.looks()
    watching.catch_up()
    square.space = standardise(square.gallery.database, MODEL, FORM).standardisation.space
    comes_by_night(square, third)
    assert watching.catch_up() == 1


def comes_by_night(square, who):
    """Somebody of the lobby, seen by infrared; the links in the standardised space."""
    # Too few came by night for that side to be standardised: it is compared as it is.
    looks = square.gallery.vectors(who.id, square.space).vectors
    entry = square.cameras["yard"].entry(300_000, looks)
    square.gallery.add_tracklets([entry], square.space, IdentityPolicy(None))
    Linker(square.gallery, Matcher(square.gallery, square.space, LENIENT)).link([entry.tracklet.id])
    return square.gallery.links(square.space)
