"""Backups: whole, of one moment, the same on both databases, and back again with nothing stale mailed."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import sqlite3
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from papers import add_folder, add_reader, api_json, bring, entry, page
from servers import Postgres
from sqlmodel import SQLModel, col, func, select

from tasks import models
from tasks.desk import teaching
from tasks.errors import UsageError
from tasks.office import backup as backups
from tasks.office import restoring
from tasks.office.backup import Backup, Manifest
from tasks.office.restoring import Restored
from tasks.records import Want
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import copying, migrate, profiles, readers, search
from tasks.store.database import Database

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
NUMBERS = itertools.count(1)
NewContext = Callable[..., Context]


def quiet(*_: object) -> None:
    """Tells nobody how far it is."""


def keep(context: Context, path: Path) -> Manifest:
    return backups.make(context, path, told=quiet)


def put_back(context: Context, path: Path, *, sent: bool = True, instead: bool = False) -> Restored:
    with closing(Backup(path)) as backup:
        return restoring.restore(context, backup, replace=instead, sent=sent, told=quiet)


@pytest.fixture
def clock(now: datetime) -> Callable[[], datetime]:
    class Standing:
        moment = now

        def __call__(self) -> datetime:
            return self.moment

    return Standing()


@pytest.fixture
def new(
    tmp_path: Path, clock: Callable[[], datetime], request: pytest.FixtureRequest
) -> Iterator[NewContext]:
    """Makes contexts, each with a home and an empty database of the kind that is named; if it is asked for,
    with all `tables`.
    """
    made = []

    def make(kind: str = "sqlite", *, tables: bool = False, **said: Any) -> Context:
        number = next(NUMBERS)
        home = tmp_path / f"home{number}"
        url = f"sqlite:///{home / 'paperround.db'}"
        if tables:
            home.mkdir()
        if kind == "postgres":
            server: Postgres = request.getfixturevalue("postgres")
            like = request.getfixturevalue("postgres_url") if tables else "template1"
            url = server.create(f"backup{number}", template=like.rpartition("/")[2])
        elif tables:
            shutil.copy(request.getfixturevalue("migrated_file"), home / "paperround.db")
        said = {"base_url": "https://papers.example"} | said
        settings = Settings(home=home, _env_file=None, **said)
        made.append(Context(settings=settings, database=Database(url), clock=clock))
        return made[-1]

    yield make
    for context in made:
        context.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "pages"
    path.mkdir()
    return path


def papers_of(folder: Path, day: datetime, numbers: range) -> None:
    """The list of a day."""
    (folder / f"{day:%Y-%m-%d}.json").write_bytes(api_json(*(entry(n) for n in numbers)))


def live(context: Context, folder: Path, now: datetime, days: int = 3) -> None:
    """Some days of rounds with answers, an edit, and a paper that comes again with more votes."""
    papers_of(folder, now, range(12))
    with context.database.write() as session:
        add_folder(session, folder, now)
        ada = add_reader(session, now, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, now, "bo@readers.example", terms=["tidal energy", "graph kernels"])
        add_reader(session, now, "cy@readers.example", terms=["poetry"], text_only=True, hour=8)
    for number in range(days):
        at = now + number * DAY
        go_to(context, at)
        papers_of(folder, at, range(5 * number, 12 + 5 * number))
        run_once(context, at)
        with context.database.read() as session:
            [first, *_] = session.exec(select(models.Pick.entry_id).order_by(models.Pick.id))  # type: ignore[arg-type]
        teaching.give(context, ada, first + number, Want.MORE)
    with context.database.write() as session:
        wishes = {"terms": ["sparse attention", "speech codecs"]}
        profiles.save(session, ada, "main", wishes, context.clock())


def go_to(context: Context, moment: datetime) -> None:
    context.clock.moment = moment  # type: ignore[attr-defined]


def mails(context: Context) -> dict[str, bytes]:
    box = context.settings.mailbox / "new"
    return {path.name: path.read_bytes() for path in box.iterdir()} if box.exists() else {}


def picked(context: Context) -> list[tuple[object, ...]]:
    """Every pick of every digest, with why and where."""
    with context.database.read() as session:
        rows = session.exec(
            select(models.Digest.day, models.Pick, models.Entry.title)
            .join(models.Digest, col(models.Digest.id) == models.Pick.digest_id)
            .join(models.Entry, col(models.Entry.id) == models.Pick.entry_id)
            .order_by(models.Pick.digest_id, models.Pick.place)  # type: ignore[arg-type]
        )
        return [(day, *p.model_dump().values(), title) for day, p, title in rows]


# --- the promise ---------------------------------------------------------------------------------
@pytest.mark.parametrize("here", ["sqlite", "postgres"])
@pytest.mark.parametrize("there", ["sqlite", "postgres"])
def test_a_restored_service_sends_exactly_what_the_old_one_would_have(
    new: NewContext, folder: Path, now: datetime, tmp_path: Path, here: str, there: str
) -> None:
    old = new(here, tables=True)
    live(old, folder, now)
    keep(old, tmp_path / "kept.zip")
    other = new(there)
    done = put_back(other, tmp_path / "kept.zip")
    assert done.links_hold
    assert not any(done.changed.values())
    assert picked(other) == picked(old)
    before = mails(old)
    for number in (3, 4):
        at = now + number * DAY
        papers_of(folder, at, range(5 * number, 12 + 5 * number))
        for context in (old, other):
            go_to(context, at)
            run_once(context, at)
    sent = {name: body for name, body in mails(old).items() if name not in before}
    assert len(sent) >= 4
    assert mails(other) == sent, "names, subjects, papers, reasons, links with their signatures"
    assert picked(other) == picked(old)
    assert b"https://papers.example/give/" in next(iter(sent.values())).replace(b"=\r\n", b"")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_backup_of_what_was_restored_is_the_same(
    new: NewContext, folder: Path, now: datetime, tmp_path: Path, kind: str
) -> None:
    old = new(tables=True)
    live(old, folder, now)
    first = keep(old, tmp_path / "first.zip")
    other = new(kind)
    put_back(other, tmp_path / "first.zip")
    second = keep(other, tmp_path / "second.zip")
    gone = {
        "tables/audit.jsonl",
        "tables/pulse.jsonl",
    }  # told of, and of processes that are no more
    same = {name: mark for name, mark in first.sha256.items() if name not in gone}
    assert {name: mark for name, mark in second.sha256.items() if name not in gone} == same
    assert set(first.tables) == {table.name for table in SQLModel.metadata.sorted_tables}
    assert first.rows > 100


STRANGE = "a NUL: \0, quotes '\", a backslash \\, a tab\t, lines\r\n, \u2028, 🜁, \\N and \\."


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_whatever_is_written_comes_back_and_goes_on(
    new: NewContext, now: datetime, tmp_path: Path, kind: str
) -> None:
    old = new(tables=True)
    data = bytes(range(256)) * 40
    with old.database.write() as session:
        bring(session, page(entry(1, abstract=STRANGE, title=STRANGE, authors=(STRANGE,))), now)
        session.add(models.Body(sha256="b", data=data))
        session.add(models.Counter(name="c", value=2**62))
        reader = add_reader(session, now)
        floats = {"about": 0.1 + 0.2, "threshold": 5e-324, "back_on": now.date()}
        readers.change(session, reader, next_digest_at=now.replace(microsecond=7) + DAY, **floats)
        session.add(models.Audit(at=now, who="", action="", detail={"x": [None, "\\u0000", "\0"]}))
    keep(old, tmp_path / "kept.zip")
    other = new(kind)
    put_back(other, tmp_path / "kept.zip")
    sign = "\0" if kind == "sqlite" else "\N{REPLACEMENT CHARACTER}"
    with other.database.write() as session:
        found = session.exec(select(models.Entry)).one()
        assert found.title == found.abstract == STRANGE.replace("\0", sign)
        assert found.authors == [STRANGE.replace("\0", sign)]
        assert session.get_one(models.Body, "b").data == data
        assert session.get_one(models.Counter, "c").value == 2**62
        row = session.exec(select(models.Reader)).one()
        assert (row.about, row.threshold, row.back_on) == (0.1 + 0.2, 5e-324, now.date())
        assert row.next_digest_at == now.replace(microsecond=7) + DAY
        detail = session.exec(select(models.Audit).where(models.Audit.who == "")).one().detail
        assert detail == {"x": [None, "\\u0000", sign]}
        papers, _ = search.search(session, "backslash", limit=5)
        assert [paper.id for paper in papers] == [found.id], "the search index is there"
        assert add_reader(session, now, "bo@readers.example") == reader + 1, "and numbers go on"


def test_numbers_that_were_given_out_do_not_come_again(
    new: NewContext, now: datetime, tmp_path: Path
) -> None:
    old = new("postgres", tables=True)
    with old.database.write() as session:
        first = add_reader(session, now)
        readers.remove(session, str(first))
    keep(old, tmp_path / "kept.zip")
    other = new("postgres")
    put_back(other, tmp_path / "kept.zip")
    with other.database.write() as session:
        assert add_reader(session, now) == first + 1


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_backup_is_of_one_moment_while_workers_write(
    new: NewContext, now: datetime, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "AT_ONCE", 5)
    context = new(kind, tables=True)
    wrote, stop = threading.Event(), threading.Event()

    def write() -> None:
        for number in itertools.count():
            with context.database.write() as session:  # a reader and their profile, or neither
                add_reader(session, now, f"r{number}@readers.example")
            if number > 20:
                wrote.set()
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    seen = []

    def told(what: str, done: int, total: int) -> None:
        seen.append((what, done, total))
        wrote.clear()
        assert wrote.wait(20), "a writer need not wait for the backup"

    try:
        assert wrote.wait(20)
        made = backups.make(context, tmp_path / "kept.zip", told=told)
    finally:
        stop.set()
        writer.join()
    assert made.tables["reader"].rows == made.tables["profile"].rows >= 20
    assert made.tables["reader"].rows == made.tables["profileversion"].rows
    assert seen[-1][1] <= made.rows == seen[-1][2]
    other = new()
    put_back(other, tmp_path / "kept.zip")
    with other.database.read() as session:
        count = session.exec(select(func.count()).select_from(models.Reader)).one()
    assert count == made.tables["reader"].rows


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_tables_of_somebody_else_are_left_alone(
    new: NewContext, now: datetime, tmp_path: Path, kind: str
) -> None:
    old = new(kind, tables=True)
    with old.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (id INTEGER PRIMARY KEY, what TEXT)")
        connection.exec_driver_sql("INSERT INTO theirs VALUES (1, 'mine')")
    assert "theirs" not in keep(old, tmp_path / "kept.zip").tables
    put_back(new(kind), tmp_path / "kept.zip")


# --- the file ------------------------------------------------------------------------------------
def test_the_file_is_its_owners_alone_and_never_overwritten(
    new: NewContext, tmp_path: Path
) -> None:
    context = new(tables=True)
    path = tmp_path / "kept.zip"
    keep(context, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    was = path.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        keep(context, path)
    assert path.read_bytes() == was


def test_a_backup_that_fails_leaves_no_file(
    new: NewContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = new(tables=True)
    (tmp_path / "empty").mkdir()

    def broken(*_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(backups.copying, "next_number", broken)
    with pytest.raises(RuntimeError, match="no ink"):
        keep(context, tmp_path / "empty" / "kept.zip")
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_file_that_appeared_meanwhile_stays(
    new: NewContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = new(tables=True)
    path = tmp_path / "kept.zip"
    real = copying.tables
    monkeypatch.setattr(
        backups.copying, "tables", lambda connection: path.write_text("mine") and real(connection)
    )
    with pytest.raises(UsageError, match="is there already"):
        keep(context, path)
    assert path.read_text() == "mine"


def test_where_nothing_is_there_is_nothing_to_back_up(new: NewContext, tmp_path: Path) -> None:
    context = new()
    with pytest.raises(UsageError, match="nothing to back up"):
        keep(context, tmp_path / "kept.zip")
    assert not context.settings.home.exists(), "and nothing was made by looking"
    with pytest.raises(UsageError, match="nothing to back up"):
        keep(new("postgres"), tmp_path / "kept.zip")
    with pytest.raises(UsageError, match="cannot be written"):
        keep(new(tables=True), tmp_path / "nowhere" / "kept.zip")


def test_the_secret_travels_where_it_is_paperrounds_own(new: NewContext, tmp_path: Path) -> None:
    old = new(tables=True)
    keep(old, tmp_path / "own.zip")
    secret = (old.settings.home / "secret").read_bytes()
    other = new()
    assert put_back(other, tmp_path / "own.zip").links_hold
    assert (other.settings.home / "secret").read_bytes() == secret
    assert stat.S_IMODE((other.settings.home / "secret").stat().st_mode) == 0o600
    fixed = new(secret="s" * 32)
    assert not put_back(fixed, tmp_path / "own.zip").links_hold
    assert not (fixed.settings.home / "secret").exists(), "what is set goes first"


def test_a_secret_that_is_set_is_not_in_the_file(new: NewContext, tmp_path: Path) -> None:
    keep(new(tables=True, secret="s" * 32), tmp_path / "set.zip")
    with zipfile.ZipFile(tmp_path / "set.zip") as file:
        assert "secret" not in file.namelist()
        assert not any(b"s" * 32 in file.read(name) for name in file.namelist())
    assert put_back(new(secret="s" * 32), tmp_path / "set.zip").links_hold
    assert not put_back(new(secret="t" * 32), tmp_path / "set.zip").links_hold
    assert not put_back(new(), tmp_path / "set.zip").links_hold


# --- what is no backup ---------------------------------------------------------------------------
@pytest.fixture
def kept(new: NewContext, now: datetime, tmp_path: Path) -> Path:
    context = new(tables=True)
    with context.database.write() as session:
        add_reader(session, now)
        bring(session, page(*(entry(n) for n in range(30))), now)
    keep(context, tmp_path / "kept.zip")
    return tmp_path / "kept.zip"


def changed(path: Path, name: str, change: Callable[[bytes], bytes | None]) -> None:
    """Write the zip anew with one member changed or left out: its own sums fit again."""
    with zipfile.ZipFile(path) as file:
        members = {each: file.read(each) for each in file.namelist()}
    body = change(members.pop(name))
    with zipfile.ZipFile(path, "w") as file:
        for each, data in members.items() | ({(name, body)} if body is not None else set()):
            file.writestr(each, data)


def said(**values: Any) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps(json.loads(body) | values).encode()


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no zip": (lambda path: path.write_text("hello"), "no zip"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-200]), "cut short"),
    "empty": (lambda path: path.write_bytes(b""), "no zip"),
    "another zip": (
        lambda path: changed(path, "manifest.json", lambda _: None),
        "manifest is missing",
    ),
    "no manifest": (lambda path: changed(path, "manifest.json", lambda _: b"[]"), "unreadable"),
    "deep": (lambda path: changed(path, "manifest.json", lambda _: b"[" * 10**5), "unreadable"),
    "tables of another form": (
        lambda path: changed(path, "manifest.json", said(tables=[], sha256=[])),
        "unreadable",
    ),
    "an endless number": (
        lambda path: changed(
            path, "manifest.json", lambda b: b.replace(b'"format": 1', b'"format": Infinity')
        ),
        "unreadable",
    ),
    "a time of no zone": (
        lambda path: changed(path, "manifest.json", said(made_at="2026-11-20T00:00:00")),
        "unreadable",
    ),
    "a number that no row has": (
        lambda path: changed(
            path, "manifest.json", lambda b: b.replace(b'"following": 2', b'"following": -2')
        ),
        "unreadable",
    ),
    "a column twice": (
        lambda path: changed(
            path,
            "manifest.json",
            lambda b: b.replace(b'"columns": [', b'"columns": [["id", "int"],', 9),
        ),
        "has other tables",
    ),
    "a changed row": (
        lambda path: changed(path, "tables/reader.jsonl", lambda b: b.replace(b"ada@", b"eve@")),
        "reader.jsonl is not as it was written",
    ),
    "a missing row": (
        lambda path: changed(path, "tables/entry.jsonl", lambda b: b.partition(b"\n")[2]),
        "entry.jsonl is not as it was written",
    ),
    "a missing table": (
        lambda path: changed(path, "tables/page.jsonl", lambda _: None),
        "page.jsonl is missing",
    ),
    "another secret": (lambda path: changed(path, "secret", lambda b: b + b"x"), "secret is not"),
    "a newer format": (
        lambda path: changed(path, "manifest.json", said(format=2, paperround="9.1")),
        "made by Paperround 9.1",
    ),
    "a newer migration": (
        lambda path: changed(path, "manifest.json", said(migration="9999", paperround="9.1")),
        "install that version or a newer one",
    ),
    "the future": (
        lambda path: changed(path, "manifest.json", said(made_at="2031-01-01T00:00:00+00:00")),
        "set this machine's clock",
    ),
    "other tables": (
        lambda path: changed(path, "manifest.json", said(migration="0001")),
        "has other tables than migration 0001 made",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_whole_backup_is_refused_and_changes_nothing(
    new: NewContext, kept: Path, fault: str
) -> None:
    spoil, words = FAULTS[fault]
    spoil(kept)
    target = new()
    with pytest.raises(UsageError, match=words):
        put_back(target, kept)
    home = target.settings.home
    assert not home.exists() or list(home.iterdir()) == []


def test_every_byte_that_is_flipped_is_noticed(kept: Path) -> None:
    whole = kept.read_bytes()
    with closing(Backup(kept)) as backup:
        rows = rows_of(backup)
    noticed = 0
    for place in range(7, len(whole), len(whole) // 40):
        kept.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            with closing(Backup(kept)) as backup:
                backup.check(quiet)
                # Some bytes say nothing of what is inside: times, attributes.
                assert rows_of(backup) == rows
        except UsageError:
            noticed += 1
    assert noticed > 20


def rows_of(backup: Backup) -> dict[str, list[bytes]]:
    return {name: [*backup.lines(name)] for name in backup.manifest.tables}


def test_a_backup_that_is_not_there_is_named(new: NewContext, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.zip cannot be read: No such file"):
        put_back(new(), tmp_path / "none.zip")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_rows_that_do_not_fit_are_refused_without_quoting_them(
    new: NewContext, kept: Path, kind: str
) -> None:
    with zipfile.ZipFile(kept) as file:
        told = json.loads(file.read("manifest.json"))
        row = json.loads(file.read("tables/reader.jsonl"))
    columns = [name for name, _ in told["tables"]["reader"]["columns"]]
    for name, value in {
        "shard_id": 77,
        "created_at": "no time",
        "days": 12,
        "name": "deep",
    }.items():
        odd = [value if name == column else was for column, was in zip(columns, row, strict=True)]
        body = (
            json.dumps(odd if value != 12 else odd[1:]).encode().replace(b'"deep"', b"[" * 10**5)
            + b"\n"
        )
        changed(kept, "tables/reader.jsonl", lambda _, body=body: body)  # type: ignore[misc]
        told["sha256"]["tables/reader.jsonl"] = hashlib.sha256(body).hexdigest()
        changed(kept, "manifest.json", said(**told))
        target = new(kind)
        with pytest.raises(UsageError, match=r"refer to nothing, in reader|do not fit") as refused:
            put_back(target, kept)
        assert "ada@" not in str(refused.value)
        assert unused(target)


def unused(context: Context) -> bool:
    """Whether nothing is there, not even a table."""
    file = copying.file_of(context.database)
    if file is not None:
        return not file.exists() and not list(file.parent.iterdir())
    with context.database.engine.connect() as connection:
        return migrate.revision(connection) is None


# --- where it goes -------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_database_in_use_is_replaced_only_when_that_is_said(
    new: NewContext, kept: Path, now: datetime, kind: str
) -> None:
    target = new(kind, tables=True)
    with target.database.write() as session:
        add_reader(session, now, "zoe@readers.example")
    with pytest.raises(UsageError, match=r"in use already.*--replace"):
        put_back(target, kept)
    assert addresses(target) == ["zoe@readers.example"]
    put_back(target, kept, instead=True)
    assert addresses(target) == ["ada@readers.example"]
    assert migrate.at_head(target.database)
    assert migrate.drift(target.database) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_tables_without_anything_in_them_are_empty_enough(
    new: NewContext, kept: Path, kind: str
) -> None:
    target = new(kind, tables=True)
    put_back(target, kept)
    assert addresses(target) == ["ada@readers.example"]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_fails_half_way_leaves_what_was_there(
    new: NewContext, kept: Path, now: datetime, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = new(kind, tables=True)
    with target.database.write() as session:
        add_reader(session, now, "zoe@readers.example")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the lights went out")

    monkeypatch.setattr(restoring.settling, "come_back", broken)
    with pytest.raises(RuntimeError, match="the lights"):
        put_back(target, kept, instead=True)
    assert addresses(target) == ["zoe@readers.example"]
    home = target.settings.home
    assert {path.name.partition("-")[0] for path in home.iterdir()} <= {"paperround.db"}


def test_a_file_that_somebody_has_open_is_not_replaced(
    new: NewContext, kept: Path, now: datetime
) -> None:
    target = new(tables=True)
    with closing(sqlite3.connect(target.settings.home / "paperround.db")) as other:
        other.execute("SELECT 1 FROM reader").fetchall()
        with pytest.raises(UsageError, match=r"has .* open: stop the service"):
            put_back(target, kept)
    put_back(target, kept)


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_a_log_that_was_left_of_an_old_file_does_not_get_into_the_new_one(
    new: NewContext, kept: Path, now: datetime, end: str
) -> None:
    target = new(tables=True)
    home = target.settings.home
    with target.database.write() as session:
        add_reader(session, now, "zoe@readers.example")
    left = (home / "paperround.db-wal").read_bytes()
    target.close()
    for path in home.iterdir():
        path.unlink()
    (home / f"paperround.db{end}").write_bytes(left)
    put_back(target, kept)
    assert addresses(target) == ["ada@readers.example"]
    with target.database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"


@pytest.mark.parametrize("spoilt", [0, 5000])
def test_a_damaged_file_is_replaced_when_that_is_said(
    new: NewContext, kept: Path, spoilt: int
) -> None:
    target = new(tables=True)
    file = target.settings.home / "paperround.db"
    file.write_bytes(file.read_bytes()[:spoilt] + b"rubbish" * 50_000)
    with pytest.raises(UsageError, match=r"is damaged and cannot be read: say --replace"):
        put_back(target, kept)
    put_back(target, kept, instead=True)
    assert addresses(target) == ["ada@readers.example"]


def test_a_file_that_somebody_makes_meanwhile_is_not_replaced(
    new: NewContext, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = new()
    file = target.settings.home / "paperround.db"
    real = restoring.settling.come_back

    def slow(*words: Any, **said: Any) -> dict[str, int]:
        file.write_text("mine")
        return real(*words, **said)

    monkeypatch.setattr(restoring.settling, "come_back", slow)
    with pytest.raises(UsageError, match=r"somebody has made .* meanwhile"):
        put_back(target, kept)
    assert file.read_text() == "mine"
    assert [path.name for path in file.parent.iterdir()] == ["paperround.db"]


def test_two_restores_do_not_meet(
    new: NewContext, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = new()
    real = restoring.settling.come_back

    def meeting(*words: Any, **said: Any) -> dict[str, int]:
        monkeypatch.setattr(restoring.settling, "come_back", real)
        with pytest.raises(UsageError, match=r"another restore .* is under way"):
            put_back(target, kept)
        return real(*words, **said)

    monkeypatch.setattr(restoring.settling, "come_back", meeting)
    put_back(target, kept)
    assert addresses(target) == ["ada@readers.example"]


def test_a_server_where_somebody_works_is_not_touched(new: NewContext, kept: Path) -> None:
    target = new("postgres", tables=True)
    url = target.database.url.replace("+psycopg", "")
    with (
        psycopg.connect(url, application_name="a worker"),
        pytest.raises(UsageError, match="a worker is connected to this database: stop the service"),
    ):
        put_back(target, kept)
    put_back(target, kept)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_backup_of_an_older_version_is_brought_up(
    new: NewContext, tmp_path: Path, kind: str
) -> None:
    old = new()
    old.settings.home.mkdir()
    migrate.upgrade(old.database, "0001")
    shard = (
        "INSERT INTO shard (id, state, owner, attempts, error, scored, generation)"
        " VALUES (1, 'idle', 'somebody', 0, '', 0, 0)"
    )
    reader = (
        "INSERT INTO reader (id, email, name, state, timezone, days, hour, language, about, most,"
        " threshold, explore, text_only, token, created_at, shard_id) VALUES (1,"
        " 'ada@readers.example', '', 'active', 'UTC', '12345', 7, 'en', 5, 10, 0.02, true, false,"
        " 't', '2026-11-20 00:00:00.000000', 1)"
    )
    with old.database.engine.begin() as connection:
        connection.exec_driver_sql(shard)
        connection.exec_driver_sql(reader)
    made = keep(old, tmp_path / "old.zip")
    assert made.migration == "0001"
    target = new(kind)
    put_back(target, tmp_path / "old.zip")
    assert migrate.at_head(target.database)
    assert migrate.drift(target.database) == []
    with target.database.read() as session:
        assert session.exec(select(models.Reader.length)).one() == "normal"
        assert session.exec(select(models.Shard.owner)).one() == ""


def addresses(context: Context) -> list[str]:
    with context.database.read() as session:
        return sorted(session.exec(select(models.Reader.email)))
