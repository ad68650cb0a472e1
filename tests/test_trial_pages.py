"""The page of a trial: what it is, how it stands, its two ends, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import html5lib
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_reader, bring, entry, page
from sqlmodel import select

from tasks import models
from tasks.desk import interests, visiting
from tasks.desk.tuning import shadows
from tasks.desk.visiting import FULL
from tasks.records import Want
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import feedback
from tasks.store.database import Database
from workers.web.app import make_app
from workers.web.page import COOKIE

OURS = {"Sec-Fetch-Site": "same-origin"}
HOSTILE = "<script>alert(1)</script>\"'>"
TRIAL = "/my/profiles/1/trial"
SEA = {"terms": ["tidal energy", HOSTILE], "description": "the sea"}

Enter = Callable[..., TestClient]


@pytest.fixture
def context(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    known = Settings(home=settings.home, database_url=sqlite_url, _env_file=None)  # type: ignore[arg-type,call-arg]
    opened = Context(settings=known, database=Database(sqlite_url), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def ada(context: Context, now: datetime) -> int:
    with context.database.write() as session:
        add_reader(session, now - timedelta(days=90))
        return add_reader(session, now - timedelta(days=90), "bo@readers.example") - 1


@pytest.fixture
def enter(context: Context) -> Iterator[Enter]:
    """Signs in a reader by their number; nobody by 0."""
    app = make_app(context.settings, clock=context.clock)

    def one(reader_id: int = 1) -> TestClient:
        browser = TestClient(app, "https://localhost", client=("127.0.0.1", 5))
        if reader_id:
            browser.cookies.set(COOKIE, visiting.begin(context, reader_id, FULL))
        return browser

    with TestClient(app):
        yield one


@pytest.fixture
def room(enter: Enter, ada: int) -> TestClient:
    return enter(ada)


def post(browser: TestClient, path: str = TRIAL, /, **typed: Any) -> Response:
    return browser.post(path, data=typed, headers=OURS, follow_redirects=False)


def text_of(answer: Response) -> str:
    html5lib.HTMLParser(strict=True).parse(answer.text)
    assert "<script>alert" not in answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def lived(context: Context, liked: str, days: int) -> None:
    """Digests of two papers, of which the reader liked that of one side."""
    with context.database.write() as session:
        bring(session, page(*(entry(n) for n in range(2 * days))), context.clock())
        for day in range(days):
            at = context.clock() + timedelta(days=day, hours=1)
            times = {"due_at": at, "planned_at": at, "composed_at": at}
            row = models.Digest(reader_id=1, day=at.date(), state="rendered", **times)
            session.add(row)
            session.flush()
            for place, team in enumerate(("saved", "shadow"), start=1):
                key = 2 * day + place
                pick = {"digest_id": row.id, "reader_id": 1, "entry_id": key, "place": place}
                session.add(models.Pick(**pick, value=0.5, raw=0.0, team=team))
                if team == liked:
                    feedback.give(session, 1, key, Want.MORE, at)
    context.clock.moment += timedelta(days=days + 5)  # type: ignore[attr-defined]


def test_without_a_trial_the_page_says_what_one_is(room: TestClient) -> None:
    said = text_of(room.get(TRIAL))
    assert "In a trial another version of a profile runs beside the saved one" in said
    assert "No trial of this profile is running" in said
    assert "Take the version on trial over" not in said


def test_the_form_of_the_profile_starts_one(context: Context, room: TestClient) -> None:
    typed = {"terms": "tidal energy", "name": "main", "version": "1", "share": "1"}
    begun = post(room, do="trial", **typed)
    assert (begun.status_code, begun.headers["location"]) == (303, f"{TRIAL}?said=started")
    standing = shadows.standing(context, 1)
    assert standing is not None
    assert standing.body == {"terms": ["tidal energy"]}
    said = text_of(room.get(begun.headers["location"]))
    assert "The trial has begun" in said
    assert "Nothing was decided yet" in said
    assert "Terms: added “tidal energy”; removed “sparse attention”" in said
    assert "<svg" not in room.get(TRIAL).text
    again = post(room, do="trial", **typed | {"terms": "codecs"})
    assert again.status_code == 409
    assert "A trial is running already" in text_of(again)


def test_what_cannot_be_tried_is_told(context: Context, room: TestClient) -> None:
    same = post(room, do="trial", terms="sparse attention", version="1", share="1")
    assert same.status_code == 422
    assert "This is the saved version" in text_of(same)
    wrong = post(room, do="trial", terms="x", share=HOSTILE)
    assert wrong.status_code == 422
    assert "share must be a number" in text_of(wrong)
    for do in ("promote", "drop"):
        gone = post(room, do=do)
        assert gone.status_code == 404
        assert "No trial is running." in text_of(gone)
    assert shadows.standing(context, 1) is None


@pytest.mark.parametrize(
    ("liked", "verdict"),
    [
        ("saved", "The saved version serves you better."),
        ("shadow", "The version on trial serves you better."),
    ],
)
def test_the_standing_is_told_in_words_and_drawn(
    context: Context, room: TestClient, liked: str, verdict: str
) -> None:
    shadows.start(context, 1, 1, SEA)
    lived(context, liked, 10)
    answer = room.get(TRIAL)
    said = text_of(answer)
    assert verdict in said
    assert "10 digests count so far" in said
    share = "100" if liked == "shadow" else "0"
    assert f"The version on trial won {share} % of the digests" in said
    assert f'aria-label="The version on trial won {share} % of the digests' in answer.text
    place = re.search(r'<circle cx="([\d.]+)"', answer.text)
    assert place is not None
    assert float(place[1]) == (300 if liked == "shadow" else 0)


def test_it_can_be_taken_over_or_dropped(context: Context, room: TestClient) -> None:
    shadows.start(context, 1, 1, SEA)
    began = re.search(r'name="trial" value="([^"]+)"', room.get(TRIAL).text)
    assert began is not None
    other = post(room, do="drop", trial="2026-11-01T07:00:00+00:00")
    assert other.status_code == 409
    assert "Another trial is running by now" in text_of(other)
    dropped = post(room, do="drop", trial=began[1])
    assert dropped.headers["location"] == f"{TRIAL}?said=dropped"
    assert "The trial is over" in text_of(room.get(dropped.headers["location"]))
    shadows.start(context, 1, 1, SEA)
    taken = post(room, do="promote")
    assert (taken.status_code, taken.headers["location"]) == (303, "/my/profiles?said=saved")
    assert interests.find(context, 1, 1).body == SEA


def test_who_saved_meanwhile_is_told_before_the_trial_goes_over_it(
    context: Context, room: TestClient
) -> None:
    shadows.start(context, 1, 1, SEA)
    form = dict(re.findall(r'name="(trial|version)" value="([^"]+)"', room.get(TRIAL).text))
    saved = interests.save(context, 1, "main", {"terms": ["codecs"]}, expected=1)
    told = post(room, do="promote", **form)
    assert told.status_code == 409
    assert "The profile was saved meanwhile" in text_of(told)
    assert shadows.running(context, 1) == 1
    assert post(room, do="promote", **form | {"version": f"{saved}"}).status_code == 303


def test_the_trial_of_one_profile_is_not_ended_from_another(
    context: Context, room: TestClient
) -> None:
    interests.save(context, 1, "other", {"terms": ["x"]}, expected=None)
    other = interests.find(context, 1, "other").id
    shadows.start(context, 1, 1, SEA)
    for do in ("promote", "drop"):
        ended = post(room, f"/my/profiles/{other}/trial", do=do)
        assert ended.status_code == 404
    assert shadows.running(context, 1) == 1


def test_a_trial_of_another_profile_is_named(context: Context, room: TestClient) -> None:
    interests.save(context, 1, HOSTILE, {"terms": ["x"]}, expected=None)
    other = interests.find(context, 1, HOSTILE).id
    shadows.start(context, 1, 1, SEA)
    answer = room.get(f"/my/profiles/{other}/trial")
    assert "there can be one at a time: main" in text_of(answer)
    assert f'href="{TRIAL}"' in answer.text


def test_nobody_else_comes_in(context: Context, enter: Enter, ada: int) -> None:
    shadows.start(context, ada, 1, SEA)
    bo, stranger = enter(2), enter(0)
    assert bo.get(TRIAL).status_code == 404
    for do in ("drop", "promote", "trial"):
        assert post(bo, do=do).status_code == 404
        assert post(stranger, do=do).status_code == 401
        foreign = bo.post(TRIAL, data={"do": do}, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
    with context.database.read() as session:
        hidden = select(models.Profile.id).where(models.Profile.state == "shadow")
        shadow = session.exec(hidden).one()
    room = enter(ada)
    for which in (shadow, "new", "0", "x", "9" * 30):
        assert room.get(f"/my/profiles/{which}/trial").status_code == 404
    with context.database.read() as session:
        states = session.exec(select(models.Profile.state)).all()
    assert sorted(states) == ["active", "active", "shadow"]


def test_looking_changes_nothing(context: Context, room: TestClient) -> None:
    shadows.start(context, 1, 1, SEA)
    before = shadows.standing(context, 1)
    assert room.head(TRIAL).status_code == room.get(TRIAL).status_code == 200
    assert shadows.standing(context, 1) == before
