"""What the links of a digest open: pages that change nothing until their button is pressed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from browsing import client
from fastapi.testclient import TestClient
from papers import add_folder, add_reader, api_json, entry
from sqlmodel import SQLModel, select

from tasks import models
from tasks.desk import teaching
from tasks.records import Reader, Want
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import entries, feedback, readers
from tasks.store.database import Database
from workers.web import giving
from workers.web.guard import HEADERS
from workers.web.mails import SANDBOX

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # what the fixture `clock` says
BASE = "https://papers.example.org"
ADA, BO, CY = 1, 2, 3
PURPOSES = ("give", "tune", "view")


@pytest.fixture(scope="module")
def sent_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file after a round that mailed three readers; the third reads plain text alone."""
    home = tmp_path_factory.mktemp("sent")
    file = Path(shutil.copy(migrated_file, home / "sent.db"))
    (home / "pages").mkdir()
    (home / "pages" / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(30))))
    database = Database(f"sqlite:///{file}")
    made = Context(
        settings=Settings(home=home, base_url=BASE, secret="s" * 32),  # type: ignore[arg-type]
        database=database,
        clock=lambda: AT,
    )
    with database.write() as session:
        add_folder(session, home / "pages", AT)
        add_reader(session, AT, "ada@readers.example", terms=["sparse attention"], most=3)
        add_reader(session, AT, "bo@readers.example", terms=["tidal energy"])
        add_reader(session, AT, "cy@readers.example", terms=["graph kernels"], text_only=True)
    run_once(made, AT)
    made.close()
    return file


@pytest.fixture
def context(sent_file: Path, tmp_path: Path, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    file = shutil.copy(sent_file, tmp_path / "sent.db")
    changes = {"base_url": BASE, "secret": Settings(secret="s" * 32).secret}  # type: ignore[arg-type]
    settings = settings.model_copy(update=changes)
    opened = Context(settings=settings, database=Database(f"sqlite:///{file}"), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def web(context: Context) -> Iterator[TestClient]:
    with client(context) as browser:
        yield browser


def everything(context: Context) -> dict[str, list[str]]:
    """All rows of all tables."""
    with context.database.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(table.select())))
            for table in SQLModel.metadata.sorted_tables
        }


def reader(context: Context, key: int = ADA) -> Reader:
    with context.database.read() as session:
        return readers.get(session, key)


def mail(context: Context, key: int) -> EmailMessage:
    """The mail of that reader's digest."""
    with context.database.read() as session:
        where = models.Delivery.reader_id == key
        body = session.exec(select(models.Delivery.body).where(where)).one()
    made = message_from_bytes(body, policy=policy.default)
    assert isinstance(made, EmailMessage)
    return made


def links(context: Context, key: int = ADA) -> list[str]:
    """Every link of that mail that leads to us, as a path."""
    made = mail(context, key)
    texts = [str(value) for value in made.values()]
    bodies = [part for part in made.walk() if not part.is_multipart()]
    texts += [unescape(str(part.get_content())) for part in bodies]
    return sorted({path for text in texts for path in re.findall(rf"{BASE}(/[^\s<>\"]*)", text)})


def mark(context: Context, purpose: str, key: int = ADA, *, days_ago: int = 0) -> str:
    """A mark as the digests of that reader carry it, for the first paper that they were sent."""
    day = context.clock().date().toordinal() - days_ago
    with context.database.read() as session:
        digest = session.exec(select(models.Digest.id).where(models.Digest.reader_id == key)).one()
    facts = {"give": (picked(context, key), day), "tune": (day,), "view": (digest,)}[purpose]
    epoch = reader(context, key).epoch
    return context.seal.mark(purpose, key, *(fact or 0 for fact in facts), epoch=epoch)


def picked(context: Context, key: int = ADA) -> int:
    """The first paper of that reader's digest."""
    with context.database.read() as session:
        where = models.Pick.reader_id == key
        found = select(models.Pick.entry_id).where(where).order_by(models.Pick.place)  # type: ignore[arg-type]
        return session.exec(found).first() or 0


def answers(context: Context, key: int = ADA) -> list[Want]:
    with context.database.read() as session:
        return sorted(answer.want for answer in feedback.said(session, key))


def said_in(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text.split("<main")[1])).split())


