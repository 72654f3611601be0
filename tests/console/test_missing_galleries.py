"""A gallery's address that is mistyped is told; no command about a gallery makes an empty one of it."""

import pytest

GALLERY = "URL"


@pytest.mark.parametrize(
    "asked",
    [
        ("adapt", "--db", GALLERY),
        ("adapt", "--undo", "--db", GALLERY),
        ("standardise", "--db", GALLERY),
        ("standardise", "--undo", "--db", GALLERY),
        ("reembed", "--reid", "imagenet", "--db", GALLERY),
        ("calibrate", "--gallery", GALLERY),
        ("calibrate", "--gallery", GALLERY, "--labels"),
        ("query", "a red jacket", "--db", GALLERY),
        ("identity", "review", "--db", GALLERY),
        ("watch", "list", "--db", GALLERY),
        ("retention", "report", "--db", GALLERY),
        ("audit", "verify", "--db", GALLERY),
        ("crops", "status", "--db", GALLERY),
        ("hold", "list", "--db", GALLERY),
    ],
    ids=" ".join,
)
def test_it_is_told_and_not_made(asked, command, tmp_path):
    file = tmp_path / "typo.db"
    done = command(*(f"sqlite:///{file}" if word is GALLERY else word for word in asked))
    assert done.status == 2 and "There is no gallery" in done.err
    assert not file.exists()


def test_of_a_server_nothing_is_said_but_that_it_does_not_answer(command):
    done = command("watch", "list", "--db", "postgresql+psycopg://me@127.0.0.1:1/x?sslmode=require")
    assert done.status != 0 and "There is no gallery" not in done.err
    assert "127.0.0.1:1" in done.err
