"""OpenVINO in a process that signals reach."""

import subprocess
import sys

import pytest

# What the library gives back in another order than it took it is a stack that is gone.
COMING_AND_GOING = """
import ctypes, gc, signal, sys
from reid_core.runtime import load_embedder

class Stack(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

def stack():
    now = Stack()
    assert not ctypes.CDLL(None).sigaltstack(None, ctypes.byref(now))
    return now

def is_mapped(now):
    for line in open("/proc/self/maps"):
        first, last = (int(each, 16) for each in line.split()[0].split("-"))
        if first <= now.start and now.start + now.size <= last:
            return True
    return False

first = load_embedder()
begun = stack()
second, third = load_embedder(), load_embedder()
del second
gc.collect()
del third
gc.collect()
now = stack()
assert (now.start, now.size) == (begun.start, begun.size), "another stack"
assert not now.start or is_mapped(now), "a stack that is gone"
got = []
signal.signal(signal.SIGTERM, lambda *_: got.append("SIGTERM"))
signal.raise_signal(signal.SIGTERM)
print(*got)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the library does this on Linux only")
def test_networks_that_come_and_go_leave_signals_their_stack():
    done = subprocess.run([sys.executable, "-c", COMING_AND_GOING], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "SIGTERM\n"), done.stderr
