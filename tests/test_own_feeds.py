"""A reader's own feeds: their picks with the reasons, for who knows the address and for nobody else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_folder, add_reader, api_json, entry
from sqlmodel import SQLModel, select

from tasks import models
from tasks.desk import leaving
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import readers
from tasks.store.database import Database
from workers.web import own_feeds
from workers.web.app import make_app

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
BASE = "https://papers.example.org"


@pytest.fixture(scope="module")
def round_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file after a round that sent Ada and Bo ten papers each."""
    home = tmp_path_factory.mktemp("feeds")
    file = Path(shutil.copy(migrated_file, home / "round.db"))
    (home / "pages").mkdir()
    (home / "pages" / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(60))))
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: AT)
    with database.write() as session:
        add_folder(session, home / "pages", AT)
        add_reader(session, AT, "ada@readers.example", terms=["sparse attention"], name="Ada")
        add_reader(session, AT, "bo@readers.example", terms=["protein folding"])
    run_once(made, AT)
    made.close()
    return file


@pytest.fixture
def context(round_file: Path, tmp_path: Path, settings: Settings) -> Iterator[Context]:
    settings.home.mkdir()
    url = f"sqlite:///{shutil.copy(round_file, tmp_path / 'feeds.db')}"
    changes: dict[str, Any] = {"database_url": Settings(database_url=url).database_url}  # type: ignore[arg-type]
    made = settings.model_copy(update=changes | {"base_url": BASE})
    opened = Context(settings=made, database=Database(url), clock=lambda: AT)
    yield opened
    opened.close()


@pytest.fixture
def browser(context: Context) -> Iterator[TestClient]:
    app = make_app(context.settings, clock=context.clock)
    with TestClient(app, BASE, raise_server_exceptions=False) as opened:
        yield opened


def path_of(context: Context, kind: str, reader_id: int = 1) -> str:
    with context.database.read() as session:
        reader = readers.get(session, reader_id)
    return own_feeds.address(context, reader, kind).removeprefix(BASE)


def read_both(browser: TestClient, context: Context, reader_id: int = 1) -> tuple[Response, Any]:
    atom = browser.get(path_of(context, "atom", reader_id))
    return atom, browser.get(path_of(context, "json", reader_id)).json()


def test_the_feed_brings_the_picks_with_their_reasons(
    browser: TestClient, context: Context
) -> None:
    answer, as_json = read_both(browser, context)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    read = feedparser.parse(answer.content)
    assert not read.bozo
    assert read.feed.title == as_json["title"] == "Papers chosen for you"
    assert len(read.entries) == len(as_json["items"]) == 10
    first, item = read.entries[0], as_json["items"][0]
    assert "sparse attention" in first.title
    assert first.title == item["title"]
    assert first.id == item["id"]
    assert first.link == item["url"] == f"{BASE}/papers/{first.id.rpartition(':')[2]}"
    assert "match, 0." in first.content[0].value
    assert "Why: Matches “sparse attention”" in item["content_html"]
    assert as_json["feed_url"] == BASE + path_of(context, "json")


def test_each_reader_gets_their_own(browser: TestClient, context: Context) -> None:
    _, ada = read_both(browser, context)
    _, bo = read_both(browser, context, 2)
    assert "sparse attention" in ada["items"][0]["title"]
    assert "protein folding" in bo["items"][0]["title"]


def test_the_feed_names_nobody(browser: TestClient, context: Context) -> None:
    atom, as_json = read_both(browser, context)
    for words in ("ada@", "Ada<", '"Ada"', "readers.example"):
        assert words not in atom.text
        assert words not in json.dumps(as_json)


def test_who_has_it_already_gets_no_body(browser: TestClient, context: Context) -> None:
    path = path_of(context, "atom")
    first = browser.get(path)
    tag = first.headers["etag"]
    for named in (tag, f'"other", W/{tag}', "*"):
        again = browser.get(path, headers={"If-None-Match": named})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert browser.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert first.headers["cache-control"] == "private, max-age=900"
    head = browser.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)


