import os
from pathlib import Path

import pytest

from reid_core.errors import SourceError
from reid_core.listing import list_files, list_images, naturally_ordered


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def listed(folder, **options):
    return [path.relative_to(folder).as_posix() for path in list_images(folder, **options)]


@pytest.mark.parametrize(
    "names",
    [
        # A clock's seconds, as Python prints them.
        ["1763625599.97", "1763625600", "1763625600.03", "1763625600.2", "1763625600.21", "1763625601.0"],
        ["0.05", "0.5", "9.75", "10.25", "10.5"],
        ["0,05", "0,5", "10,25"],
        ["t_1763625600.03", "t_1763625600.2", "t_1763625600.21"],
        ["t_1763625600.2", "t_1763625600.21", "t_1763625600.3"],
        ["frame9.05", "frame9.5", "frame10.25"],
        # Two numbers: the camera's and the frame's.
        ["cam1.8", "cam1.9", "cam1.11", "cam2.1"],
        ["1.1", "1.2", "1.9", "1.10", "1.11"],
        ["2026.1.2", "2026.1.10", "2026.10.1"],
        ["1.2.3", "1.2.10", "1.10.1"],
    ],
)
def test_numbers_with_a_point_are_read_as_what_they_are(names):
    paths = [Path(f"{name}.jpg") for name in names]
    for shuffled in (paths, paths[::-1], sorted(paths)):
        assert naturally_ordered(shuffled) == paths


def test_a_folders_own_images_come_before_those_below(tmp_path):
    touch(tmp_path, "b/10.png", "b/9.png", "z.png", "c10/1.png", "c9/1.png", ".x/1.png", "b/notes.txt")
    assert listed(tmp_path) == ["z.png", "b/9.png", "b/10.png", "c9/1.png", "c10/1.png"]
    assert listed(tmp_path, recursive=False) == ["z.png"]
    assert [path.name for path in list_files(tmp_path / "b")] == ["9.png", "10.png", "notes.txt"]
    with pytest.raises(SourceError, match="does not exist"):
        list_images(tmp_path / "z.png")


def test_links_are_followed_and_circles_end(tmp_path):
    touch(tmp_path, "elsewhere/night/3.png", "own/1.png", "own/b/2.png")
    own = tmp_path / "own"
    (own / "linked").symlink_to(tmp_path / "elsewhere")
    (own / "2.png").symlink_to(own / "b/2.png")
    (own / "b/again").symlink_to(own)
    (tmp_path / "elsewhere/night/back").symlink_to(own / "linked")
    assert listed(own) == ["1.png", "2.png", "b/2.png", "linked/night/3.png"]
    assert listed(own / "linked") == ["night/3.png"]


def test_a_link_that_leads_nowhere_is_for_its_reader_to_tell(tmp_path):
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "round.png").symlink_to(tmp_path / "round.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "linked.png").symlink_to(tmp_path / "pipe.png")
    (tmp_path / "folder").symlink_to(tmp_path / "no folder")
    assert listed(tmp_path) == ["gone.png", "round.png"]
