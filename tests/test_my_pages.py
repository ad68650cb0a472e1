"""A reader's own rooms: what they show, what they keep, and that nobody else gets in."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import html5lib
import pytest
import uvicorn
from fastapi.testclient import TestClient
from html5lib.html5parser import ParseError
from httpx2 import Response
from papers import add_folder, add_reader, api_json, bring, entry, page
from playwright.sync_api import Browser
from sqlmodel import SQLModel, select

from tasks import models
from tasks.desk import interests, teaching, visiting
from tasks.desk.visiting import FULL, TUNE
from tasks.records import Reader, Ring, Want
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import feedback, history, profiles, readers
from tasks.store.database import Database
from workers.web import data as data_pages
from workers.web.app import make_app
from workers.web.page import COOKIE
from workers.web.rooms import back_to

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # what `now` says
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
ROOMS = (
    "/my",
    "/my/digests",
    "/my/digests/2026-11-20",
    "/my/preferences",
    "/my/profiles",
    "/my/profiles/1",
    "/my/profiles/new",
    "/my/profiles/1/remove",
    "/my/learned",
    "/my/learned/forget",
    "/my/saved",
    "/my/saved.bib",
    "/my/saved.ris",
    "/my/data",
)
VAULTS = ("/my/export.json", "/my/keys", "/my/delete")  # what a digest's link does not open
PAGES = tuple(path for path in (*ROOMS, *VAULTS) if "." not in path)
POSTS = (
    "/my/feedback",
    "/my/preferences",
    "/my/pause",
    "/my/resume",
    "/my/profiles/1",
    "/my/profiles/new",
    "/my/profiles/1/remove",
    "/my/learned/forget",
)
VAULT_POSTS = (
    "/my/import",
    "/my/feed/renew",
    "/my/links/renew",
    "/my/keys",
    "/my/keys/1/revoke",
    "/my/delete",
)
OURS = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Room:
    """A signed-in browser before the web face."""

    context: Context
    browser: TestClient
    reader_id: int
    rung: list[Ring]

    def get(self, path: str, **options: Any) -> Response:
        return self.browser.get(path, **options)

    def post(self, path: str, /, **typed: Any) -> Response:
        return self.browser.post(path, data=typed, headers=OURS, follow_redirects=False)

    @property
    def reader(self) -> Reader:
        with self.context.database.read() as session:
            return readers.get(session, self.reader_id)


def text_of(answer: Response) -> str:
    """What a person reads on the page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


