"""Bringing a database to the tables of this version, and asking whether it is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def upgrade(database: Database, to: str = "head") -> None:
    """Run the missing migrations, all or none of each; several processes may ask at once."""
    if at_head(database):
        return
    engine = database.engine.execution_options(paperround_migrate=True)
    with engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        bring(connection, to)


def bring(connection: Connection, to: str = "head") -> None:
    """Run the missing migrations within this transaction."""
    command.upgrade(_config(connection), to)


def clear(connection: Connection) -> None:
    """Drop every table, with all that is in it, within this transaction."""
    command.downgrade(_config(connection), "base")


def revision(connection: Connection) -> str | None:
    """The migration that this database stands at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def knows(name: str) -> bool:
    """Whether this version of Paperround has a migration of that name."""
    return name in {script.revision for script in _scripts().walk_revisions()}


def at_head(database: Database) -> bool:
    """Whether the database has all tables of this version."""
    with database.engine.connect() as connection:
        return revision(connection) == head()


def head() -> str | None:
    """The newest migration's name."""
    return _scripts().get_current_head()


def drift(database: Database) -> list[object]:
    """Differences between the models and the migrated tables; empty when they agree."""
    with database.engine.connect() as connection:
        opts = {"compare_type": True, "include_name": is_of_models}
        found = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(found, SQLModel.metadata))


def is_of_models(name: str | None, kind: str, parents: Mapping[Any, str | None]) -> bool:
    """Whether a table, column or index of the database is one that the models know.

    The search index is each database's own: tables of SQLite, a column and its index of PostgreSQL.
    """
    if kind == "column":
        return (parents["table_name"], name) != ("entry", "search")
    return not (name or "").startswith("entry_search")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(SCRIPTS))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config
