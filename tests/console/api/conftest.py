"""The console over a small gallery of people who wear one colour each, and over an empty one."""

import shutil

import pytest

from reid_core.gallery import Gallery
from tests.reid_core.conftest import (
    _postgres_gallery,
    _sqlite_gallery,
    books,
    postgres_gallery,
    sqlite_gallery,
)
from tests.support.colour_hall import colour_encoder, colour_hall
from tests.support.colour_words import install_colour_words
from tests.support.serving import SERVED, serve

__all__ = ["_postgres_gallery", "_sqlite_gallery", "books", "postgres_gallery", "sqlite_gallery"]


@pytest.fixture(scope="session")
def colour_text(tmp_path_factory, colour_checkpoint):
    """Folder of a text encoder that knows colours."""
    packages = tmp_path_factory.mktemp("site-packages")
    install_colour_words(packages)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(packages)
        yield colour_encoder(tmp_path_factory.mktemp("encoder") / "colours", colour_checkpoint)


@pytest.fixture
def hall(colour_checkpoint):
    """Some people, in memory."""
    with Gallery.open("sqlite://") as gallery:
        yield colour_hall(gallery, colour_checkpoint)


@pytest.fixture
def colour_settings(colour_checkpoint, colour_text):
    """Settings of a console that understands what is asked about them: ``colour_settings(policy={…})``."""

    def make(**changes):
        models = {"reid": str(colour_checkpoint), "text": str(colour_text)}
        said = SERVED.model_dump() | {"models": models}
        for name, value in changes.items():
            said[name] = said[name] | value if isinstance(said[name], dict) else value
        return type(SERVED).model_validate(said)

    return make


@pytest.fixture
def served(hall, colour_settings):
    """The console over them; a search needs no purpose."""
    console = serve(hall.gallery, colour_settings(policy={"purpose": ()}))
    yield console
    console.context.close()


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "x.db"
    Gallery.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def empty_gallery(_migrated, tmp_path):
    """An empty gallery in a file."""
    with Gallery.open(f"sqlite:///{shutil.copy(_migrated, tmp_path)}") as gallery:
        yield gallery


@pytest.fixture
def bare(empty_gallery):
    """The console over it, with the settings of an installation behind a proxy that ends TLS."""
    return serve(empty_gallery)
