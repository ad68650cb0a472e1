"""Bringing a database to the tables of this version, and asking whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from tasks import models
from tasks.store.database import Database

SCRIPTS = Path(models.__file__).parent / "migrations"
LOCK = 7_346_202  # any number of ours: two starting processes must not migrate side by side


def upgrade(database: Database) -> None:
    """Run the missing migrations, all or none of each; several processes may ask at once."""
    if at_head(database):
        return
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        command.upgrade(_config(connection), "head")


def at_head(database: Database) -> bool:
    """Whether the database has all tables of this version."""
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == head()


def head() -> str | None:
    """The newest migration's name."""
    return ScriptDirectory(str(SCRIPTS)).get_current_head()


def drift(database: Database) -> list[object]:
    """Differences between the models and the migrated tables; empty when they agree."""
    with database.engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(found, SQLModel.metadata))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config
