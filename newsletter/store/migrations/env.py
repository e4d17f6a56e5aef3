"""Alembic's entry: the connection comes from `newsletter.store.migrate`."""

from alembic import context

from newsletter.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