@pytest.fixture(scope="module")
def round_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file after a round that sent Ada and Bo ten papers; then more came."""
    home = tmp_path_factory.mktemp("rooms")
    file = Path(shutil.copy(migrated_file, home / "round.db"))
    (home / "pages").mkdir()
    (home / "pages" / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(60))))
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: AT)
    with database.write() as session:
        add_folder(session, home / "pages", AT)
        zone = {"timezone": "Europe/Rome", "name": "Ada & <b>Byron</b>"}
        add_reader(session, AT, "ada@readers.example", terms=["sparse attention"], **zone)
        add_reader(session, AT, "bo@readers.example", terms=["protein folding"])
    run_once(made, AT)
    with database.write() as session:
        news = [entry(n, title=f"News {n} of sparse attention") for n in range(100, 120)]
        bring(session, page(*news), AT + timedelta(minutes=10), body=b"later")
    made.close()
    return file


@pytest.fixture
def context(round_file: Path, tmp_path: Path, settings: Settings, clock: Any) -> Iterator[Context]:
    clock.moment = AT + timedelta(minutes=30)
    settings.home.mkdir()
    url = f"sqlite:///{shutil.copy(round_file, tmp_path / 'rooms.db')}"
    made = settings.model_copy(update={"database_url": Settings(database_url=url).database_url})  # type: ignore[arg-type]
    opened = Context(settings=made, database=Database(url), clock=clock)
    yield opened
    opened.close()


Enter = Callable[..., Room]


@pytest.fixture
def enter(context: Context) -> Iterator[Enter]:
    """Signs somebody in: the first reader, by a fresh link, unless another is named."""
    rung: list[Ring] = []
    app = make_app(context.settings, clock=context.clock, ring=rung.extend)

    def one(reader_id: int = 1, scope: str = FULL) -> Room:
        browser = TestClient(
            app, "https://localhost", raise_server_exceptions=False, client=("127.0.0.1", 5)
        )
        if reader_id:
            browser.cookies.set(COOKIE, visiting.begin(context, reader_id, scope))
        return Room(context, browser, reader_id, rung)

    with TestClient(app):  # it begins and ends with the test
        yield one


@pytest.fixture
def ada(enter: Enter) -> Room:
    return enter()


def everything(context: Context) -> dict[str, list[Any]]:
    """All rows of the database."""
    with context.database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(table.select())]
            for table in SQLModel.metadata.sorted_tables
        }


def sent(context: Context, reader_id: int = 1) -> list[int]:
    """The papers that a reader was sent, by number."""
    with context.database.read() as session:
        return [int(one.pick.paper.id) for one in history.picked(session, reader_id, 50)]


# --- who gets in ---------------------------------------------------------------------------------
def test_every_room_opens_to_its_reader_and_sends_a_stranger_to_sign_in(enter: Enter) -> None:
    reader, stranger = enter(), enter(0)
    for path in (*ROOMS, *VAULTS):
        assert reader.get(path).status_code == 200, path
        sent_on = stranger.get(path, follow_redirects=False)
        assert (sent_on.status_code, sent_on.headers["location"]) == (303, "/sign-in"), path


def test_looking_changes_nothing(context: Context, enter: Enter) -> None:
    room = enter()
    before = everything(context)
    for path in (*ROOMS, *VAULTS, "/my/preferences?said=saved", "/my?said=paused"):
        assert room.get(path).status_code == 200
        assert room.browser.head(path).status_code == 200
    assert everything(context) == before


def test_no_form_is_taken_from_another_site_nor_from_a_stranger(
    context: Context, enter: Enter
) -> None:
    reader, stranger = enter(), enter(0)
    before = everything(context)
    for path in (*POSTS, *VAULT_POSTS):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
            answer = reader.browser.post(path, data={"entry": "1"}, headers=headers)
            assert answer.status_code == 403, path
        assert stranger.post(path, entry="1").status_code == 401, path
    assert everything(context) == before


def test_the_link_of_a_digest_does_not_open_what_is_for_the_reader_alone(
    context: Context, enter: Enter
) -> None:
    room = enter(1, TUNE)
    before = everything(context)
    answers = [room.get(path) for path in VAULTS]
    answers += [room.post(path, sure="1", name="x") for path in VAULT_POSTS]
    for answer in answers:
        assert answer.status_code == 403, answer.url
        assert "sign in by a fresh link" in answer.text
    assert everything(context) == before


def test_who_came_by_the_link_of_a_digest_tunes_and_is_mailed_a_fresh_link(enter: Enter) -> None:
    room = enter(1, TUNE)
    assert all(room.get(path).status_code == 200 for path in ROOMS)
    closed = room.get("/my/data")
    assert "digests get forwarded" in closed.text
    assert "a…@readers.example" in closed.text
    assert "ada@readers.example" not in closed.text
    assert "/feeds/" not in closed.text
    assert room.post("/sign-in").status_code == 200
    assert len(room.rung) == 1


def test_nobody_reaches_what_is_another_readers(context: Context, enter: Enter) -> None:
    ada, bo = enter(), enter(2)
    hers = interests.list_profiles(context, 1)[0].id
    key, _ = visiting.make_key(context, 1, "hers")
    teaching.give(context, 1, sent(context)[0], Want.SAVE)
    before = everything(context)
    assert bo.get(f"/my/profiles/{hers}").status_code == 404
    assert bo.get(f"/my/profiles/{hers}/remove").status_code == 404
    for path in (
        f"/my/profiles/{hers}",
        f"/my/profiles/{hers}/remove",
        f"/my/keys/{key.id}/revoke",
    ):
        assert bo.post(path, name="mine", version="1", terms="x").status_code == 404
    answer = bo.post("/my/learned/forget", entry=str(sent(context)[0]))
    assert answer.status_code == 303
    assert everything(context) == before
    for path in ("/my/saved", "/my/saved.bib", "/my/learned", "/my/keys", "/my/digests/2026-11-20"):
        assert "sparse attention" not in bo.get(path).text
        assert "hers" not in bo.get(path).text
    assert "sparse attention" in ada.get("/my/saved").text


def test_what_is_not_there_is_not_found(ada: Room) -> None:
    for path in (
        "/my/profiles/0",
        "/my/profiles/x",
        "/my/profiles/٣",
        f"/my/profiles/{'9' * 30}",
        "/my/profiles/new/remove",
        "/my/digests/2026-11-19",
        "/my/digests/2026-13-45",
        "/my/digests/today",
        "/my/digests/2026-11-20/more",
        "/my/digests?before=never",
    ):
        assert ada.get(path).status_code == 404, path


def test_nothing_of_a_reader_is_kept_by_caches(ada: Room) -> None:
    for path in (*ROOMS, *VAULTS):
        assert ada.get(path).headers["cache-control"] == "no-store", path


# --- the front room ------------------------------------------------------------------------------
def test_the_front_room_foretells_the_next_digest_and_lists_the_last(ada: Room) -> None:
    answer = ada.get("/my")
    words = text_of(answer)
    assert "Papers for Ada &amp; &lt;b&gt;Byron&lt;/b&gt;" in words
    assert "Your next digest comes on Saturday 21 November at 07:00 (Europe/Rome)." in words
    assert "20 new papers were looked at so far" in words
    assert "News 119 of sparse attention" in words
    assert "Why: Matches “sparse attention” in the title" in words or "Why:" in words
    assert words.count("More like this") == words.count("Hide") > 3
    assert 'href="/my/digests/2026-11-20"' in answer.text
    assert "Say what interests you" not in words


def test_without_anything_new_the_front_room_says_so(ada: Room) -> None:
    with ada.context.database.write() as session:
        for row in session.exec(select(models.Entry)):
            row.arrived_at = AT - timedelta(days=20)
    assert "Nothing new has come since your last digest." in text_of(ada.get("/my"))


def test_where_nothing_fits_the_front_room_leads_to_the_profiles(enter: Enter) -> None:
    bo = enter(2)
    interests.save(bo.context, 2, "main", {"terms": ["medieval poetry"]}, expected=1)
    with bo.context.database.write() as session:
        readers.change(session, 2, explore=False, threshold=0.9)
    words = text_of(bo.get("/my"))
    assert "20 new papers were looked at, and none is close enough" in words
    assert "Look at your profiles" in words


def test_who_has_no_profile_is_invited_to_begin(ada: Room) -> None:
    interests.remove(ada.context, 1, "main")
    words = text_of(ada.get("/my?said=started"))
    assert "You have not said what interests you yet" in words
    assert "The papers of the day, as they stand" in words
    assert words.index("Say what interests you") < words.index("The papers of the day")
    assert "That is a beginning" in words


def test_who_left_may_come_back(ada: Room) -> None:
    with ada.context.database.write() as session:
        readers.change(session, 1, state="unsubscribed")
    assert "You left: no digests are sent to you." in text_of(ada.get("/my"))
    assert "Pause my digests" not in ada.get("/my/preferences").text
    assert ada.post("/my/resume").headers["location"] == "/my?said=resumed"
    assert ada.reader.state == "active"


def test_a_zone_that_is_unknown_here_is_told_of(ada: Room) -> None:
    with ada.context.database.write() as session:
        readers.change(session, 1, timezone="Mars/Olympus")
    assert "its time zone is unknown here" in text_of(ada.get("/my"))
    assert ada.get("/my/preferences").status_code == 200


# --- digests -------------------------------------------------------------------------------------
def test_a_digest_is_shown_with_its_reasons_and_as_it_was_mailed(ada: Room) -> None:
    answer = ada.get("/my/digests/2026-11-20")
    words = text_of(answer)
    assert "Friday 20 November 2026" in words
    assert "10 papers of 60 new" in words
    assert words.count("Why:") == 10
    mail = re.search(r'href="(/view/[^"]+)"', answer.text)
    assert mail
    seen = ada.get(mail[1])
    assert seen.status_code == 200
    assert "sandbox" in seen.headers["content-security-policy"]


def test_the_mail_and_its_links_are_not_shown_to_who_came_by_such_a_link(enter: Enter) -> None:
    answer = enter(1, TUNE).get("/my/digests/2026-11-20")
    assert text_of(answer).count("Why:") == 10
    assert not re.search(r"/(view|tune|u|give|feeds)/", answer.text)


def test_digests_without_papers_say_why(ada: Room) -> None:
    days = {"empty": date(2026, 11, 19), "dead": date(2026, 11, 18), "planned": date(2026, 11, 17)}
    with ada.context.database.write() as session:
        for state, day in days.items():
            row = models.Digest(reader_id=1, day=day, due_at=AT, planned_at=AT, state=state)
            row.reason = "no new papers came since the last digest" if state == "empty" else ""
            session.add(row)
    said = {
        "empty": "no new papers came since the last digest",
        "dead": "could not be made",
        "planned": "is being made",
    }
    listed = text_of(ada.get("/my/digests"))
    for state, day in days.items():
        answer = ada.get(f"/my/digests/{day}")
        assert said[state] in text_of(answer)
        assert "/view/" not in answer.text
        assert said[state] in listed or "no papers" in listed


def test_all_digests_are_listed_page_by_page(ada: Room) -> None:
    with ada.context.database.write() as session:
        for back in range(1, 41):
            day = date(2026, 11, 20) - timedelta(days=back)
            row = models.Digest(reader_id=1, day=day, due_at=AT, planned_at=AT, state="empty")
            session.add(row)
    assert "All past digests" in ada.get("/my").text
    first = ada.get("/my/digests").text
    older = re.search(r'href="(/my/digests\?before=[^"]+)"', first)
    assert older
    second = ada.get(older[1]).text
    days = re.findall(r"/my/digests/(\d{4}-\d\d-\d\d)", first + second)
    assert len(set(days)) == len(days) == 41
    assert days == sorted(days, reverse=True)
    assert "Older ones" not in second
    assert "There are no older ones." in ada.get("/my/digests?before=2020-01-01").text


def test_a_digest_of_fifty_papers_stands_on_several_small_pages(ada: Room) -> None:
    with ada.context.database.write() as session:
        for row in session.exec(select(models.Entry)):
            row.title = f"{row.title}: a title as long as those of many papers are, or longer"
        first = session.exec(select(models.Pick).where(models.Pick.reader_id == 1)).first()
        assert first
        known = sent(ada.context)
        others = [number for number in range(1, 61) if number not in known][:40]
        for place, number in enumerate(others, start=11):
            values = first.model_dump(exclude={"id"}) | {"entry_id": number, "place": place}
            session.add(models.Pick(**values))
    place, seen = "/my/digests/2026-11-20", []
    for number in (1, 2, 3):
        answer = ada.get(f"{place}?page={number}")
        assert "50 papers of 60 new" in text_of(answer)
        assert len(answer.content) < 60_000
        seen += re.findall(r'id="give-(\d+)"', answer.text)
    assert len(set(seen)) == len(seen) == 50
    assert "The papers after" not in answer.text
    assert f'value="{place}?page=3"' in answer.text


# --- answers -------------------------------------------------------------------------------------
@pytest.mark.parametrize("want", list(Want))
def test_an_answer_is_kept_shown_and_taken_back(ada: Room, want: Want) -> None:
    paper = sent(ada.context)[0]
    place = "/my/digests/2026-11-20"
    answer = ada.post("/my/feedback", entry=paper, want=want.value, to=place)
    assert answer.headers["location"] == f"{place}#give-{paper}"
    assert ada.get(place).text.count('aria-pressed="true"') == 1
    assert "What you said lately" in ada.get("/my").text
    assert ada.post("/my/feedback", entry=paper, undo=want.value, to=place).status_code == 303
    assert 'aria-pressed="true"' not in ada.get(place).text
    assert "What you said lately" not in ada.get("/my").text


def test_htmx_gets_the_four_buttons_and_nothing_else(ada: Room) -> None:
    paper = sent(ada.context)[0]
    data = {"entry": paper, "want": "save", "to": "//evil.example"}
    answer = ada.browser.post("/my/feedback", data=data, headers=OURS | {"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.text.count("<form") == 1
    assert "<html" not in answer.text
    assert f'id="give-{paper}"' in answer.text
    assert answer.text.count('aria-pressed="true"') == 1
    assert 'name="to" value="/my"' in answer.text


@pytest.mark.parametrize(
    "typed",
    [{}, {"entry": "1"}, {"entry": "x", "want": "more"}, {"entry": "1", "want": "love"},
     {"entry": "0", "want": "more"}, {"entry": str(2**70), "want": "more"}],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(ada: Room, typed: dict[str, str]) -> None:
    before = everything(ada.context)
    assert ada.post("/my/feedback", **typed).status_code == 400
    assert everything(ada.context) == before


def test_an_answer_to_no_paper_is_not_found(ada: Room) -> None:
    assert ada.post("/my/feedback", entry="9999", want="more").status_code == 404


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "",
     "/my\r\nSet-Cookie: x=y", "/\t/evil.example", "/ /evil.example", "my", f"/{'x' * 600}"],
)  # fmt: skip
def test_a_form_leads_back_to_no_other_place(ada: Room, to: str) -> None:
    paper = sent(ada.context)[0]
    answer = ada.post("/my/feedback", entry=paper, want="hide", to=to)
    assert answer.headers["location"] == f"/my#give-{paper}"
    assert back_to("/my/saved?page=2") == "/my/saved?page=2"


# --- what was learned, what was saved ------------------------------------------------------------
def test_what_was_learned_is_told_in_words_and_forgotten_one_by_one(ada: Room) -> None:
    assert "Nothing was learned yet." in text_of(ada.get("/my/learned"))
    first, second, *_ = sent(ada.context)
    teaching.give(ada.context, 1, first, Want.SAVE)
    teaching.give(ada.context, 1, second, Want.LESS)
    words = text_of(ada.get("/my/learned"))
    assert "Counts more now" in words
    assert "Counts less now" in words
    assert "Saved, 20 Nov 2026" in words
    assert "Less like this, 20 Nov 2026" in words
    answer = ada.post("/my/learned/forget", entry=second)
    assert answer.headers["location"] == "/my/learned?said=forgotten"
    after = text_of(ada.get("/my/learned?said=forgotten"))
    assert "Less like this, 20" not in after
    assert "Forgotten. What you saved stays saved." in after


def test_everything_is_forgotten_after_a_page_that_asks(ada: Room) -> None:
    for paper in sent(ada.context)[:3]:
        teaching.give(ada.context, 1, paper, Want.SAVE)
    assert "What 3 answers taught is forgotten, and" in text_of(ada.get("/my/learned/forget"))
    assert ada.post("/my/learned/forget").status_code == 400
    assert ada.post("/my/learned/forget", everything="1").status_code == 303
    assert "Nothing was learned yet." in text_of(ada.get("/my/learned"))
    assert "3 papers" in text_of(ada.get("/my/saved"))


def test_of_many_lessons_the_newest_are_named_and_the_rest_is_counted(ada: Room) -> None:
    for paper in range(1, 66):
        teaching.give(ada.context, 1, paper, Want.MORE)
    answer = ada.get("/my/learned")
    assert "… and 5 older ones." in text_of(answer)
    assert len(answer.content) < 60_000


def test_saved_papers_are_listed_unsaved_and_taken_along(ada: Room) -> None:
    assert "Nothing is saved yet" in ada.get("/my/saved").text
    first, second, third, *_ = sent(ada.context)
    teaching.give(ada.context, 1, first, Want.SAVE)
    teaching.give(ada.context, 1, second, Want.SAVE)
    teaching.give(ada.context, 1, third, Want.MORE)
    answer = ada.get("/my/saved")
    assert answer.text.count('aria-pressed="true"') == 2
    bib, ris = ada.get("/my/saved.bib"), ada.get("/my/saved.ris")
    assert bib.text.count("@misc{author") == ris.text.count("TY  - ") == 2
    assert bib.headers["content-type"] == "application/x-bibtex; charset=utf-8"
    assert ris.headers["content-disposition"] == 'attachment; filename="paperround-saved.ris"'
    ada.post("/my/feedback", entry=first, undo="save", to="/my/saved")
    assert ada.get("/my/saved").text.count('aria-pressed="true"') == 1


def test_many_saved_papers_stand_on_several_pages(ada: Room) -> None:
    for paper in range(1, 61):
        teaching.give(ada.context, 1, paper, Want.SAVE)
    first, second = ada.get("/my/saved"), ada.get("/my/saved?page=2")
    assert "60 papers" in text_of(first)
    assert len(first.content) < 60_000
    assert first.text.count('class="give"') == second.text.count('class="give"') == 20
    assert ada.get("/my/saved?page=0").status_code == 400


# --- preferences ---------------------------------------------------------------------------------
def filled(**changes: Any) -> dict[str, Any]:
    """The preferences' form as Ada might send it."""
    return {
        "name": "Ada",
        "rhythm": "workdays",
        "weekday": "3",
        "days": ["2", "6"],
        "hour": "18",
        "timezone": "Asia/Kolkata",
        "about": "2,5",
        "most": "4",
        "length": "long",
        "language": "en",
    } | changes


