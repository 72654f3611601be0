"""The audit log: a chain of rows that triggers keep as they are, and what is personal beside it.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_REFUSAL = "the audit log is only appended to"
# Table, and what of it is refused.
_FIXED = (
    ("audit_log", "UPDATE"),
    ("audit_log", "DELETE"),
    ("audit_parts", "UPDATE"),
    ("audit_head", "DELETE"),
)


def upgrade() -> None:
    """Create the tables and what guards them."""
    op.create_table(
        "audit_log",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("purpose_digest", sa.String(64), nullable=False),
        sa.Column("details_digest", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_time_ns", "audit_log", ["time_ns"])
    op.create_index("ix_audit_log_actor_number", "audit_log", ["actor", "number"])
    op.create_index("ix_audit_log_action_number", "audit_log", ["action", "number"])
    op.create_table(
        "audit_parts",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", "part", name="pk_audit_parts"),
        sa.ForeignKeyConstraint(["number"], ["audit_log.number"], name="fk_audit_parts_number"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("era", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        _guard_sqlite()
    elif dialect == "postgresql":
        _guard_postgresql()


def _guard_sqlite() -> None:
    for table, what in _FIXED:
        op.execute(
            f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
    op.execute(
        "CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log "
        "WHEN NOT EXISTS (SELECT 1 FROM audit_head WHERE number = NEW.number - 1 AND hash = NEW.previous) "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    for table, what in _FIXED:
        op.execute(
            f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
    for table in ("audit_log", "audit_parts", "audit_head"):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )
    op.execute(
        "CREATE FUNCTION audit_in_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NOT EXISTS (SELECT 1 FROM audit_head WHERE number = NEW.number - 1 AND hash = NEW.previous) "
        f"THEN RAISE EXCEPTION '{_REFUSAL}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log "
        "FOR EACH ROW EXECUTE FUNCTION audit_in_order()"
    )


def downgrade() -> None:
    """Drop them, and with the tables what guards them."""
    op.drop_table("audit_head")
    op.drop_table("audit_parts")
    op.drop_table("audit_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuse()")
        op.execute("DROP FUNCTION audit_in_order()")