def test_a_renewed_address_is_the_only_one(browser: TestClient, context: Context) -> None:
    old = [path_of(context, kind) for kind in ("atom", "json")]
    leaving.renew_feed(context, 1)
    assert [browser.get(path).status_code for path in old] == [410, 410]
    assert browser.get(path_of(context, "atom")).status_code == 200
    leaving.renew_links(context, 1)
    assert browser.get(path_of(context, "atom")).status_code == 200, "an address of its own"


def test_no_other_mark_opens_a_feed(browser: TestClient, context: Context) -> None:
    with context.database.read() as session:
        reader = readers.get(session, 1)
    seal, good = context.seal, path_of(context, "atom")
    marks = [seal.mark(purpose, 1, epoch=reader.feed) for purpose in ("tune", "view", "give")]
    marks += [seal.mark("feed", 1, epoch=reader.feed + 1), seal.mark("feed", 99, epoch=0)]
    marks += [seal.mark("feed", 1, 1, epoch=reader.feed), "1", "x", "1.", f"{2**80:x}.{'A' * 22}"]
    mark = good.removeprefix("/feeds/").removesuffix(".atom")
    marks += [mark[:-1] + ("A" if mark[-1] != "A" else "Q"), mark.replace("1.", "2.", 1), mark[:-1]]
    for mark in marks:
        assert browser.get(f"/feeds/{mark}.atom").status_code in (404, 410), mark
    assert browser.get(good.replace(".atom", ".rss")).status_code == 404
    assert browser.get(good).status_code == 200


def test_asking_changes_nothing(browser: TestClient, context: Context) -> None:
    def rows() -> str:
        with context.database.read() as session:
            tables = SQLModel.metadata.sorted_tables
            return str([[tuple(row) for row in session.execute(t.select())] for t in tables])

    before = rows()
    read_both(browser, context)
    assert rows() == before


def test_the_feed_of_a_reader_who_is_gone_is_over(browser: TestClient, context: Context) -> None:
    path = path_of(context, "json")
    with context.database.write() as session:
        readers.remove(session, "1")
    assert browser.get(path).status_code == 410


def test_a_feed_without_picks_is_empty_and_valid(browser: TestClient, context: Context) -> None:
    with context.database.write() as session:
        key = add_reader(session, AT, "cy@readers.example", language="de")
    atom, as_json = read_both(browser, context, key)
    assert as_json["items"] == []
    assert as_json["language"] == "de"
    root = ElementTree.fromstring(atom.content)
    assert root.find("{http://www.w3.org/2005/Atom}updated").text.startswith("1970")  # type: ignore[union-attr]


def test_strangers_words_stay_text(browser: TestClient, context: Context) -> None:
    hostile = "<script>alert(1)</script>]]>&\x00\x0b"
    with context.database.write() as session:
        for row in session.exec(select(models.Entry)):
            row.title, row.abstract, row.url = hostile, hostile, "javascript:alert(1)"
            row.authors = [hostile]
    atom, as_json = read_both(browser, context)
    read = feedparser.parse(atom.content)
    assert not read.bozo
    assert b"<script" not in atom.content
    assert b"javascript:" not in atom.content
    for item in as_json["items"]:
        assert "<script" not in item["content_html"]
        assert item["title"].startswith("<script>"), "JSON's titles are text"


def test_without_a_public_address_titles_lead_to_the_papers(
    browser: TestClient, context: Context
) -> None:
    private = context.settings.model_copy(update={"base_url": ""})
    path = path_of(context, "json")
    with TestClient(make_app(private, clock=context.clock), "http://localhost") as opened:
        found = opened.get(path).json()
    assert found["items"][0]["url"].startswith("https://huggingface.co/papers/2611.")
    assert "home_page_url" not in found


def test_the_feed_holds_the_last_picks_only(
    browser: TestClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_feeds, "MOST", 3)
    _, as_json = read_both(browser, context)
    assert len(as_json["items"]) == 3