# --- every link ----------------------------------------------------------------------------------
@pytest.mark.parametrize("key", [ADA, BO, CY])
def test_opening_every_link_of_a_mail_changes_nothing_and_finds_a_page(
    context: Context, web: TestClient, key: int
) -> None:
    paths = links(context, key)
    faces = {path.split("/")[1] for path in paths}
    assert faces == {"u", "tune", "view", "give"}
    before = everything(context)
    for path in paths:
        for method in ("GET", "HEAD"):
            answer = web.request(method, path)
            assert answer.status_code == 200, path
            assert "set-cookie" not in answer.headers
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Robots-Tag"] == "noindex"
            assert answer.headers["Referrer-Policy"] == "same-origin"
        assert web.options(path).status_code == 405
    assert everything(context) == before


def test_each_mark_opens_its_own_door_alone(context: Context, web: TestClient) -> None:
    before = everything(context)
    for made_for in PURPOSES:
        for key in (ADA, CY):
            found = mark(context, made_for, key)
            for asked_as in PURPOSES:
                expected = 200 if asked_as == made_for else 410
                assert web.get(f"/{asked_as}/{found}").status_code == expected
                if asked_as != made_for:
                    answer = web.post(f"/{asked_as}/{found}", data={"want": "more"})
                    assert answer.status_code in (405, 410)
            assert web.get(f"/in/{found}").status_code == 410
            assert web.get(f"/u/{found}").status_code == 404
    assert everything(context) == before


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_mark_that_was_changed_opens_nothing(
    context: Context, web: TestClient, purpose: str
) -> None:
    found = mark(context, purpose)
    body, _, signature = found.partition(".")
    other = mark(context, purpose, BO).partition(".")[0]
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    strange = [
        f"{body}.{flipped}",
        f"{other}.{signature}",
        body,
        f".{signature}",
        "x",
        "%00",
        "1" * 999,
    ]
    strange += [f"{body}-1.{signature}", found + "A", found.upper(), f"ffffffffffffffff{found}"]
    for word in strange:
        assert web.get(f"/{purpose}/{word}").status_code == 410, word


@pytest.mark.parametrize(("purpose", "days"), [("give", 90), ("tune", 30)])
def test_a_mark_holds_for_so_many_days(
    context: Context, web: TestClient, purpose: str, days: int
) -> None:
    assert web.get(f"/{purpose}/{mark(context, purpose, days_ago=days)}").status_code == 200
    old = mark(context, purpose, days_ago=days + 1)
    assert web.get(f"/{purpose}/{old}").status_code == 410
    assert web.post(f"/{purpose}/{old}", data={"want": "more"}).status_code == 410
    assert answers(context) == []


def test_links_that_the_reader_made_void_open_nothing(context: Context, web: TestClient) -> None:
    marks = {purpose: mark(context, purpose) for purpose in PURPOSES}
    with context.database.write() as session:
        readers.change(session, ADA, epoch=reader(context).epoch + 1)
    for purpose, found in marks.items():
        assert web.get(f"/{purpose}/{found}").status_code == 410
    with context.database.write() as session:
        readers.remove(session, "bo@readers.example")
    assert web.get("/view/2-2.AAAAAAAAAAAAAAAAAAAAAA").status_code == 410


# --- an answer to a paper ------------------------------------------------------------------------
def test_the_page_shows_the_paper_the_answers_and_whose_digests(
    context: Context, web: TestClient
) -> None:
    text = web.get(f"/give/{mark(context, 'give')}?want=less").text
    with context.database.read() as session:
        paper = entries.find(session, picked(context))
    assert paper.title in text
    assert "a…@readers.example" in text
    assert "ada@readers.example" not in text
    for want in Want:
        checked = re.search(rf'value="{want}"[^>]*checked', text)
        assert bool(checked) == (want is Want.LESS)
    assert text.count("<h1") == 1


def test_the_page_foretells_what_the_answer_changes(context: Context, web: TestClient) -> None:
    made = teaching.effect(context, reader(context), picked(context), Want.LESS)
    assert made.leaving, "or the test shows nothing"
    said = said_in(web.get(f"/give/{mark(context, 'give')}?want=less").text)
    assert "The newest day, made again" in said
    assert f"Papers before: {len(made.before)}, and then: {len(made.after)}." in said
    for pick in made.leaving:
        assert pick.paper.title in said.split("These go")[1]
    assert ("These come in" in said) == bool(made.entering)


def test_with_news_the_page_shows_the_next_digest(
    context: Context, web: TestClient, tmp_path: Path, clock: Any
) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    clock.moment = AT + timedelta(hours=8)
    papers = (
        entry(n, arxiv_id=f"2611.1{n:04d}", title=f"News {n} of sparse attention")
        for n in range(30, 60)
    )
    (folder / "2026-11-20.json").write_bytes(api_json(*papers))
    with context.database.write() as session:
        add_folder(session, folder, clock.moment, name="more")
    run_once(context, clock.moment)
    said = said_in(web.get(f"/give/{mark(context, 'give')}?want=hide").text)
    assert "Your next digest, as it stands now" in said
    assert "Hide · The same papers as before." in said


