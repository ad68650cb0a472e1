"""Whole tables as lines of JSON and back, the same whichever database they come from or go to.

What is copied is what the database holds, by its own description of itself and not by the models, so
that a copy can be taken of, and put into, a database of an older version. A line is a JSON list of one
row's values in the order of its columns: times and days in ISO form (UTC, without zone), bytes in
base64, JSON as the text that is kept. Memory holds some rows at a time, whatever the size of a table.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    cast,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import SQLModel

from tasks.errors import UsageError
from tasks.store.database import Database
from tasks.store.migrate import is_of_models

AT_ONCE = 1000  # rows in memory
LARGE_AT_ONCE = 20  # … of tables with bytes, whose rows may have megabytes
MISSED = ("source", "page", "entry", "reader", "admin")
# In this order: the first that fits.
KINDS: tuple[tuple[type[Any], str], ...] = (
    (Boolean, "bool"),
    (Integer, "int"),
    (Float, "float"),
    (DateTime, "time"),
    (Date, "day"),
    (JSON, "json"),
    (LargeBinary, "bytes"),
    (String, "text"),
)
# What a row that is none of this table raises, in a database or before it.
UNFIT = (
    IntegrityError,
    DataError,
    psycopg.DataError,
    psycopg.IntegrityError,
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
)
NUL, NO_SIGN = "\0", "\N{REPLACEMENT CHARACTER}"
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # the backslash is none that is escaped

Convert = Callable[[Any], Any]
ENCODERS: dict[str, Convert] = {
    "time": datetime.isoformat,
    "day": date.isoformat,
    "bytes": lambda value: b64encode(value).decode(),
}
SQLITE: dict[str, Convert] = {
    # As SQLAlchemy writes them: SQLite compares texts.
    "time": lambda value: datetime.fromisoformat(value).isoformat(" ", "microseconds"),
    "bytes": b64decode,
}
POSTGRES: dict[str, Convert] = {
    # PostgreSQL has no NUL in texts, and none in JSON whose words are searched.
    "text": lambda value: value.replace(NUL, NO_SIGN),
    "json": lambda value: _ESCAPED_NUL.sub(r"\1\\ufffd", value),
    "bytes": b64decode,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: its name, and its columns as (name, kind) in order."""

    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(name for name, _ in self.columns)

    @property
    def at_once(self) -> int:
        """How many rows may be in memory."""
        return LARGE_AT_ONCE if any(kind == "bytes" for _, kind in self.columns) else AT_ONCE


def file_of(database: Database) -> Path | None:
    """SQLite's file; None for a database on a server."""
    name = database.engine.url.database
    return Path(name) if database.is_sqlite and name else None


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """One look at everything as it stands at this moment, while others go on writing."""
    options: dict[str, Any] = {"paperround_read": True}
    if not database.is_sqlite:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with database.engine.connect().execution_options(**options) as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        yield connection
        connection.rollback()


def tables(connection: Connection) -> list[Table]:
    """Our tables that are there, each after those it refers to; what else is there is not ours to copy."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name in SQLModel.metadata.tables)
    return list(found.sorted_tables)


def shape(table: Table) -> Shape:
    """The table's description. Raises `TypeError` for a column of a kind that is copied nowhere yet."""
    return Shape(table.name, tuple((column.name, _kind(column)) for column in _columns(table)))