@pytest.mark.parametrize(
    ("rhythm", "days"),
    [("every", (1, 2, 3, 4, 5, 6, 7)), ("workdays", (1, 2, 3, 4, 5)), ("weekly", (3,)),
     ("own", (2, 6))],
)  # fmt: skip
def test_the_whole_form_is_kept(ada: Room, rhythm: str, days: tuple[int, ...]) -> None:
    answer = ada.post("/my/preferences", **filled(rhythm=rhythm))
    assert answer.headers["location"] == "/my/preferences?said=saved"
    reader = ada.reader
    assert (reader.name, reader.days, reader.hour) == ("Ada", days, 18)
    assert (reader.timezone, reader.about, reader.most) == ("Asia/Kolkata", 2.5, 4)
    assert (reader.length, reader.explore, reader.text_only) == ("long", False, False)
    seen = ada.get("/my/preferences?said=saved")
    assert "Saved. Your next digest follows it." in seen.text
    assert re.search(rf'value="{rhythm}"\s+checked', seen.text)
    assert "<option selected>Asia/Kolkata</option>" in seen.text


def test_the_form_speaks_the_language_that_it_is_set_to(ada: Room) -> None:
    ada.post("/my/preferences", **filled(language="de", explore="on", text_only="on"))
    assert '<html lang="de">' in ada.get("/my/preferences").text
    assert (ada.reader.explore, ada.reader.text_only) == (True, True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("timezone", "Mars/Olympus", "There is no such time zone"),
        ("hour", "25", "The hour is a number from 0 to 23."),
        ("hour", "", "The hour is a number from 0 to 23."),
        ("about", "lots", "How many papers a day is a number from 0 to 50."),
        ("about", "1e9", "How many papers a day is a number from 0 to 50."),
        ("most", "0", "a whole number from 1 to 50"),
        ("most", "2.5", "a whole number from 1 to 50"),
        ("rhythm", "never", "Choose at least one day of the week."),
        ("length", "endless", "The length is short, normal or long."),
        ("language", "xx", "We do not speak that language yet."),
        ("name", "x" * 81, "A name has 80 characters at most."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
    ada: Room, name: str, value: str, words: str
) -> None:
    before = ada.reader
    answer = ada.post("/my/preferences", **filled(**{name: value}))
    assert answer.status_code == 422
    assert words in answer.text
    assert answer.text.count('class="wrong"') == 1
    assert 'aria-invalid="true"' in answer.text
    if name != "name":
        assert 'value="Ada"' in answer.text, "what was typed is kept"
    assert ada.reader == before


def test_no_day_at_all_is_no_rhythm(ada: Room) -> None:
    answer = ada.post("/my/preferences", **filled(rhythm="own", days=[]))
    assert "Choose at least one day of the week." in answer.text


@pytest.mark.parametrize(
    ("typed", "back_on"),
    [
        ({"for": "7"}, date(2026, 11, 27)),
        ({"for": "28"}, date(2026, 12, 18)),
        ({"for": "day", "until": "2027-01-07"}, date(2027, 1, 7)),
        ({"for": "open", "until": "2027-01-07"}, None),
    ],
)
def test_digests_are_paused_and_come_again(
    ada: Room, typed: dict[str, str], back_on: date | None
) -> None:
    assert ada.post("/my/pause", **typed).headers["location"] == "/my?said=paused"
    assert (ada.reader.state, ada.reader.back_on) == ("paused", back_on)
    words = text_of(ada.get("/my?said=paused"))
    assert "Your digests are paused" in words
    assert "Send me digests again" in ada.get("/my/preferences").text
    assert ada.post("/my/resume").headers["location"] == "/my?said=resumed"
    assert ada.reader.state == "active"


@pytest.mark.parametrize(
    "typed",
    [{}, {"for": "9"}, {"for": "day"}, {"for": "day", "until": "soon"},
     {"for": "day", "until": "2026-11-20"}, {"for": "day", "until": "2031-01-01"}],
)  # fmt: skip
def test_a_pause_that_cannot_be_is_refused(ada: Room, typed: dict[str, str]) -> None:
    answer = ada.post("/my/pause", **typed)
    assert answer.status_code == 422
    assert "Choose a day of return between tomorrow and a year from now." in answer.text
    assert ada.reader.state == "active"


# --- profiles ------------------------------------------------------------------------------------
PAPERS = [{"title": f"Example {n}", "abstract": "About folding."} for n in range(1, 4)]


def test_profiles_are_listed_with_their_part_of_the_digest(ada: Room) -> None:
    body = {"terms": [f"term {n}" for n in range(12)], "share": 3, "examples": PAPERS}
    interests.save(ada.context, 1, "Folding", body, expected=None)
    words = text_of(ada.get("/my/profiles"))
    assert "main 25 % of your digest sparse attention version 1" in words
    assert "Folding 75 % of your digest term 0, term 1" in words
    assert "term 7, …" in words
    assert "3 example papers · version 1" in words


def test_a_profile_is_removed_after_a_page_that_asks(ada: Room) -> None:
    interests.save(ada.context, 1, "Folding", {"terms": ["x"]}, expected=None)
    assert "What your answers taught it goes to your first profile." in text_of(
        ada.get("/my/profiles/1/remove")
    )
    answer = ada.post("/my/profiles/1/remove")
    assert answer.headers["location"] == "/my/profiles?said=removed"
    assert [one.name for one in interests.list_profiles(ada.context, 1)] == ["Folding"]
    last = interests.find(ada.context, 1, "Folding").id
    assert "It is your only one" in text_of(ada.get(f"/my/profiles/{last}/remove"))
    ada.post(f"/my/profiles/{last}/remove")
    assert "There is none yet" in ada.get("/my/profiles?said=removed").text
    assert ada.post(f"/my/profiles/{last}/remove").status_code == 404
    assert ada.post("/my/profiles/new/remove").status_code == 404


def test_there_are_no_more_profiles_than_there_can_be(ada: Room) -> None:
    for number in range(interests.PROFILES_MOST - 1):
        interests.save(ada.context, 1, f"number {number}", {"terms": ["x"]}, expected=None)
    assert "Add a profile" not in ada.get("/my/profiles").text
    answer = ada.post("/my/profiles/new", name="more", terms="x", do="save")
    assert "which is the most there can be" in answer.text


# --- data ----------------------------------------------------------------------------------------
def upload(room: Room, data: bytes) -> Response:
    files = {"file": ("paperround.json", io.BytesIO(data), "application/json")}
    return room.browser.post("/my/import", files=files, headers=OURS)


def test_all_data_goes_along_and_comes_back(ada: Room) -> None:
    teaching.give(ada.context, 1, sent(ada.context)[0], Want.SAVE)
    exported = ada.get("/my/export.json")
    assert exported.headers["content-disposition"] == 'attachment; filename="paperround.json"'
    document = exported.json()
    assert document["account"]["email"] == "ada@readers.example"
    interests.remove(ada.context, 1, "main")
    teaching.take_back(ada.context, 1, sent(ada.context)[0], Want.SAVE)
    seen = upload(ada, exported.content)
    words = text_of(seen)
    assert seen.status_code == 200
    assert "This came back, and your preferences:" in words
    assert "profiles: 1" in words
    assert "answers to papers: 1" in words
    assert interests.find(ada.context, 1, "main").body == {"terms": ["sparse attention"]}


def test_a_large_export_is_packed_and_comes_back(
    ada: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ada.get("/my/export.json").json()
    monkeypatch.setattr(data_pages, "PLAIN_MOST", 100)
    exported = ada.get("/my/export.json")
    assert exported.headers["content-type"] == "application/gzip"
    assert exported.headers["content-disposition"] == 'attachment; filename="paperround.json.gz"'
    assert "content-encoding" not in exported.headers, "no browser unpacks it on the way"
    assert json.loads(gzip.decompress(exported.content)) == plain
    interests.remove(ada.context, 1, "main")
    assert "profiles: 1" in text_of(upload(ada, exported.content))


def test_papers_that_nobody_knows_here_are_named(ada: Room) -> None:
    teaching.give(ada.context, 1, sent(ada.context)[0], Want.SAVE)
    document = ada.get("/my/export.json").json()
    document["feedback"][0]["paper"] = {"arxiv": None, "doi": None, "title": HOSTILE}
    words = text_of(upload(ada, json.dumps(document).encode()))
    assert "1 paper is not known here" in words
    assert "&lt;script&gt;alert(1)" in words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no file was chosen"),
        (b"{", "the file is no JSON document"),
        (b"\xff\xfe", "the file is no JSON document"),
        (b"[" * 100_000, "the file is no JSON document"),
        (b'{"version": 1}', "must have"),
        (b'"' + b"x" * 5_000_000 + b'"', "the file is larger than 5 MB"),
    ],
)
def test_a_file_that_is_none_of_ours_changes_nothing(ada: Room, data: bytes, words: str) -> None:
    before = everything(ada.context)
    answer = upload(ada, data)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert everything(ada.context) == before


