"""Galleries for these tests: in files, and on PostgreSQL with pgvector."""

import shutil

import pytest
from sqlalchemy import create_engine, text

from reid_core.gallery import Gallery
from reid_core.gallery.schema import Base


@pytest.fixture(scope="session")
def _postgres_gallery(postgres_server):
    url = postgres_server.fresh_database()
    Gallery.open(url).close()
    return url


@pytest.fixture
def postgres_gallery(_postgres_gallery):
    """Address of an empty gallery in PostgreSQL."""
    yield _postgres_gallery
    empty(_postgres_gallery)


@pytest.fixture(scope="session")
def _sqlite_gallery(tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "x.db"
    Gallery.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite_gallery(_sqlite_gallery, tmp_path):
    """Address of an empty gallery in a file."""
    return f"sqlite:///{shutil.copy(_sqlite_gallery, tmp_path)}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request):
    """Address of an empty gallery: once in a file, once in PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_gallery")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def books(request):
    """As `url`, for those of whom the unit part need not see both."""
    return request.getfixturevalue(f"{request.param}_gallery")


def empty(url):
    """Take everything out of a gallery, as if it were new."""
    engine = create_engine(url)
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        connection.execute(text("INSERT INTO gallery_meta VALUES ('chain', '')"))
    engine.dispose()
