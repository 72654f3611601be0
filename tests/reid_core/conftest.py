"""Galleries for these tests: in files, and on PostgreSQL with pgvector."""

import shutil

import pytest

from reid_core.gallery import Gallery
from tests.support.tables import whole_schema


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
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(_emptying(connection))


def _emptying(connection):
    # Rows are few: deleting them takes a tenth of what TRUNCATE does, which makes each table's files anew.
    numbers = connection.execute("SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL")
    # The audit log refuses it.
    steps = ["SET session_replication_role = replica"]
    steps += [f"DELETE FROM {table.name}" for table in whole_schema().sorted_tables]
    steps += [f"ALTER SEQUENCE {name} RESTART" for (name,) in numbers]
    return "; ".join([*steps, "INSERT INTO gallery_meta VALUES ('chain', '')"])