def test_without_any_file_nothing_is_brought_back(ada: Room) -> None:
    assert ada.post("/my/import").status_code == 422


def test_the_feed_has_an_address_that_can_be_renewed(ada: Room) -> None:
    old = re.findall(r"http://[^\"]+/feeds/[^\"]+", ada.get("/my/data").text)
    assert len(old) == 2
    path = old[0].partition("8780")[2] or old[0][old[0].index("/feeds/") :]
    assert ada.get(path).status_code == 200
    assert ada.post("/my/feed/renew").headers["location"] == "/my/data?said=feed"
    assert ada.get(path).status_code == 410
    seen = ada.get("/my/data?said=feed").text
    assert "Your feeds have new addresses." in seen
    assert old[0] not in seen


def test_all_sessions_and_old_links_end_at_once(ada: Room, enter: Enter) -> None:
    other = enter()
    answer = ada.post("/my/links/renew")
    assert answer.status_code == 200
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert "Signed out everywhere" in answer.text
    assert "/sign-in" in answer.text
    assert ada.get("/my", follow_redirects=False).status_code == 303
    assert other.get("/my", follow_redirects=False).status_code == 303


def test_a_key_is_made_shown_once_and_revoked(ada: Room) -> None:
    made = ada.post("/my/keys", name=" my <notebook> ")
    secret = re.search(r'value="(pr_[^"]+)"', made.text)
    assert secret
    assert visiting.key_owner(ada.context, secret[1]) == ada.reader
    listed = ada.get("/my/keys").text
    assert secret[1] not in listed
    assert secret[1][:11] in listed
    assert "my &lt;notebook&gt;" in listed
    key = visiting.list_keys(ada.context, 1)[0]
    assert ada.post(f"/my/keys/{key.id}/revoke").headers["location"] == "/my/keys?said=revoked"
    assert visiting.key_owner(ada.context, secret[1]) is None
    assert "The key opens nothing any more." in ada.get("/my/keys?said=revoked").text
    for number in (key.id, 0, 2**70):
        assert ada.post(f"/my/keys/{number}/revoke").status_code in (400, 404)


