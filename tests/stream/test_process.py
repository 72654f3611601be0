"""Freed blocks of megabytes are used again, not fetched anew page by page, and given back when told to."""

import platform
import subprocess
import sys

import pytest

_TRAFFIC = """
import resource, sys, threading
from stream.service.process import suit_to_receiving

if sys.argv[1] == "kept":
    assert suit_to_receiving()
    assert sys.getswitchinterval() < 0.001
elif sys.argv[1] == "of a run":
    sys.argv = ["nightreid", "run", "--visible", "nothing.mp4", "--db", "sqlite://"]
    from console import cli
    try:
        cli.main()
    except SystemExit as ended:
        assert ended.code

def copy(count):
    for _ in range(count):
        bytes(bytearray(4 << 20)) + bytes(300_000)

def elsewhere(count):
    thread = threading.Thread(target=copy, args=(count,))
    thread.start()
    thread.join()

elsewhere(10)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
elsewhere(50)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    """Pages that the system had to find for fifty times twelve megabytes."""
    done = subprocess.run([sys.executable, "-c", _TRAFFIC, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_large_blocks_are_used_again():
    assert faults("kept") < 10_000
    assert faults("of a run") < 10_000
    assert faults("as it was") > 50_000


_BURST = """
from pathlib import Path
from stream.service.process import return_memory, suit_to_receiving

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

suit_to_receiving()
before = resident()
burst = [bytearray(b"x") * (1 << 20) for _ in range(100)]
kept = bytearray(b"x") * 200_000
del burst
after = resident()
assert return_memory()
print(after - before, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_what_a_burst_took_is_given_back():
    done = subprocess.run([sys.executable, "-c", _BURST], capture_output=True, text=True, check=True)
    kept, left = map(int, done.stdout.split())
    assert kept > 90
    assert left < 10
