"""The models and the migrations agree, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servers import Postgres

from tasks.store import migrate
from tasks.store.database import Database


def test_the_migrated_tables_are_those_of_the_models(database: Database) -> None:
    assert migrate.at_head(database)
    assert migrate.drift(database) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate.upgrade(database)
    assert migrate.at_head(database)


def test_an_empty_database_is_not_at_head(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    assert not migrate.at_head(database)
    assert migrate.drift(database)
    database.close()


def test_several_processes_that_start_at_once_migrate_once(postgres: Postgres) -> None:
    database = Database(postgres.create("race"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, [database] * 4))
    assert migrate.at_head(database)
    database.close()


def test_several_processes_may_start_on_one_new_file(tmp_path: Path) -> None:
    databases = [Database(f"sqlite:///{tmp_path / 'race.db'}") for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate.upgrade, databases))
    assert migrate.at_head(databases[0])
    for database in databases:
        database.close()