def is_empty(connection: Connection) -> bool:
    """Whether there is nothing in this database that somebody would miss."""
    there = {*inspect(connection).get_table_names()}
    kept = [name for name in MISSED if name in there]
    asked = (connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")) for name in kept)  # noqa: S608 - our own names
    return all(rows.first() is None for rows in asked)


def others(connection: Connection) -> list[str]:
    """What else is connected to this database by the same name, on a server."""
    words = (
        "SELECT DISTINCT coalesce(nullif(application_name, ''), 'unnamed') FROM pg_stat_activity "
        "WHERE datname = current_database() AND usename = current_user "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY 1"
    )
    return [str(name) for name in connection.execute(text(words)).scalars()]


def count(connection: Connection, table: Table) -> int:
    """How many rows it has."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def next_number(connection: Connection, table: Table) -> int | None:
    """The number that the next row gets; None for a table whose rows are not numbered.

    PostgreSQL has given out numbers of rows that are gone, or never were: they do not come again.
    """
    if "id" not in table.columns:
        return None
    if connection.dialect.name == "sqlite":
        newest = connection.execute(select(func.max(table.c.id))).scalar_one()
        return int(newest or 0) + 1
    sequence = _sequence(connection, table.name)
    last, used = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608 - PostgreSQL's own word
    return int(last) + bool(used)


def read(connection: Connection, table: Table) -> Iterator[bytes]:
    """The rows as lines, in the order of their keys."""
    described = shape(table)
    columns = [
        cast(table.c[name], Text) if kind == "json" else table.c[name]
        for name, kind in described.columns
    ]
    encoders = [ENCODERS.get(kind) for _, kind in described.columns]
    asked = select(*columns).order_by(*table.primary_key.columns)
    options = {"yield_per": described.at_once}  # without it a driver takes all rows at once
    with connection.execute(asked, execution_options=options) as rows:
        for row in rows:
            yield json.dumps(_converted(row, encoders), ensure_ascii=False).encode() + b"\n"


def write(
    connection: Connection, table: Table, lines: Iterable[bytes], *, order: Sequence[str]
) -> int:
    """Put rows into an empty table, their values in the `order` of these columns; how many.

    Raises `UsageError` when they do not fit.
    """
    rows = (json.loads(line) for line in lines)
    kinds = dict(shape(table).columns)
    described = Shape(table.name, tuple((name, kinds[name]) for name in order))
    try:
        if connection.dialect.name == "sqlite":
            return _write_sqlite(connection, described, rows)
        return _write_postgres(connection, described, rows)
    except UNFIT as error:
        why = type(getattr(error, "orig", error)).__name__  # its words quote the row
        raise UsageError(f"the rows of {table.name} do not fit this database ({why})") from None


def number_from(connection: Connection, table: Table, following: int | None) -> None:
    """Let the table's next row get the number `following`, where a database keeps count of that."""
    if following is not None and connection.dialect.name != "sqlite":
        words = text("SELECT setval(CAST(:sequence AS regclass), :following, false)")
        sequence = _sequence(connection, table.name)
        connection.execute(words, {"sequence": sequence, "following": following})


def refers_nowhere(connection: Connection) -> list[str]:
    """Tables with rows that refer to rows which are not there. PostgreSQL has looked at every row."""
    if connection.dialect.name != "sqlite":
        return []
    found = connection.exec_driver_sql("PRAGMA foreign_key_check")
    return sorted({str(row[0]) for row in found})


def _write_sqlite(connection: Connection, described: Shape, rows: Iterator[Sequence[Any]]) -> int:
    names = ", ".join(f'"{name}"' for name in described.names)
    marks = ", ".join("?" * len(described.columns))
    words = f'INSERT INTO "{described.name}" ({names}) VALUES ({marks})'  # noqa: S608 - the database's own names
    decoders = [SQLITE.get(kind) for _, kind in described.columns]
    written = 0
    while some := [tuple(_converted(row, decoders)) for row in islice(rows, described.at_once)]:
        connection.exec_driver_sql(words, some)
        written += len(some)
    return written


def _write_postgres(connection: Connection, described: Shape, rows: Iterator[Sequence[Any]]) -> int:
    driver: Any = connection.connection.driver_connection
    names = sql.SQL(", ").join(map(sql.Identifier, described.names))
    words = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(described.name), names)
    decoders = [POSTGRES.get(kind) for _, kind in described.columns]
    written = 0
    with driver.cursor() as cursor, cursor.copy(words) as copy:
        for row in rows:
            copy.write_row(_converted(row, decoders))
            written += 1
    return written


def _converted(row: Sequence[Any], converts: Sequence[Convert | None]) -> list[Any]:
    return [
        value if convert is None or value is None else convert(value)
        for value, convert in zip(row, converts, strict=True)
    ]


def _columns(table: Table) -> list[Column[Any]]:
    inside = {"table_name": table.name}
    return [column for column in table.columns if is_of_models(column.name, "column", inside)]


def _kind(column: Column[Any]) -> str:
    for of, kind in KINDS:
        if isinstance(column.type, of):
            return kind
    raise TypeError(f"{column.table.name}.{column.name} is of no kind that is copied")


def _sequence(connection: Connection, table: str) -> str:
    asked = text("SELECT pg_get_serial_sequence(:table, 'id')")
    return str(connection.execute(asked, {"table": f'"{table}"'}).scalar_one())
