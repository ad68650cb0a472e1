"""The first minutes: what is said on one page, what it would have brought, and how it is kept."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from browsing import client, signed_in
from fastapi.testclient import TestClient
from papers import add_folder, api_json, bring, entry, page
from servers import Postgres
from sqlmodel import SQLModel

from tasks.desk import collecting, outlook, starting
from tasks.desk.limits import EACH_IMPORT
from tasks.desk.starting import Said
from tasks.errors import TooMany, UnknownName, UsageError
from tasks.profile_json import ITEMS_MOST
from tasks.records import Example, Reader
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import digests, migrate, profiles, readers
from tasks.store.database import Database
from workers.web import starting as pages

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # what the fixture `clock` says
FOLDING = (6, 11, 16)  # of the papers, those about protein folding that many voted for
BIBTEX = b"""@article{one, title={Study 21 of protein folding}, eprint={2611.00021}}
@article{two, title={A paper that nobody has here}, abstract={It is about folding.}}
@article{three, doi={10.1234/unknown}}
@article{four, year={2020}}
"""
FIELDS = {"hour": "6", "zone": "Europe/Rome", "about": "3"}


@pytest.fixture(scope="module")
def full_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with thirty papers that have come, and one reader who has said nothing."""
    home = tmp_path_factory.mktemp("start")
    file = Path(shutil.copy(migrated_file, home / "start.db"))
    (home / "pages").mkdir()
    (home / "pages" / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(30))))
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: AT)
    with database.write() as session:
        add_folder(session, home / "pages", AT)
        later = AT + timedelta(hours=21)
        ada = Reader(id=0, email="ada@readers.example")
        readers.add(session, ada, next_digest_at=later, now=AT)
    run_once(made, AT)
    made.close()
    return file


