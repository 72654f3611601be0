"""Keys of crops: where they come from, which is written with, what is said where one is missing or wrong."""

import os

import pytest

from reid_core.errors import UsageError
from reid_core.sealing import (
    FOLDER_VARIABLE,
    KEYS_VARIABLE,
    Purpose,
    SealingKeyError,
    key_of,
    key_ring,
    make_key,
)
from reid_core.sealing.sealed import overhead

ONE, TWO = "11" * 32, "22" * 32
CROP = b"\xff\xd8\xff" + bytes(range(256)) * 4


def ring(text="", folder=""):
    return key_ring({KEYS_VARIABLE: text, FOLDER_VARIABLE: str(folder)})


def test_what_is_encrypted_comes_back_and_is_never_twice_the_same():
    keys = ring(f"default.1={ONE}")
    first, again = (keys.seal(CROP, "default", Purpose.CROP) for _ in range(2))
    assert first != again and CROP[8:24] not in first
    assert len(first) == len(CROP) + overhead("default.1") and key_of(first) == "default.1"
    assert keys.opened(first, Purpose.CROP) == keys.opened(again, Purpose.CROP) == CROP
    assert keys.opened(CROP, Purpose.CROP) == CROP and keys.seal(b"", "default", Purpose.CROP) == b""


def test_the_highest_number_is_written_with_and_the_others_are_read_with():
    old = ring(f"default.9={ONE}").seal(CROP, "default", Purpose.CROP)
    both = ring(f"default.9={ONE}, default.10={TWO}\nyard.11={TWO}")
    assert key_of(both.seal(CROP, "default", Purpose.CROP)) == "default.10"
    assert both.opened(old, Purpose.CROP) == CROP


@pytest.mark.parametrize("place", [3, 8, 20, 40, -1])
def test_one_changed_byte_is_noticed(place):
    keys = ring(f"default.1={ONE}")
    stored = bytearray(keys.seal(CROP, "default", Purpose.CROP))
    stored[place] ^= 1
    if place == 3:
        assert keys.opened(bytes(stored), Purpose.CROP) == bytes(stored), (
            "it says no more that it is encrypted"
        )
        return
    with pytest.raises(SealingKeyError):
        keys.opened(bytes(stored), Purpose.CROP)


def test_bytes_that_were_cut_off_are_noticed():
    keys = ring(f"default.1={ONE}")
    stored = keys.seal(CROP, "default", Purpose.CROP)
    for length in range(5, overhead("default.1") + 1):
        with pytest.raises(SealingKeyError):
            keys.opened(stored[:length], Purpose.CROP)


def test_a_crop_cannot_stand_for_a_staged_tracklet():
    keys = ring(f"default.1={ONE}")
    stored = keys.seal(CROP, "default", Purpose.CROP)
    with pytest.raises(SealingKeyError):
        keys.opened(stored, Purpose.STAGED)


def test_another_key_of_the_same_name_and_a_missing_one_are_told_without_any_key():
    stored = ring(f"default.1={ONE}").seal(CROP, "default", Purpose.CROP)
    with pytest.raises(
        SealingKeyError, match=r"A crop cannot be decrypted: the key default\.1 is another"
    ) as wrong:
        ring(f"default.1={TWO}").opened(stored, Purpose.CROP)
    with pytest.raises(
        SealingKeyError, match=r"encrypted with the key default\.1, which is not there"
    ) as gone:
        ring(f"default.2={TWO}").opened(stored, Purpose.CROP)
    with pytest.raises(SealingKeyError, match="no key of the class yard") as none:
        ring(f"default.1={ONE}").seal(CROP, "yard", Purpose.CROP)
    said = "".join(f"{one.value} {one.value.hint}" for one in (wrong, gone, none)) + repr(
        ring(f"default.1={ONE}")
    )
    assert ONE not in said and TWO not in said and "1111" not in said


@pytest.mark.parametrize(
    "text", [ONE, f"default={ONE}", "default.1=", f"default.1={ONE}00", "default.1=11", f"Default.1={ONE}"]
)
def test_what_is_no_key_is_refused_and_not_repeated(text):
    with pytest.raises(SealingKeyError) as refused:
        ring(text)
    assert ONE not in f"{refused.value} {refused.value.hint}"


def test_two_keys_of_one_name_are_refused():
    with pytest.raises(SealingKeyError, match=r"two keys default\.1"):
        ring(f"default.1={ONE} default.1={TWO}")


def test_keys_in_files_are_made_counted_closed_and_read_anew(tmp_path):
    folder = tmp_path / "keys"
    named = {FOLDER_VARIABLE: str(folder)}
    assert [make_key("default", named), make_key("default", named), make_key("yard", named)] == [
        "default.1",
        "default.2",
        "yard.1",
    ]
    assert set(ring("", folder).secrets) == {"default.1", "default.2", "yard.1"}
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    stored = ring("", folder).seal(CROP, "yard", Purpose.CROP)
    # Destroying a key is removing its file: a process that knew it forgets it.
    (folder / "yard.1.key").unlink()
    with pytest.raises(SealingKeyError, match=r"nightreid crops forget yard\.1"):
        ring("", folder).opened(stored, Purpose.CROP)


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_key_that_others_may_read_is_refused(tmp_path):
    make_key("default", {FOLDER_VARIABLE: str(tmp_path)})
    (tmp_path / "default.1.key").chmod(0o644)
    os.utime(tmp_path, ns=(1, 1))
    with pytest.raises(SealingKeyError, match="Others may use"):
        ring("", tmp_path)


def test_a_key_needs_a_folder_and_a_class():
    with pytest.raises(UsageError, match="none is named"):
        make_key("default", {})
    with pytest.raises(UsageError, match="no class"):
        make_key("../x", {FOLDER_VARIABLE: "/nowhere"})
