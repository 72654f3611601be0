"""Every table and column that could hold something of a person says what becomes of it."""

from pathlib import Path

import pytest
from sqlalchemy import Boolean, Float, Integer, create_engine, inspect

from reid_core.erasure.holdings import HOLDINGS
from reid_core.gallery import Gallery
from reid_core.querying.local_vectors import _TABLE as LOCAL

# What can hold neither bytes nor an id of a person.
_PLAIN = (Boolean, Integer, Float)


def unclassified(url):
    """Tables that no line speaks of, and columns of the others that none names."""
    engine = create_engine(url)
    found = set()
    for table in inspect(engine).get_table_names():
        holding = HOLDINGS.get(table)
        if holding is None:
            found.add(table)
            continue
        named = {*holding.rows, *holding.naming, *holding.scrubbed, *holding.otherwise, *holding.own}
        for column in inspect(engine).get_columns(table):
            if column["name"] not in named and not isinstance(column["type"], _PLAIN):
                found.add(f"{table}.{column['name']}")
    engine.dispose()
    return found


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Gallery.open(url) as gallery, gallery.database.write() as session:
        LOCAL.create(session.connection())
    return url


def test_every_column_of_every_table_is_classified(url):
    assert unclassified(url) == set()
    engine = create_engine(url)
    there = {name: {one["name"] for one in inspect(engine).get_columns(name)} for name in HOLDINGS}
    for name, holding in HOLDINGS.items():
        named = {*holding.rows, *holding.naming, *holding.scrubbed, *holding.otherwise, *holding.own}
        assert named <= there[name], f"{name} has no such columns"
    engine.dispose()


def test_a_new_table_and_a_new_column_are_found(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE faces (id INTEGER, picture BLOB)")
        connection.exec_driver_sql("ALTER TABLE captions ADD COLUMN spoken BLOB")
    engine.dispose()
    assert unclassified(url) == {"faces", "captions.spoken"}


def becomes(holding):
    """What the page says becomes of a table's rows."""
    parts = []
    if holding.rows or holding.naming:
        parts.append("rows of them go")
    if holding.scrubbed:
        parts.append(f"named no more in {', '.join(f'`{one}`' for one in holding.scrubbed)} of others")
    if holding.otherwise:
        parts.append(f"put right in {', '.join(f'`{one}`' for one in holding.otherwise)}")
    return "; ".join(parts) or f"stays: {holding.stays}"


def holdings_table():
    lines = ["| table | holds | when somebody is erased |", "|---|---|---|"]
    return "\n".join(
        lines + [f"| `{name}` | {one.what} | {becomes(one)} |" for name, one in sorted(HOLDINGS.items())]
    )


def test_the_page_says_what_every_table_holds():
    page = (Path(__file__).parents[2] / "docs/privacy.md").read_text("utf-8")
    told = page.partition("<!-- holdings -->\n")[2].partition("\n<!-- /holdings -->")[0]
    assert told == holdings_table()