@pytest.fixture
def context(full_file: Path, tmp_path: Path, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    file = shutil.copy(full_file, tmp_path / "start.db")
    opened = Context(settings=settings, database=Database(f"sqlite:///{file}"), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def empty(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    """A house that no paper has come to, with one reader."""
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    with opened.database.write() as session:
        readers.add(session, Reader(id=0, email="ada@readers.example"), next_digest_at=AT, now=AT)
    yield opened
    opened.close()


@pytest.fixture
def postgres_context(postgres: Postgres, settings: Settings, clock: Any) -> Iterator[Context]:
    """A house on PostgreSQL of its own, where writers do not wait for one another."""
    database = Database(postgres.create(f"start_{uuid4().hex}"))
    migrate.upgrade(database)
    opened = Context(settings=settings, database=database, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def web(context: Context) -> Iterator[TestClient]:
    with signed_in(context, 1) as browser:
        yield browser


def reader(context: Context) -> Reader:
    with context.database.read() as session:
        return readers.get(session, 1)


def everything(context: Context) -> dict[str, list[str]]:
    """All rows of all tables."""
    with context.database.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(table.select())))
            for table in SQLModel.metadata.sorted_tables
        }


def said_in(part: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split())


def looked(text: str) -> str:
    """What the page says of the preview."""
    return said_in(text.split('id="looked"')[1].split("</section>")[0])


def brought(text: str) -> str:
    """What the page says of the papers that were brought."""
    return said_in(text.split('id="bring"')[1].split("</fieldset>")[0])


def titles(text: str) -> list[str]:
    """The titles of the picks that the page shows."""
    found = re.findall(r'<h3 class="pick-title".*?</h3>', text, re.DOTALL)
    return [said_in(title) for title in found]


def entries_of(context: Context, *numbers: int) -> list[str]:
    """The numbers that papers have in the store, by that of their title."""
    offered = outlook.starters(context, 100)
    by_number = {int(paper.title.split()[1]): str(paper.id) for paper in offered}
    return [by_number[number] for number in numbers]


# --- the page ------------------------------------------------------------------------------------
def test_the_page_offers_papers_of_many_kinds_and_changes_nothing(
    context: Context, web: TestClient
) -> None:
    before = everything(context)
    text = web.get("/my/start").text
    assert web.head("/my/start").status_code == 200
    assert text.count('name="liked"') == pages.STARTERS
    first = said_in(text.split("<legend>")[1])
    assert all(subject in first for subject in ("protein", "tidal", "sparse", "graph", "speech"))
    assert "checked" not in text
    assert len(text) < 60_000
    assert text.count("<h1") == 1
    assert everything(context) == before


def test_it_is_for_visitors_alone(context: Context) -> None:
    with client(context) as stranger:
        assert stranger.get("/my/start").headers["location"] == "/sign-in"
        for path in ("", "/preview", "/papers", "/papers/remove"):
            assert stranger.post(f"/my/start{path}", data=FIELDS).status_code == 401
    with signed_in(context, 1, "tune") as tuner:
        assert tuner.get("/my/start").status_code == 200


# --- a look before saving ------------------------------------------------------------------------
def test_the_preview_is_the_next_digest_and_repeats_nothing_that_was_picked(
    context: Context, web: TestClient
) -> None:
    liked = entries_of(context, *FOLDING)
    before = everything(context)
    answer = web.post("/my/start/preview", data=FIELDS | {"liked": liked})
    assert answer.status_code == 200
    assert everything(context) == before
    shown = titles(answer.text)
    assert len(shown) >= 2
    assert all("protein folding" in title for title in shown)
    assert not {f"Study {n} of protein folding" for n in FOLDING} & {*shown}
    assert "Friday 20 November 2026" in looked(answer.text)
    assert "Why: Like “Study" in looked(answer.text)

    saved = web.post("/my/start", data=FIELDS | {"liked": liked})
    assert (saved.status_code, saved.headers["location"]) == (303, "/my?said=started")
    run_once(context, AT + timedelta(hours=21))
    with context.database.read() as session:
        [digest] = digests.rows(session, reader_id=1)
    assert [pick.paper.title for pick in digest["picks"]] == shown


def test_who_has_said_nothing_sees_the_list_by_votes(context: Context, web: TestClient) -> None:
    answer = web.post("/my/start/preview", data=FIELDS)
    assert "these have the most votes" in looked(answer.text)
    assert titles(answer.text)[0] == "Study 29 of speech codecs"
    assert web.post("/my/start", data=FIELDS).status_code == 303
    assert starting.first(context, 1) is None, "of nothing no profile is made"
    assert reader(context).hour == 6


def test_where_nothing_is_close_the_page_says_what_to_add(web: TestClient) -> None:
    answer = web.post("/my/start/preview", data=FIELDS | {"terms": "medieval poetry"})
    assert "Nothing would have come on Friday 20 November 2026" in looked(answer.text)
    assert "None of the 30 papers of that day was close enough." in looked(answer.text)
    assert "add a broader term" in looked(answer.text)


def test_before_the_first_papers_there_is_nothing_to_show_and_all_is_kept(empty: Context) -> None:
    with signed_in(empty, 1) as web:
        assert 'name="liked"' not in web.get("/my/start").text
        answer = web.post("/my/start/preview", data=FIELDS | {"terms": "tides"})
        assert "No papers have come yet" in looked(answer.text)
        assert web.post("/my/start", data=FIELDS | {"terms": "tides"}).status_code == 303
    found = starting.first(empty, 1)
    assert found is not None
    assert found.terms == ("tides",)


def test_all_that_was_filled_in_is_there_again(context: Context, web: TestClient) -> None:
    liked = entries_of(context, 6, 1)
    filled = FIELDS | {
        "liked": liked,
        "terms": "tides, <script>x</script>\nwind",
        "description": "I look at </textarea><b>things</b>.",
    }
    text = web.post("/my/start/preview", data=filled).text
    assert "<script>x" not in text
    assert "</textarea><b>" not in text
    flat = " ".join(text.split())
    for key in liked:
        assert re.search(rf'id="like-{key}"[^>]*checked', flat), "liked papers stay, offered or not"
    assert ">tides, &lt;script&gt;x&lt;/script&gt; wind</textarea>" in flat
    assert "I look at &lt;/textarea&gt;&lt;b&gt;things&lt;/b&gt;." in flat
    assert '<option value="6" selected' in flat
    assert "<option selected>Europe/Rome</option>" in flat
    assert '<option value="3" selected' in flat


@pytest.mark.parametrize(
    ("field", "value"),
    [("hour", "24"), ("hour", "noon"), ("zone", "Nowhere/At_all"), ("about", "51"), ("about", "²")],
)
def test_what_cannot_be_is_marked_and_nothing_is_saved(
    context: Context, web: TestClient, field: str, value: str
) -> None:
    before = everything(context)
    answer = web.post("/my/start", data=FIELDS | {field: value, "terms": "tides"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert answer.text.count('class="wrong"') == 1
    assert ">tides</textarea>" in answer.text
    assert web.post("/my/start/preview", data=FIELDS | {field: value}).status_code == 200
    assert everything(context) == before


@pytest.mark.parametrize("odd", ["999", "9" * 18, "-1", "x", "٣", "9" * 30, ""])
def test_a_paper_that_is_none_is_left_out_and_costs_nothing_else(
    context: Context, web: TestClient, odd: str
) -> None:
    (known,) = entries_of(context, 6)
    form = FIELDS | {"terms": "tides", "liked": [odd, known]}
    for path in ("/my/start/preview", "/my/start/papers"):
        answer = web.post(path, data=form)
        assert answer.status_code == 200
        assert ">tides</textarea>" in answer.text
    assert web.post("/my/start", data=form).status_code == 303
    kept = starting.first(context, 1)
    assert kept is not None
    assert [one.id for one in kept.examples] == [f"entry:{known}"]


# --- saving --------------------------------------------------------------------------------------
def test_saving_keeps_interests_hour_zone_and_volume(context: Context, web: TestClient) -> None:
    liked = entries_of(context, *FOLDING)
    said = {"terms": " sparse attention,\n, graph kernels", "description": " Two sentences. "}
    web.post("/my/start", data=FIELDS | said | {"liked": liked})
    found = starting.first(context, 1)
    assert found is not None
    assert (found.name, found.terms) == ("My papers", ("sparse attention", "graph kernels"))
    assert found.description == "Two sentences."
    assert {one.id for one in found.examples} == {f"entry:{key}" for key in liked}
    assert {one.given for one in found.examples} == {AT.date()}
    now = reader(context)
    assert (now.hour, now.timezone, now.about, now.most) == (6, "Europe/Rome", 3, 10)
    with context.database.read() as session:
        coming = readers.looked_at(session, 1)
    assert coming == datetime(2026, 11, 21, 5, tzinfo=UTC)


def test_coming_back_shows_what_is_known_and_changes_only_what_the_page_has(
    context: Context, web: TestClient
) -> None:
    body = {"terms": ["tides"], "negatives": ["wind"], "examples": [{"title": "An old one"}]}
    with context.database.write() as session:
        profiles.save(session, 1, "Sea", body, AT)
        profiles.save(session, 1, "Land", {"terms": ["hills"]}, AT)
    text = web.get("/my/start").text
    assert ">tides</textarea>" in text
    assert "Your profile has 1 example paper." in brought(text)
    web.post("/my/start", data=FIELDS | {"terms": "tides\nwaves"})
    found = starting.first(context, 1)
    assert found is not None
    assert (found.name, found.terms, found.negatives) == ("Sea", ("tides", "waves"), ("wind",))
    assert [one.title for one in found.examples] == ["An old one"]
    before = everything(context)
    web.post("/my/start", data=FIELDS | {"terms": "tides\nwaves"})
    assert everything(context) == before, "saving the same again makes no new version"


def test_many_papers_a_day_make_room_in_the_mail(context: Context, web: TestClient) -> None:
    web.post("/my/start", data=FIELDS | {"about": "20"})
    assert (reader(context).about, reader(context).most) == (20, 40)


def test_the_profile_is_named_in_the_readers_language(context: Context, web: TestClient) -> None:
    with context.database.write() as session:
        readers.change(session, 1, language="de")
    answer = web.post("/my/start/preview", data=FIELDS | {"terms": "sparse attention"})
    assert '<html lang="de">' in answer.text
    assert web.post("/my/start", data=FIELDS | {"terms": "tides"}).status_code == 303


# --- papers from elsewhere -----------------------------------------------------------------------
def test_a_file_is_taken_in_at_once_and_what_it_lacks_is_named(
    context: Context, web: TestClient
) -> None:
    answer = web.post(
        "/my/start/papers",
        data=FIELDS | {"terms": "tides"},
        files={"file": ("mine.bib", BIBTEX)},
    )
    said = brought(answer.text)
    assert "2 papers are new in your profile." in said
    assert (
        "1 we have, 1 we take by their titles, 1 we do not know, and 1 could not be read." in said
    )
    assert "A paper that nobody has here" in said
    assert "three" in said
    assert "four It has no title" in said
    assert "Your profile has 2 example papers." in said
    assert ">tides</textarea>" in answer.text, "what is not saved yet is there still"
    found = starting.first(context, 1)
    assert found is not None
    assert found.terms == ()
    [known] = entries_of(context, 21)
    assert {one.id for one in found.examples} == {f"entry:{known}", "two"}

    again = web.post("/my/start/papers", files={"file": ("mine.bib", BIBTEX)})
    assert "0 papers are new in your profile." in brought(again.text)
    assert "Your profile has 2 example papers." in brought(again.text)


def test_every_button_takes_in_what_was_pasted(context: Context, web: TestClient) -> None:
    seen = web.post("/my/start/preview", data=FIELDS | {"papers": "2611.00006 2611.00011"})
    assert "2 papers are new in your profile." in brought(seen.text)
    assert all("protein folding" in title for title in titles(seen.text))
    assert '<textarea id="papers"' in seen.text
    assert "2611.00006 2611.00011" not in seen.text, "what is kept need not be sent again"
    web.post("/my/start", data=FIELDS | {"papers": "2611.00016"})
    found = starting.first(context, 1)
    assert found is not None
    assert len(found.examples) == 3


def test_papers_can_be_taken_out_again(context: Context, web: TestClient) -> None:
    web.post("/my/start/papers", data={"papers": "2611.00006"})
    answer = web.post("/my/start/papers/remove", data=FIELDS | {"terms": "tides"})
    assert "Your profile has" not in brought(answer.text)
    assert ">tides</textarea>" in answer.text
    assert starting.first(context, 1) is None, "a profile of nothing else goes with them"
    web.post("/my/start", data=FIELDS | {"terms": "tides", "papers": "2611.00006"})
    web.post("/my/start/papers/remove")
    found = starting.first(context, 1)
    assert found is not None
    assert (found.terms, found.examples) == (("tides",), ())
    before = everything(context)
    web.post("/my/start/papers/remove")
    assert everything(context) == before


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("papers", "<html>", "That is a web page or XML"),
        ("zotero_user", "ada", "is no user id of Zotero"),
        ("zotero_key", "!", "That is no key of Zotero"),
        ("orcid", "0000-0000-0000-0000", "ORCID"),
    ],
)
def test_what_cannot_be_taken_in_stays_in_its_field_with_the_reason(
    context: Context, web: TestClient, field: str, value: str, words: str
) -> None:
    before = everything(context)
    for path in ("/my/start/papers", "/my/start/preview", "/my/start"):
        answer = web.post(path, data=FIELDS | {field: value, "terms": "tides"})
        assert answer.status_code == (422 if path == "/my/start" else 200)
        assert words in brought(answer.text)
        assert re.search(r'aria-invalid="true"\s+aria-describedby="fault-', answer.text)
        assert value.replace("<", "&lt;").replace(">", "&gt;") in answer.text
        assert ">tides</textarea>" in answer.text
    after = everything(context)
    counted = {name: after.pop(name) for name in ("knock", "counter")}  # how often it was tried
    assert after == {name: rows for name, rows in before.items() if name not in counted}


def test_one_bad_way_costs_the_others_nothing(context: Context, web: TestClient) -> None:
    answer = web.post("/my/start/papers", data={"papers": "2611.00006", "orcid": "nobody"})
    assert "1 paper is new in your profile." in brought(answer.text)
    assert "ORCID" in brought(answer.text)
    assert 'value="nobody"' in answer.text


def test_an_empty_or_too_large_file_is_told_of(context: Context, web: TestClient) -> None:
    big = {"file": ("big.bib", b"x" * 5_000_001)}
    answer = web.post("/my/start/papers", files=big)
    assert "5,000,000 are the most" in brought(answer.text)
    none = web.post("/my/start/papers", files={"file": ("", b"")})
    assert none.status_code == 200
    assert "new in your profile" not in none.text
    text = {"file": "not a file, but a field"}
    assert web.post("/my/start/papers", data=text).status_code == 200


def test_who_brings_papers_too_often_is_told_so_whatever_the_visit(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(collecting, "_ask_arxiv", lambda *told: asked.append(told) or ({}, []))
    with signed_in(context, 1, "tune") as web:
        answers = [
            web.post("/my/start/papers", data={"papers": f"2401.{n:05d}"}) for n in range(12)
        ]
    assert {answer.status_code for answer in answers} == {200}
    assert ["too often" in brought(answer.text) for answer in answers] == [False] * 10 + [True] * 2
    assert len(asked) == EACH_IMPORT.most


def test_a_pasted_library_of_a_megabyte_is_taken_in(web: TestClient) -> None:
    library = "".join(
        f"@misc{{k{n}, title={{A title numbered {n}}}, abstract={{{'word ' * 300}}}}}\n"
        for n in range(900)
    )
    assert len(library) > 1024 * 1024
    none = {"file": ("", b"")}  # as a browser sends the form, which makes it multipart
    answer = web.post("/my/start/papers", data=FIELDS | {"papers": library}, files=none)
    assert answer.status_code == 200
    assert "900 papers are new in your profile." in brought(answer.text)


def test_a_service_that_asks_for_a_pause_is_told_of(
    web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paused(*_: object, **__: object) -> object:
        raise TooMany("ORCID asks for a pause: try again later", wait=timedelta(minutes=1))

    monkeypatch.setattr(collecting, "from_orcid", paused)
    answer = web.post("/my/start/papers", data={"orcid": "0000-0002-1825-0097"})
    assert answer.status_code == 200
    assert "ORCID asks for a pause" in brought(answer.text)


def test_a_profile_holds_only_so_many_papers(context: Context, web: TestClient) -> None:
    many = [Example(title=f"A paper numbered {n}") for n in range(ITEMS_MOST)]
    assert starting.bring(context, 1, many, "My papers") == ITEMS_MOST
    with pytest.raises(UsageError, match="2,000 example papers"):
        starting.bring(context, 1, [Example(title="One more")], "My papers")
    answer = web.post("/my/start/papers", data={"papers": "2611.00006"})
    assert "2,000 example papers" in brought(answer.text)
    assert len(answer.text) < 60_000


def test_a_long_library_is_named_in_part_and_counted(web: TestClient) -> None:
    library = "".join(f"@misc{{k{n}, doi={{10.1234/none.{n}}}}}\n" for n in range(200))
    answer = web.post("/my/start/papers", files={"file": ("long.bib", library.encode())})
    assert "200 we do not know" in brought(answer.text)
    assert f"and {200 - pages.NAMED_MOST} more" in brought(answer.text)
    assert len(answer.text) < 60_000


def test_examples_stand_from_the_oldest_and_one_title_is_one_paper(context: Context) -> None:
    days = [AT.date(), None, AT.date() - timedelta(days=9)]
    found = [Example(title=f"Paper {n}", given=day, id="same") for n, day in enumerate(days)]
    assert starting.bring(context, 1, [*found, Example(title="paper 0!")], "My papers") == 3
    kept = starting.first(context, 1)
    assert kept is not None
    assert [one.title for one in kept.examples] == ["Paper 1", "Paper 2", "Paper 0"]


def test_words_that_no_database_keeps_are_cleaned(context: Context) -> None:
    starting.keep(context, 1, Said(terms=("ti\x00des",), description="\ud800a"), "My papers")
    kept = starting.first(context, 1)
    assert kept is not None
    assert (kept.terms, kept.description) == (("tides",), "a")


def test_a_hostile_paper_is_text_on_the_page(empty: Context) -> None:
    title = "<img src=x onerror=alert(1)> of “folding”"
    bad = entry(1, title=title, abstract=title, authors=(title,), url="javascript:alert(1)")
    with empty.database.write() as session:
        bring(session, page(bad, entry(6), day=AT.date()), AT)
    with signed_in(empty, 1) as web:
        texts = [web.get("/my/start").text]
        texts.append(web.post("/my/start/preview", data=FIELDS | {"terms": "folding"}).text)
        pasted = {"papers": f"@a{{x, title={{{title}}}}} @a{{{title}, year=1}}"}
        texts.append(web.post("/my/start/papers", data=pasted).text)
    for text in texts:
        assert "&lt;img" in text
        assert "<img" not in text
        assert "javascript:" not in text


def test_who_is_gone_begins_nothing(context: Context) -> None:
    with pytest.raises(UnknownName):
        starting.bring(context, 99, [Example(title="One")], "My papers")


@pytest.mark.parametrize("begun", [False, True])
def test_papers_that_are_brought_at_once_are_all_kept(
    postgres_context: Context, begun: bool
) -> None:
    context = postgres_context
    with context.database.write() as session:
        key = readers.add(
            session, Reader(id=0, email="ada@readers.example"), next_digest_at=AT, now=AT
        )
        if begun:
            profiles.save(session, key, "My papers", {"terms": ["tides"]}, AT)
    together = threading.Barrier(4)

    def bring_some(number: int) -> int:
        found = [Example(title=f"Paper {number} {letter}") for letter in "abc"]
        together.wait(timeout=30)
        return starting.bring(context, key, found, "My papers")

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(bring_some, range(4))) == [3] * 4
    kept = starting.first(context, key)
    assert kept is not None
    assert len(kept.examples) == 12
