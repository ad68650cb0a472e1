"""The models and the migrations agree, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servers import Postgres
from sqlalchemy import delete
from sqlmodel import col, select

from tasks import models
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


ROWS = (
    "INSERT INTO shard (id, state, owner, attempts, error, scored, generation)"
    " VALUES (1, 'idle', '', 0, '', 0, 0)",
    "INSERT INTO reader (id, email, name, state, timezone, days, hour, language, about, most,"
    " threshold, explore, text_only, token, created_at, shard_id) VALUES (1, 'ada@readers.example',"
    " '', 'active', 'UTC', '12345', 7, 'en', 5, 10, 0.02, true, false, 't', '2026-11-20', 1)",
    "INSERT INTO digest (id, state, owner, attempts, error, reader_id, day, due_at, planned_at,"
    " considered, reason, subject) VALUES (1, 'rendered', '', 0, '', 1, '2026-11-20', '2026-11-20',"
    " '2026-11-20', 1, '', 'S')",
    "INSERT INTO delivery (id, state, owner, attempts, error, digest_id, reader_id, key,"
    " message_id, sender, recipient, body, expires_at, created_at, reply) VALUES (1, 'sent', '', 1,"
    " '', 1, 1, 'k', 'm', 's', 'r', '', '2026-11-21', '2026-11-20', '250')",
    "INSERT INTO attempt (id, delivery_id, number, at, owner, phase, outcome, reply)"
    " VALUES (1, 1, 1, '2026-11-20', '', 'dot', 'sent', '250')",
)


def test_a_database_of_the_first_release_keeps_its_rows(tmp_path: Path, postgres: Postgres) -> None:
    for url in (f"sqlite:///{tmp_path / 'old.db'}", postgres.create("old")):
        database = Database(url)
        migrate.upgrade(database, "0001")
        with database.engine.begin() as connection:
            for row in ROWS:
                connection.exec_driver_sql(row)
        migrate.upgrade(database)
        assert migrate.at_head(database)
        with database.engine.connect() as connection:
            kept = connection.exec_driver_sql(
                "SELECT length, epoch, letter, delivery.reply"
                " FROM reader JOIN delivery ON reader_id = reader.id"
            )
            assert list(kept) == [("normal", 0, "", "250")]
            tried = connection.exec_driver_sql("SELECT outcome FROM attempt JOIN delivery ON 1 = 1")
            assert list(tried) == [("sent",)], "making a table anew takes nothing along"
        with database.write() as session:
            [key] = session.exec(select(models.Reader.id))
            session.execute(delete(models.Reader).where(col(models.Reader.id) == key))
        with database.read() as session:
            assert session.exec(select(models.Attempt)).all() == [], "and rows still go together"
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
