"""All tables of a gallery, whichever file of the project declares them."""

from importlib import import_module
from pathlib import Path

from sqlalchemy import MetaData

import reid_core
from reid_core.gallery.schema import Base


def whole_schema() -> MetaData:
    """Every table, once the files that declare them (``rows.py``, ``*_rows.py``) are imported."""
    root = Path(reid_core.__file__).parent
    for file in sorted(root.rglob("*rows.py")):
        import_module(".".join(file.relative_to(root.parent).with_suffix("").parts))
    return Base.metadata