@pytest.mark.parametrize("want", [*Want])
def test_the_button_keeps_the_answer_and_undo_takes_it_back(
    context: Context, web: TestClient, want: Want
) -> None:
    path = f"/give/{mark(context, 'give')}"
    before = everything(context)["feedback"]
    for _ in range(2):  # pressed again, it says the same
        given = web.post(path, data={"want": want.value})
        assert (given.status_code, answers(context)) == (200, [want])
        assert 'name="undo" value="1"' in " ".join(given.text.split())
        assert "set-cookie" not in given.headers
    for _ in range(2):
        undone = web.post(path, data={"want": want.value, "undo": "1"})
        assert (undone.status_code, answers(context)) == (200, [])
        assert "Taken back" in undone.text
    assert everything(context)["feedback"] == before


def test_an_answer_is_one_of_four(context: Context, web: TestClient) -> None:
    path = f"/give/{mark(context, 'give')}"
    for answer in (
        web.get(f"{path}?want=delete"),
        web.post(path),
        web.post(path, data={"want": "delete"}),
        web.post(f"{path}?want=more"),
    ):
        assert answer.status_code == 400
    assert web.get(path).status_code == 200
    assert answers(context) == []


def test_the_answer_is_that_of_the_marks_reader_alone(context: Context, web: TestClient) -> None:
    web.post(f"/give/{mark(context, 'give')}", data={"want": "save"})
    assert (answers(context, ADA), answers(context, BO)) == ([Want.SAVE], [])


def test_a_paper_that_is_gone_is_no_page(context: Context, web: TestClient) -> None:
    day = context.clock().date().toordinal()
    gone = context.seal.mark("give", ADA, 999, day, epoch=reader(context).epoch)
    before = everything(context)
    assert web.get(f"/give/{gone}").status_code == 404
    assert web.post(f"/give/{gone}", data={"want": "more"}).status_code == 404
    assert everything(context) == before


def test_a_hostile_paper_is_text_there_too(context: Context, web: TestClient) -> None:
    with context.database.write() as session:
        row = session.get_one(models.Entry, picked(context))
        row.title = row.abstract = "<script>x</script>"
        row.authors, row.url = ["<b>Ada</b>"], "javascript:alert(1)"
    text = web.get(f"/give/{mark(context, 'give')}").text
    assert "&lt;script&gt;x" in text
    assert "<script>x" not in text
    assert "<b>Ada" not in text
    assert "javascript:" not in text


# --- the digest in a browser ---------------------------------------------------------------------
def test_a_digest_is_shown_as_it_was_sent_and_shut_in(context: Context, web: TestClient) -> None:
    answer = web.get(f"/view/{mark(context, 'view')}")
    html = mail(context, ADA).get_body(("html",))
    assert html is not None
    assert answer.text == html.get_content()
    assert answer.headers["Content-Security-Policy"] == SANDBOX
    others = {name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"}
    assert {name: answer.headers.get(name) for name in others} == others


def test_a_digest_of_plain_text_is_shown_as_text(context: Context, web: TestClient) -> None:
    answer = web.get(f"/view/{mark(context, 'view', CY)}")
    assert "<pre" in answer.text
    assert "graph kernels" in answer.text
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_nobody_is_shown_anothers_digest(context: Context, web: TestClient) -> None:
    epoch = reader(context).epoch
    with context.database.read() as session:
        where = models.Digest.reader_id == BO
        digest = session.exec(select(models.Digest.id).where(where)).one() or 0
    for number in (digest, 999):
        found = context.seal.mark("view", ADA, number, epoch=epoch)
        assert web.get(f"/view/{found}").status_code == 404


def test_another_installations_marks_open_nothing(context: Context, web: TestClient) -> None:
    strange = replace(context, settings=context.settings.model_copy())
    strange.__dict__["seal"] = type(context.seal)(b"another key")
    for purpose in PURPOSES:
        assert web.get(f"/{purpose}/{mark(strange, purpose)}").status_code == 410


def test_who_opens_all_links_at_once_costs_others_little(
    context: Context, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "PATIENCE_S", 0.01)
    with giving.GATE:
        answer = web.get(f"/give/{mark(context, 'give')}?want=less")
    assert answer.status_code == 200
    assert "Many ask at this moment" in answer.text
    assert "Save my answer" in answer.text
