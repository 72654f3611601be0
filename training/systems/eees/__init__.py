"""EEES: a visual network learns beside a text tower, and is used without it."""
