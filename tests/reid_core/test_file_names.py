import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reid_core.errors import SourceError
from reid_core.file_names import openable, path_of, readable_path, readable_text


@given(st.binary(max_size=40).filter(lambda name: b"\0" not in name))
@example(rb"entr\xe9e.mp4")
@example(b"entr\xe9e.mp4")
@example(b"\\x5cxe9\\\\x41\\xE9")
@example("entrée\n.mp4".encode())
def test_a_name_comes_back_and_is_text_everywhere(name):
    shown = readable_path(os.fsdecode(name))
    assert shown.encode().decode() == shown and "\n" not in shown
    assert os.fsencode(path_of(shown)) == name


@given(*[st.binary(max_size=6).filter(lambda name: b"\0" not in name)] * 2)
def test_no_two_names_look_the_same(one, other):
    assert (readable_path(os.fsdecode(one)) == readable_path(os.fsdecode(other))) == (one == other)


def test_names_are_readable_and_plain_ones_as_they_were():
    assert readable_path(os.fsdecode(b"d\xe9p\xf4t/entr\xe9e.mp4")) == r"d\xe9p\xf4t/entr\xe9e.mp4"
    for name in ("gate:08.mp4", "/data/entrée 1.mp4", "a\\b.png", "夜.jpg", r"\x4g"):
        assert readable_path(name) == name


def test_sentences_of_errors_are_text_everywhere():
    error = SourceError(f"The image {os.fsdecode(b'e' + bytes([0xE9]))} is missing.", "Half: \ud800.")
    assert str(error) == r"The image e\xe9 is missing. Half: \ud800."
    assert readable_text("entrée") == "entrée"


@pytest.mark.parametrize("name", [b"gate:08.mp4", b"entr\xe9e.mp4", b"d\xe9p\xf4t/a.mp4", b"a.mp\xe9"])
def test_what_a_decoder_gets_is_a_plain_absolute_name_of_the_same_file(tmp_path, monkeypatch, missing, name):
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(name))
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"content")
    except OSError:
        missing(f"the file system refuses the name {name!r}")
    with openable(path) as opened:
        assert opened.encode() and opened.startswith("/")
        assert Path(opened).read_bytes() == b"content"
        assert name == b"a.mp\xe9" or opened.endswith(".mp4")
    assert path.exists() and (opened == str(path.absolute()) or not Path(opened).exists())
