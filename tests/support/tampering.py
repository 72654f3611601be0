"""Whoever has the database, but not the key: statements past all triggers."""

from sqlalchemy import create_engine, text

_GUARDS = ("audit_log_no_update", "audit_log_no_delete", "audit_parts_no_update", "audit_head_no_delete")


def tamper(url: str, *statements: str) -> None:
    """Run statements on a gallery's database with its guards taken away."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for guard in (*_GUARDS, "audit_log_in_order"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS {guard}"))
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