def test_a_key_needs_a_name_and_there_are_so_many_at_most(ada: Room) -> None:
    wrong = ada.post("/my/keys", name="x" * 61)
    assert wrong.status_code == 422
    assert "A key needs a name of 1 to 60 characters." in wrong.text
    for number in range(visiting.KEYS_MOST):
        visiting.make_key(ada.context, 1, f"key {number}")
    seen = ada.get("/my/keys")
    assert "There are as many keys as there can be" in seen.text
    assert len(seen.content) < 60_000
    assert ada.post("/my/keys", name="more").status_code == 422


@pytest.mark.parametrize("suppress", [False, True])
def test_who_is_sure_is_deleted_at_once(ada: Room, suppress: bool) -> None:
    asked = text_of(ada.get("/my/delete"))
    assert "ada@readers.example" in asked
    missed = ada.post("/my/delete", **({"suppress": "1"} if suppress else {}))
    assert missed.status_code == 422
    assert "Nothing was deleted yet." in missed.text
    assert bool(re.search(r'name="suppress"[^>]+checked', missed.text)) is suppress
    assert ada.reader.state == "active"
    done = ada.post("/my/delete", sure="1", **({"suppress": "1"} if suppress else {}))
    assert done.status_code == 200
    assert f'{COOKIE}=""' in done.headers["set-cookie"]
    assert ("Nothing of you is kept." in done.text) is not suppress
    assert ("A hash of your address is kept" in done.text) is suppress
    assert "My papers" not in done.text
    with ada.context.database.read() as session:
        assert readers.seek(session, 1) is None
        assert len(session.exec(select(models.Suppression)).all()) == suppress
    assert "ada@readers.example" not in str(everything(ada.context))
    assert ada.get("/my", follow_redirects=False).headers["location"] == "/sign-in"


