"""Runs the revisions on the connection that `reid_core.gallery.database` hands over."""

from alembic import context

from reid_core.gallery.correction_rows import CorrectionRow

context.configure(
    connection=context.config.attributes["connection"],
    # Of every table: its file reads that of the others.
    target_metadata=CorrectionRow.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
