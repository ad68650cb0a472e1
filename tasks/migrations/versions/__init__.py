"""Alembic's scripts: how the tables came to be. Run by `tasks.store.migrate`."""