# --- strangers' words ----------------------------------------------------------------------------
def test_no_paper_and_no_name_gets_a_word_in_of_its_own(ada: Room) -> None:
    with ada.context.database.write() as session:
        for row in session.exec(select(models.Entry)):
            row.title, row.abstract = f"{HOSTILE} {row.title}", f"{HOSTILE} sparse attention"
            row.authors, row.url = [HOSTILE], "javascript:alert(3)"
        readers.change(session, 1, name=HOSTILE)
        body = {"terms": [HOSTILE], "description": HOSTILE, "examples": [{"title": HOSTILE}]}
        profiles.save(session, 1, HOSTILE, body, AT)
        for paper, want in zip(range(1, 5), Want, strict=True):
            feedback.give(session, 1, paper, want, AT)
    visiting.make_key(ada.context, 1, HOSTILE[:60])
    preview = {"name": HOSTILE, "terms": HOSTILE, "share": HOSTILE, "version": "9"}
    answers = [ada.get(path) for path in PAGES]
    answers.append(ada.get(f"/my/profiles/{interests.find(ada.context, 1, HOSTILE).id}"))
    answers += [ada.post("/my/profiles/1", **preview, do=do) for do in ("look", "save")]
    answers.append(ada.post("/my/preferences", **dict.fromkeys(filled(), HOSTILE)))
    answers.append(ada.post("/my/pause", **{"for": HOSTILE, "until": HOSTILE}))
    for answer in answers:
        assert answer.status_code in (200, 409, 422)
        for words in ("<script>alert", "<img", "javascript:", "\"'>"):
            assert words not in answer.text, answer.url
        assert len(answer.content) < 60_000, answer.url


