"""A backup: everything that the database holds and the home's secret, in one file.

A zip of `tables/NAME.jsonl` for each table (see `tasks.store.copying`), the `secret` that signs the links
of mails where Paperround made it itself, and `manifest.json`: format, version, migration, when it was
made, and of each member its SHA-256 and how many rows. It restores on either database. It holds readers'
addresses and the secret, so it is its owner's alone (0600); mailbox, shelves and settings are not in it.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from sqlalchemy import Connection

from tasks.errors import UsageError
from tasks.round.context import Context
from tasks.sealing import Seal
from tasks.store import copying, migrate

FORMAT = 1
MANIFEST, SECRET = "manifest.json", "secret"
LEVEL = 1  # of compression: more takes several times as long and saves a tenth
MANIFEST_MOST = 10 * 2**20
# What reading a spoilt zip raises, and JSON that is none or too deep.
BROKEN = (BadZipFile, EOFError, OSError, ValueError, RuntimeError, zlib.error, lzma.LZMAError)

Told = Callable[[str, int, int], object]  # what is being done, rows done, of how many


@dataclass(frozen=True, slots=True)
class Kept:
    """A table of a backup: its columns with their kinds, its rows, the number its next row gets."""

    columns: list[list[str]]
    rows: int
    following: int | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `seal` tells whether another secret signs the same."""

    format: int
    paperround: str
    migration: str
    database: str
    made_at: datetime
    seal: str
    tables: dict[str, Kept]
    sha256: dict[str, str]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(kept.rows for kept in self.tables.values())


@dataclass
class Pace:
    """Tells how far a walk over all rows has come."""

    told: Told
    total: int
    done: int = 0

    def over(self, lines: Iterable[bytes], what: str) -> Iterator[bytes]:
        """The lines, counted."""
        for line in lines:
            yield line
            self.done += 1
            if self.done % copying.AT_ONCE == 0:
                self.told(what, self.done, self.total)


def make(context: Context, path: Path, *, told: Told) -> Manifest:
    """Write a backup of this moment to a new file, while others go on working.

    Raises `UsageError` when the file is there already, cannot be written, or there is nothing to keep.
    """
    _refuse_existing(path)
    kept_in = copying.file_of(context.database)
    if kept_in and not kept_in.exists():  # looking would make one
        raise _nothing(context)
    try:
        with (
            _appearing(path) as file,
            ZipFile(file, "w", ZIP_DEFLATED, compresslevel=LEVEL) as zip_,
        ):
            manifest = _fill(context, zip_, told)
            zip_.writestr(MANIFEST, _to_json(manifest))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
    return manifest


def mark(seal: Seal) -> str:
    """What a secret is known by, which tells nobody what it is."""
    return seal.hidden("backup", "seal")


