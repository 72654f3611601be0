"""Packages of somebody else: a module and its entry points, as pip would lay them down."""

from collections.abc import Mapping
from pathlib import Path


def install(folder: Path, module: str, source: str, entry_points: Mapping[str, str]) -> None:
    """Write a package into a folder that is, or comes, on ``sys.path``.

    Args:
        folder: taken as site-packages.
        module: its name, and that of the distribution.
        source: of the module.
        entry_points: ``group/name`` -> ``module:attribute``.
    """
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    sections = []
    for place, value in entry_points.items():
        group, _, name = place.partition("/")
        sections.append(f"[{group}]\n{name} = {value}\n")
    (about / "entry_points.txt").write_text("\n".join(sections), encoding="utf-8")
