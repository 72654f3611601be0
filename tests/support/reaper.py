"""Ends what a test session started once the session itself is gone, even by kill -9.

Reads lines from its standard input, ``process PID``, ``ended PID`` or ``folder PATH``; when the other end
closes, kills the processes with all their descendants and removes the folders.
"""

import shutil
import sys

import psutil


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants, itself first; empty where it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def main() -> None:
    """Listen until nobody is left to say anything."""
    processes: set[int] = set()
    folders: list[str] = []
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "process":
            processes.add(int(rest))
        elif word == "ended":
            processes.discard(int(rest))
        elif word == "folder":
            folders.append(rest)
    for pid in processes:
        for process in family(pid):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