class Backup:
    """A backup's file, open for reading. Raises `UsageError` for what is none, or is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
        try:
            self.manifest = self._read_manifest()
        except UsageError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def check(self, told: Told) -> None:
        """Read all of it: every member is as it was written, and every row is there."""
        manifest = self.manifest
        pace = Pace(told, manifest.rows)
        for name, wanted in manifest.sha256.items():
            digest, rows = hashlib.sha256(), 0
            for line in pace.over(self._lines(name), "checking"):
                digest.update(line)
                rows += 1
            if digest.hexdigest() != wanted:
                raise self._damaged(f"{name} is not as it was written")
            table = name.removeprefix("tables/").removesuffix(".jsonl")
            if name != SECRET and rows != manifest.tables[table].rows:
                raise self._damaged(f"{name} has {rows} rows, not {manifest.tables[table].rows}")

    def lines(self, table: str) -> Iterator[bytes]:
        """The rows of a table."""
        return self._lines(_member(table))

    @property
    def secret(self) -> bytes | None:
        """The secret of the home that was backed up, where it was Paperround's own."""
        return b"".join(self._lines(SECRET)) if SECRET in self.manifest.sha256 else None

    def _lines(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(name) as member:
                yield from member
        except KeyError:
            raise self._damaged(f"{name} is missing") from None
        except BROKEN as error:
            raise self._damaged(f"{name} cannot be read ({error})") from None

    def _read_manifest(self) -> Manifest:
        try:
            self._zip = ZipFile(self._file)
        except BROKEN:
            raise self._damaged("it is no zip, or was cut short") from None
        try:
            if self._zip.getinfo(MANIFEST).file_size > MANIFEST_MOST:
                raise ValueError("it is too large")
            told = json.loads(self._zip.read(MANIFEST))
            self._refuse_newer(told)
            manifest = _from_json(told)
            if {*manifest.sha256} - {SECRET} != {_member(name) for name in manifest.tables}:
                raise ValueError("tables and hashes differ")
        except (KeyError, TypeError, AttributeError, OverflowError, *BROKEN):
            raise self._damaged("its manifest is missing or unreadable") from None
        return manifest

    def _refuse_newer(self, told: dict[str, Any]) -> None:
        if int(told["format"]) > FORMAT or not migrate.knows(str(told["migration"])):
            raise UsageError(
                f"{self.path} was made by Paperround {told['paperround']}, and this is "
                f"{version('paperround')}, which cannot read it: install that version or a newer one"
            )

    def _damaged(self, why: str) -> UsageError:
        return UsageError(f"{self.path} is no whole backup of Paperround: {why}")


def _fill(context: Context, zip_: ZipFile, told: Told) -> Manifest:
    hashes: dict[str, str] = {}
    seal, made_at = mark(context.seal), context.clock()  # a secret is made, where there was none
    if not context.settings.secret.get_secret_value():
        secret = (context.settings.home / SECRET).read_bytes()
        hashes[SECRET] = _put(zip_, SECRET, [secret])[0]
    with copying.snapshot(context.database) as connection:
        migration = migrate.revision(connection)
        if migration is None:
            raise _nothing(context)
        kept = _keep_tables(connection, zip_, hashes, told)
    return Manifest(
        format=FORMAT,
        paperround=version("paperround"),
        migration=migration,
        database="sqlite" if context.database.is_sqlite else "postgresql",
        made_at=made_at,
        seal=seal,
        tables=kept,
        sha256=hashes,
    )


def _keep_tables(
    connection: Connection, zip_: ZipFile, hashes: dict[str, str], told: Told
) -> dict[str, Kept]:
    found = copying.tables(connection)
    pace = Pace(told, sum(copying.count(connection, table) for table in found))
    kept = {}
    for table in found:
        name, described = _member(table.name), copying.shape(table)
        lines = pace.over(copying.read(connection, table), f"copying {table.name}")
        hashes[name], rows = _put(zip_, name, lines)
        columns = [list(column) for column in described.columns]
        kept[table.name] = Kept(columns, rows, copying.next_number(connection, table))
    return kept


def _put(zip_: ZipFile, name: str, lines: Iterable[bytes]) -> tuple[str, int]:
    """A new member of these lines; its SHA-256 and how many lines."""
    digest, count = hashlib.sha256(), 0
    with zip_.open(name, "w", force_zip64=True) as member:
        for line in lines:
            member.write(line)
            digest.update(line)
            count += 1
    return digest.hexdigest(), count


def _nothing(context: Context) -> UsageError:
    return UsageError(
        f"there is nothing to back up yet (home {context.settings.home}): see PAPERROUND_HOME and "
        "PAPERROUND_DATABASE_URL"
    )


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"


def _to_json(manifest: Manifest) -> str:
    return json.dumps(asdict(manifest) | {"made_at": manifest.made_at.isoformat()}, indent=1)


def _from_json(told: dict[str, Any]) -> Manifest:
    """Raises `KeyError`, `TypeError`, `AttributeError`, `OverflowError` or `ValueError` for what is none."""
    kept = {
        str(name): Kept(
            [[str(word) for word in column] for column in row["columns"]],
            int(row["rows"]),
            None if row["following"] is None else _number(row["following"]),
        )
        for name, row in told["tables"].items()
    }
    words = {name: str(told[name]) for name in ("paperround", "migration", "database", "seal")}
    made_at = datetime.fromisoformat(told["made_at"])
    if made_at.tzinfo is None:
        raise ValueError("a time of no zone")
    hashes = {str(name): str(digest) for name, digest in told["sha256"].items()}
    return Manifest(
        format=int(told["format"]), made_at=made_at, tables=kept, sha256=hashes, **words
    )


def _number(said: Any) -> int:
    """What may be a row's number."""
    number = int(said)
    if not 0 < number < 2**63:
        raise ValueError("no row has that number")
    return number


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already: name a new file")


@contextmanager
def _appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file that only its owner may read, and that has its name once it is whole and on the disk."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        part = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            _refuse_existing(path)
            part.rename(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