def test_the_front_room_stays_small_when_much_would_come(ada: Room) -> None:
    body = {"terms": ["sparse attention", "news", "study"], "share": 1}
    interests.save(ada.context, 1, "main", body, expected=1)
    with ada.context.database.write() as session:
        for row in session.exec(select(models.Entry)):
            row.abstract = f"{row.abstract} {'A sentence about it all. ' * 30}"
        readers.change(session, 1, most=50, about=50, threshold=0.0)
    front = ada.get("/my")
    assert "more papers." in text_of(front)
    assert len(front.content) < 60_000


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_html_without_an_error_and_small(ada: Room, language: str) -> None:
    with ada.context.database.write() as session:
        readers.change(session, 1, language=language, most=50, about=50)
        for paper in sent(ada.context)[:3]:
            feedback.give(session, 1, paper, Want.SAVE, AT)
    parser = html5lib.HTMLParser(strict=True)
    for path in PAGES:
        answer = ada.get(path)
        try:
            parser.parse(answer.text)
        except ParseError as error:
            pytest.fail(f"{path}: {error}")
        assert len(answer.content) < 60_000, path
        assert answer.text.count("<h1") == 1, path
        assert not re.search(r'\s(style|on[a-z]+)="', answer.text), path
        ids = re.findall(r'\sid="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids)), path


# --- in a browser --------------------------------------------------------------------------------
@pytest.fixture
def address(context: Context) -> Iterator[str]:
    """A real web face on the same database."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = make_app(context.settings, clock=context.clock)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://localhost:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def signed_in(browser: Browser, context: Context, **options: Any) -> Any:
    opened = browser.new_context(**options)
    secret = visiting.begin(context, 1, FULL)
    cookie = {"name": COOKIE, "value": secret, "url": "https://localhost/", "secure": True}
    opened.add_cookies([cookie])  # type: ignore[list-item]
    return opened


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_one_answers_with_and_without_scripts(
    browser: Browser, context: Context, address: str, scripts: bool
) -> None:
    with signed_in(browser, context, java_script_enabled=scripts) as opened:
        page = opened.new_page()
        page.goto(f"{address}/my/digests/2026-11-20")
        first = page.locator(".give").first
        first.get_by_role("button", name="Save for later").press("Enter")
        first.locator('[aria-pressed="true"]').wait_for()
        assert first.locator('[aria-pressed="true"]').inner_text() == "Save for later"
    with context.database.read() as session:
        said = feedback.of_entries(session, 1, sent(context))
    assert list(said.values()) == [{Want.SAVE}]


@pytest.mark.browser
def test_the_zone_that_the_browser_has_is_one_press_away(
    browser: Browser, context: Context, address: str
) -> None:
    with signed_in(browser, context, timezone_id="Asia/Tokyo") as opened:
        page = opened.new_page()
        page.goto(f"{address}/my/preferences")
        page.get_by_role("button", name="As this browser has it: Asia/Tokyo").click()
        assert page.get_by_label("In the time zone").input_value() == "Asia/Tokyo"
        page.get_by_role("button", name="Save my preferences").click()
        page.get_by_text("Saved. Your next digest follows it.").wait_for()
    with context.database.read() as session:
        assert readers.get(session, 1).timezone == "Asia/Tokyo"
