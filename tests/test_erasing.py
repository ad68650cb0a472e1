"""Leaving for good: a search through everything finds nothing of the reader any more."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest
from papers import add_folder, add_reader, api_json, entry
from pydantic import SecretStr
from smtp_sink import Sink
from sqlalchemy import MetaData, delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from tasks import redact
from tasks.desk import erasing as desk
from tasks.desk import leaving, visiting
from tasks.desk.erasing import erase
from tasks.desk.subscribing import hidden_for_ever, sign_in_link, subscribe
from tasks.errors import UnknownName
from tasks.models import Attempt, Delivery, Knock, Reader, Score, Suppression
from tasks.records import Want
from tasks.round import delivering, scoring, shelf
from tasks.round.context import Context
from tasks.round.delivering import deliver
from tasks.round.walk import run_once
from tasks.store import deliveries, erasing, feedback, profiles, readers, shards, suppressions
from tasks.store.database import Database

ADA, BO = "ada.lovelace@readers.example", "bo@readers.example"
ODD = ("zorblax", "quaxatron", "Lady Wobblestone")  # words that nobody else has
NET = "192.0.2.1"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, with the masks that every process wears."""
    before = logging.getLogRecordFactory()
    redact.install()
    caplog.set_level(logging.DEBUG)
    yield caplog
    logging.setLogRecordFactory(before)


