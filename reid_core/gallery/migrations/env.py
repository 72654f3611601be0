"""Runs the revisions on the connection that `reid_core.gallery.database` hands over."""

from alembic import context

from reid_core.gallery.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
