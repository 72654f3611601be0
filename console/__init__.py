"""The faces: the ``nightreid`` command and the report."""
