"""Alembic's entry: `server.store.migrate` hands over the connection."""

from alembic import context
from sqlalchemy import Connection

from server.store import films, identity, materials, outcomes, places, recordings, removals, restreams, subscriptions  # noqa: F401  (their tables belong to the same metadata)
from server.store.tables import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
