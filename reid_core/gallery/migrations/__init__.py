"""The gallery's schema, revision by revision (Alembic)."""