@pytest.fixture
def ada(context: Context, logged: object) -> int:
    """A reader who has left traces everywhere there are any to leave, beside another reader."""
    folder, now = context.settings.home / "pages", context.clock()
    folder.mkdir()
    (folder / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    with context.database.write() as session:
        add_folder(session, folder, now)
        add_reader(session, now, BO, terms=["tidal energy"])
    subscribe(context, ADA, net=NET)
    with context.database.write() as session:
        key = readers.find(session, ADA).id
        readers.change(session, key, state="active", name=ODD[2], next_digest_at=now)
        terms = ["sparse attention", ODD[0], f"{ODD[1]} theory"]
        profiles.save(session, key, ODD[0], {"terms": terms, "description": ODD[1] * 30}, now)
    run_once(context, now)
    with context.database.write() as session:
        profiles.save(session, key, ODD[0], {"terms": [ODD[0]] * 1}, now)
        feedback.give(session, key, 1, Want.SAVE, now)
    sign_in_link(context, ADA, net=NET)
    deliver(context, 1, 99, now)
    visiting.begin(context, key, visiting.FULL)
    visiting.make_key(context, key, ODD[1])
    return key


@pytest.fixture
def bare(context: Context) -> int:
    """A reader without much of a past."""
    with context.database.write() as session:
        return add_reader(session, context.clock(), ADA, terms=[ODD[0]])


def traces(context: Context, *words: str) -> list[str]:
    """Where any of these words stands: in a column of a table, or in a file."""
    found = []
    wanted = [word.lower().encode() for word in words]
    tables = MetaData()
    tables.reflect(context.database.engine)
    with context.database.engine.connect() as connection:
        for table in tables.sorted_tables:
            for row in connection.execute(table.select()):
                for name, value in row._mapping.items():
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    found += [f"{table.name}.{name}" for word in wanted if word in raw.lower()]
    files = [path for path in context.settings.home.rglob("*") if path.is_file()]
    if context.database.is_sqlite:
        path = Path(context.database.url.removeprefix("sqlite:///"))
        files += [path, *path.parent.glob(f"{path.name}-*")]
    for file in files:
        data = file.read_bytes().lower()
        found += [
            str(file) for word in wanted if word in data or word in str(file).encode().lower()
        ]
    return found


def mails_to(context: Context, address: str) -> list[Path]:
    box = context.settings.mailbox
    return [
        path
        for path in box.rglob("*")
        if path.is_file()
        and message_from_bytes(path.read_bytes(), policy=policy.default)["To"]
        .addresses[0]
        .addr_spec
        == address
    ]


def test_the_search_finds_traces_while_there_are_any(context: Context, ada: int) -> None:
    places = {re.sub(r".*/", "", place).split(".")[0] for place in traces(context, ADA, *ODD)}
    tables = {"reader", "profile", "profileversion", "delivery", "apikey"}
    assert tables <= places
    if context.database.is_sqlite:
        assert "paperround" in places
    assert "shard-1" in places
    assert len(mails_to(context, ADA)) == 3, "a digest and two letters"


def test_nothing_of_a_reader_stays(
    context: Context, ada: int, logged: pytest.LogCaptureFixture
) -> None:
    erased = erase(context, ada, suppress=False)
    assert erased.kept == "Nothing is kept."
    assert traces(context, ADA, *ODD, context.seal.hidden("suppressed", ADA)) == []
    assert mails_to(context, ADA) == []
    assert not [word for word in (ADA, *ODD) if word in logged.text]


def test_nothing_of_anybody_else_goes(context: Context, ada: int) -> None:
    erase(context, ada, suppress=True)
    assert len(mails_to(context, BO)) == 1
    with context.database.read() as session:
        assert readers.find(session, BO)
        assert session.exec(select(Delivery.recipient)).all() == [BO]


def test_only_the_hash_is_kept_where_it_was_asked_for(context: Context, ada: int) -> None:
    erased = erase(context, ada, suppress=True)
    assert erased.kept.startswith("Kept: a keyed hash of the address")
    assert traces(context, ADA, *ODD) == []
    with context.database.read() as session:
        kept = session.exec(select(Suppression.hash)).all()
        assert kept == [hidden_for_ever(context, ADA)]
    subscribe(context, ADA, net=NET)
    with context.database.read() as session:
        assert readers.by_email(session, ADA) is None


def test_who_did_not_ask_for_that_may_come_back_at_once(context: Context, bare: int) -> None:
    erase(context, bare, suppress=False)
    subscribe(context, ADA, net=NET)
    with context.database.read() as session:
        assert readers.find(session, ADA).state == "pending"
        assert session.exec(select(Delivery.letter).where(Delivery.letter != "")).all() == [
            "confirm"
        ]


def test_who_is_interrupted_can_ask_again(
    context: Context, bare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_mail(context.settings.mailbox / "new", "one", ADA)
    with monkeypatch.context() as patch:
        patch.setattr(erasing, "erase", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase(context, bare, suppress=False)
    assert mails_to(context, ADA) == [], "no file is left that a later search would not find"
    erase(context, bare, suppress=False)
    assert traces(context, ADA) == []


def test_errors_of_the_database_quote_no_values(context: Context, bare: int) -> None:
    with context.database.read() as session:
        token = readers.get(session, bare).token
    twice = {"email": "bo", "token": token, "created_at": context.clock(), "shard_id": 1}
    with pytest.raises(IntegrityError) as refused, context.database.write() as session:
        session.execute(insert(Reader).values(twice))
    assert "hide_parameters" in str(refused.value)
    assert token not in redact.masked(str(refused.value))


def test_erasing_twice_says_so(context: Context, bare: int) -> None:
    erase(context, bare, suppress=False)
    with pytest.raises(UnknownName, match="gone"):
        erase(context, bare, suppress=False)


def scramble(context: Context, seed: int) -> None:
    """Rows that come, grow and go, some of them with an odd word."""
    random = Random(seed)
    with context.database.write() as session:
        for number in range(100):
            word = ODD[0] if random.random() < 0.1 else "plain"
            row = Knock(who=f"{word}{random.random()}" * random.randint(1, 60), at=context.clock())
            session.add(row)
            session.flush()
            if random.random() < 0.5:
                key = (row.id or 0) - random.randint(0, number)
                more = {"who": col(Knock.who) + "grow " * random.randint(1, 200)}
                session.execute(update(Knock).where(col(Knock.id) == key).values(more))
    with context.database.write() as session:
        session.execute(delete(Knock).where(col(Knock.who).startswith(ODD[0])))


def test_pages_that_were_rearranged_keep_no_pieces(context: Context) -> None:
    """SQLite moves cells between pages, and secure deletion does not see what they leave behind."""
    if not context.database.is_sqlite:
        pytest.skip("PostgreSQL has no such file")
    for seed in range(30):
        scramble(context, seed)
        with closing(context.database.engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if traces(context, ODD[0]):
            break
    else:
        pytest.skip("this SQLite leaves no pieces")
    assert erasing.scrub(context.database)
    assert traces(context, ODD[0]) == []


def test_a_file_that_cannot_be_made_anew_now_is_named(context: Context) -> None:
    if not context.database.is_sqlite:
        pytest.skip("PostgreSQL has no such file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.store.database.LOCK_WAIT_S", 0.05)
        hurried = Database(context.database.url)
        with context.database.write() as session:
            session.exec(select(Knock.id)).all()
            assert not erasing.scrub(hurried)
        assert erasing.scrub(hurried)
        hurried.close()


def test_a_reader_in_the_middle_of_reading_is_named(context: Context, bare: int) -> None:
    if not context.database.is_sqlite:
        pytest.skip("PostgreSQL has no such file")
    with context.database.read() as reading:
        reading.exec(select(Delivery.id)).all()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tasks.store.database.LOCK_WAIT_S", 0.05)
            hurried = Database(context.database.url)
            erased = erase(replace(context, database=hurried), bare, suppress=False)
            hurried.close()
    assert erased.left == ("traces in the database's file",)
    assert "could not be removed now: traces" in erased.kept


# --- files -----------------------------------------------------------------------------------------
def put_mail(folder: Path, name: str, to: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(f"From: x@y.example\r\nTo: {to}\r\nSubject: s\r\n\r\nTo: {ADA}\r\n".encode())
    return path


def test_mails_are_known_by_whom_they_are_to(context: Context, bare: int) -> None:
    box = context.settings.mailbox
    theirs = [
        put_mail(box / "cur", "old:2,S", f"Ada <{ADA.upper()}>"),
        put_mail(box / "tmp", "half.paperround", ADA),
        put_mail(box / "new", "folded", f"=?utf-8?q?=C3=84da?=\r\n <{ADA}>"),
    ]
    others = [put_mail(box / "new", "like", f"x{ADA}"), put_mail(box / "new", "none", BO)]
    erase(context, bare, suppress=False)
    assert not [path for path in theirs if path.exists()]
    assert all(path.exists() for path in others)


def test_another_mailbox_folder_is_searched_too(
    context: Context, bare: int, tmp_path: Path
) -> None:
    path = put_mail(tmp_path / "post" / "new", "one", ADA)
    url = SecretStr(f"maildir://{tmp_path / 'post'}")
    settings = context.settings.model_copy(update={"smtp_url": url})
    erase(replace(context, settings=settings), bare, suppress=False)
    assert not path.exists()
    assert mails_to(context, ADA) == []


def test_files_that_cannot_be_removed_are_named_and_the_rest_goes(
    context: Context, bare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = put_mail(context.settings.mailbox / "new", "stuck", ADA)
    put_mail(context.settings.mailbox / "new", "moved", ADA)
    shelves = context.settings.home / "shelves"
    shelves.mkdir()
    (shelves / "shard-1.json").write_text(ODD[0])

    def refuse(
        path: Path, missing_ok: bool = False, real: Callable[..., None] = Path.unlink
    ) -> None:
        if path.name in ("stuck", "shard-1.json"):
            raise PermissionError(13, "Permission denied")
        if path.name == "moved" and path.exists():
            real(path)
            raise FileNotFoundError
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    erased = erase(context, bare, suppress=False)
    assert erased.left == ("stuck", "the rows of profiles")
    assert "stuck" in erased.kept
    assert mails_to(context, ADA) == [box]
    with context.database.read() as session:
        assert readers.by_email(session, ADA) is None


# --- at the same moment ------------------------------------------------------------------------------
@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server


def ready(context: Context, count: int = 2) -> list[int]:
    """Readers with a letter each that stands ready."""
    keys = []
    for number in range(count):
        email = f"reader{number}@readers.example"
        with context.database.write() as session:
            keys.append(add_reader(session, context.clock(), email))
        sign_in_link(context, email, net=NET)
    return keys


@pytest.mark.parametrize("where", ["deliver.claimed", "deliver.offered", "deliver.armed"])
@pytest.mark.parametrize("by", ["smtp", "mailbox"])
def test_erasing_while_a_mail_is_handed_over_harms_nobody(
    context: Context, sink: Sink, monkeypatch: pytest.MonkeyPatch, where: str, by: str
) -> None:
    if by == "smtp":
        url = SecretStr(f"smtp://127.0.0.1:{sink.port}?starttls=never")
        settings = context.settings.model_copy(update={"smtp_url": url})
        context = replace(context, settings=settings)
    gone, _ = ready(context)
    erased: list[desk.Erased] = []

    def stop(name: str) -> None:
        if name == where and not erased:
            erased.append(erase(context, gone, suppress=False))

    monkeypatch.setattr(delivering, "failpoint", stop)
    deliver(context, 1, 99, context.clock())
    assert erased[0].on_its_way
    assert "may still arrive" in erased[0].kept
    with context.database.read() as session:
        assert session.exec(select(Delivery.state)).all() == ["sent"]
        assert len(session.exec(select(Attempt)).all()) == 1
    if by == "mailbox":
        assert mails_to(context, "reader0@readers.example") == []
    else:
        arrived = [mail.recipient for mail in sink.accepted]
        assert arrived[-1] == "reader1@readers.example"
        assert len(arrived) == (2 if where == "deliver.armed" else 1)


@pytest.mark.parametrize("fault", ["451 later", "550 never", "421 down"])
def test_a_mail_that_is_refused_after_its_reader_is_gone_harms_nobody(
    context: Context, sink: Sink, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    url = SecretStr(f"smtp://127.0.0.1:{sink.port}?starttls=never")
    context = replace(context, settings=context.settings.model_copy(update={"smtp_url": url}))
    gone, _ = ready(context)
    sink.script("rcpt", fault, times=1)
    done: list[bool] = []

    def stop(name: str) -> None:
        if name == "deliver.claimed" and not done:
            done.append(erase(context, gone, suppress=False).on_its_way)

    monkeypatch.setattr(delivering, "failpoint", stop)
    deliver(context, 1, 99, context.clock())
    deliver(context, 1, 99, context.clock())
    with context.database.read() as session:
        assert session.exec(select(Delivery.state)).all() == ["sent"]


@pytest.mark.parametrize("verdict", [True, False, None])
def test_a_mail_left_by_a_dead_worker_may_lose_its_reader_meanwhile(
    context: Context, monkeypatch: pytest.MonkeyPatch, verdict: bool | None
) -> None:
    gone, _ = ready(context)
    with context.database.write() as session:
        for key in (1, 2):
            deliveries.claim(session, key, key, owner="dead", now=context.clock())
            deliveries.arm(session, key, owner="dead", now=context.clock())
    context.clock.moment += timedelta(minutes=6)  # type: ignore[attr-defined]

    class Transport:
        def delivered(self, message_id: str, key: str) -> bool | None:
            with context.database.write() as session:
                if readers.seek(session, gone):
                    readers.remove(session, str(gone))
            return verdict

    delivering.resolve(context, Transport(), 1, 99)  # type: ignore[arg-type]
    with context.database.read() as session:
        states = session.exec(select(Delivery.state)).all()
    assert states == [{True: "sent", False: "ready", None: "unsure"}[verdict]]


@pytest.mark.parametrize("where", ["before its rows are kept", "after"])
def test_a_scoring_under_way_leaves_nothing_of_who_is_gone(
    context: Context,
    ada: int,
    monkeypatch: pytest.MonkeyPatch,
    logged: pytest.LogCaptureFixture,
    where: str,
) -> None:
    with context.database.write() as session:
        shard = erasing.shard_of(session, ada)
        shards.rewind(session, shard)
    gone: list[object] = []

    def leave() -> None:
        if not gone:
            gone.append(erase(context, ada, suppress=False))

    def stop(name: str) -> None:
        if name == "score.counted":
            leave()

    def kept(*args: Any, real: Any = shelf.shelved) -> Any:
        leave()
        return real(*args)

    if where == "after":
        monkeypatch.setattr(scoring, "failpoint", stop)
    else:
        monkeypatch.setattr(scoring, "shelved", kept)
    scoring.score(context, shard, shard, context.clock())
    assert gone
    assert traces(context, ADA, *ODD) == []
    assert "could not be scored" not in logged.text
    with context.database.read() as session:
        assert ada not in session.exec(select(Score.reader_id)).all()


def test_leaving_by_a_link_is_not_leaving_for_good(context: Context, bare: int) -> None:
    with context.database.read() as session:
        token = readers.get(session, bare).token
    leaving.leave(context, token)
    assert traces(context, ADA)


def test_a_suppression_can_be_lifted(context: Context) -> None:
    hidden = hidden_for_ever(context, ADA)
    with context.database.write() as session:
        suppressions.add(session, hidden, context.clock())
        suppressions.add(session, hidden, context.clock())
        assert suppressions.lift(session, hidden)
        assert not suppressions.lift(session, hidden)
