"""Folders of files, and what a check of them found."""

import contextlib
import os

from training.datasets.checking import Severity


def touch(root, paths):
    """Empty files, quickly."""
    made = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in made:
            (root / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        os.close(os.open(root / path, os.O_CREAT))


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def found(report, severity=None):
    """Code -> finding, each kind once."""
    codes = [each.code for each in report.findings if severity in (None, each.severity)]
    assert len(codes) == len(set(codes)), codes
    return {each.code: each for each in report.findings if severity in (None, each.severity)}


def errors(report):
    return found(report, Severity.ERROR)


def notes(report):
    return found(report, Severity.NOTE)


@contextlib.contextmanager
def without(path):
    """A file or folder is away for a while."""
    away = path.with_name(f".away-{path.name}")
    path.rename(away)
    yield
    away.rename(path)


@contextlib.contextmanager
def holding(path, text):
    """A file holds something else for a while, or is there for a while."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    yield
    if before is None:
        path.unlink()
    else:
        path.write_bytes(before)
