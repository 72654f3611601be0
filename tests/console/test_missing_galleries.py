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
