"""What stands where, by day and right now: the queries, the trends, and the pages that show them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from browsing import as_admin, client
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlmodel import col, select, update
from watched import (
    DAY,
    FRIDAY,
    HOUR,
    MINUTE,
    add_digest,
    add_mail,
    add_page,
    good_service,
    midnight,
)

from tasks import models
from tasks.office.picture import look
from tasks.office.watching import watch
from tasks.records import Step
from tasks.round.context import Context
from tasks.store import health, trends
from tasks.store import watch as pulses
from tasks.store.database import Database
from workers.web.admin.health import stations

TODAY = FRIDAY.date()
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def good(context: Context, clock: Any) -> Context:
    """A service that has run well up to Friday noon."""
    clock.moment = FRIDAY
    with context.database.write() as session:
        good_service(session, FRIDAY)
    return context


# --- right now -------------------------------------------------------------------------------------
def test_each_step_says_how_much_waits_and_since_when(good: Context) -> None:
    with good.database.write() as session:
        session.execute(
            update(models.Source)
            .where(col(models.Source.id) == 3)
            .values(next_attempt_at=FRIDAY - 3 * MINUTE)
        )
        for ago in (5, 9):
            add_page(session, 1, TODAY, FRIDAY - ago * MINUTE, state="fetched", entries=0)
        session.execute(update(models.Counter).values(value=1))
        pulses.beat(session, "calm:score", FRIDAY - 2 * MINUTE)
        add_digest(session, TODAY + DAY, state="planned", mail="")
        add_digest(session, TODAY + 2 * DAY, state="composed", mail="")
        for number, (state, at) in enumerate((("deferred", FRIDAY + HOUR), ("ready", None))):
            key = add_digest(session, TODAY + (3 + number) * DAY, mail="")
            mail = add_mail(session, key, 1, state, FRIDAY - (20 - number) * MINUTE)
            session.get_one(models.Delivery, mail).next_attempt_at = at
    found = look(good)
    assert {step: one.number for step, one in found.waiting.items()} == {
        Step.FETCH: 1,
        Step.PARSE: 2,
        Step.SCORE: 1,
        Step.COMPOSE: 1,
        Step.RENDER: 1,
        Step.DELIVER: 1,
    }
    assert found.depth == 7
    assert found.waiting[Step.FETCH].since == FRIDAY - 3 * MINUTE
    assert found.waiting[Step.PARSE].since == FRIDAY - 9 * MINUTE
    assert found.waiting[Step.SCORE].since == FRIDAY - 2 * MINUTE
    assert found.waiting[Step.COMPOSE].since == midnight(TODAY + DAY) + 7 * HOUR
    assert found.waiting[Step.DELIVER].since == FRIDAY - 19 * MINUTE
    assert (found.open_mails.number, found.open_mails.since) == (2, FRIDAY - 20 * MINUTE)


def test_a_source_says_what_it_brought_today_and_what_it_was_expected_to(good: Context) -> None:
    with good.database.write() as session:
        add_page(session, 1, TODAY, FRIDAY - HOUR, state="quarantined", entries=0, new_entries=0)
        add_page(session, 1, TODAY, FRIDAY - 2 * HOUR, new_entries=2, rejected_items=3)
    arxiv, blog, daily = look(good).sources
    assert daily.today == health.Came(pages=3, parsed=2, quarantined=1, new=11, rejected=5)
    assert (arxiv.today.pages, blog.today) == (1, health.Came())
    assert (daily.expected.today, daily.expected.last, daily.expected.late) == (True, TODAY, None)
    assert (blog.expected.today, blog.expected.last) == (False, date(2026, 11, 19))
    assert daily.quarantined == 1


def test_an_empty_list_is_no_edition(good: Context, clock: Any) -> None:
    clock.moment = FRIDAY + DAY
    with good.database.write() as session:
        add_page(session, 1, TODAY + DAY, clock.moment, entries=0, new_entries=0)
        add_page(session, 3, TODAY + DAY, clock.moment, dated=False, entries=9, new_entries=0)
    _, blog, daily = look(good).sources
    assert daily.expected.last == TODAY
    assert blog.expected.last == date(2026, 11, 19), "a feed that was fetched brought nothing new"


def test_the_days_digests_are_counted_by_what_became_of_them(good: Context) -> None:
    with good.database.write() as session:
        for reader in range(2, 6):
            values = {"email": f"r{reader}@readers.example", "token": str(reader), "shard_id": 1}
            session.add(models.Reader(created_at=FRIDAY, **values))
        session.flush()
        add_digest(session, TODAY, reader=2, mail="unsure")
        add_digest(session, TODAY, reader=3, state="empty", mail="")
        add_digest(session, TODAY, reader=4, state="planned", mail="")
        add_digest(session, TODAY, reader=5, state="imported", mail="")
        add_digest(session, TODAY, reader=5, addendum_of=9)
        late = add_digest(session, TODAY + DAY, reader=2, state="planned", mail="")
        session.get_one(models.Digest, late).due_at = FRIDAY - HOUR  # theirs is tomorrow already
    with good.database.read() as session:
        found = health.due_today(session, FRIDAY)
    assert found == health.Digests(
        due=5, composed=3, rendered=2, sent=1, ripe=4, ripe_empty=1, news=12
    )


def test_runs_readers_and_suppressions_are_told(good: Context) -> None:
    with good.database.write() as session:
        for state in ("running", "done"):
            values = {"state": state, "asked_by": "ada", "first_day": TODAY, "last_day": TODAY}
            session.add(models.Run(code=f"run-{state}", asked_at=FRIDAY, **values))
        session.add(models.Suppression(hash="h", at=FRIDAY))
    found = look(good)
    assert [(run.code, run.state, run.asked_by) for run in found.runs] == [
        ("run-running", "running", "ada")
    ]
    assert found.readers == {"active": 1}
    assert found.last_sent == midnight(TODAY) + 7 * HOUR + 3 * MINUTE
    assert [(one.role, one.name) for one in found.processes] == [
        ("beat", "host/1"),
        ("web", "host/3"),
        ("worker", "host/2"),
    ]
    with good.database.read() as session:
        assert health.suppressed(session) == 1
        assert health.size(session) > 100_000


def test_what_lives_is_forgotten_by_its_role_and_not_by_what_begins_alike(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        for name in ("web:a", "web:b", "webhook", "web_x:c"):
            pulses.beat(session, name, now - 2 * DAY)
        pulses.beat(session, "web:new", now)
        assert pulses.purge(session, "web", now) == 2
        assert set(health.pulses(session)) == {"webhook", "web_x:c", "web:new"}
        pulses.gone(session, "web:new")
        assert "web:new" not in health.pulses(session)


# --- trends ----------------------------------------------------------------------------------------
def test_the_last_days_are_told_one_by_one(good: Context) -> None:
    with good.database.write() as session:
        add_page(session, 1, TODAY - 9 * DAY, FRIDAY - HOUR, rejected_items=4)
        session.add(
            models.Reader(email="b@readers.example", token="b", shard_id=1, created_at=FRIDAY)
        )
        session.flush()
        add_digest(session, TODAY - DAY, reader=2, state="empty", mail="")
        key = add_digest(session, TODAY, reader=2, mail="")
        mail = add_mail(session, key, 2, "sent", midnight(TODAY) + 8 * HOUR)
        add_digest(session, TODAY - 2 * DAY, reader=2, mail="failed")
        add_mail(session, None, None, "sent", FRIDAY - 30 * MINUTE)  # a letter has no hour
        assert mail
    with good.database.read() as session:
        days = trends.by_day(session, TODAY, 5)
    assert [one.day for one in days] == [TODAY - n * DAY for n in (4, 3, 2, 1, 0)]
    today, before, third = days[4], days[3], days[2]
    assert (today.pages, today.new, today.rejected) == (3, 27, 6)
    assert (today.composed, today.empty, today.sent, today.failed) == (2, 0, 3, 0)
    assert (round(today.lag or 0), round(today.lag_most or 0)) == (3, 61), "of two, the lower"
    assert (before.pages, before.composed, before.empty) == (3, 1, 1)
    assert (third.composed, third.sent, third.failed) == (2, 1, 1)
    assert days[0] == trends.Day(day=TODAY - 4 * DAY, pages=2, new=18, rejected=2)


def test_the_median_is_the_one_in_the_middle_and_nobody_is_early(good: Context) -> None:
    with good.database.write() as session:
        for reader, minutes in enumerate((10, 20, 90, -5), start=2):
            values = {"email": f"r{reader}@readers.example", "token": str(reader), "shard_id": 1}
            session.add(models.Reader(created_at=FRIDAY, **values))
            session.flush()
            key = add_digest(session, TODAY - 6 * DAY, reader=reader, mail="")
            due = midnight(TODAY - 6 * DAY) + 7 * HOUR
            add_mail(session, key, reader, "sent", due + (minutes - 1) * MINUTE)
            if minutes < 0:
                continue
        early = add_digest(session, TODAY - 7 * DAY, mail="")
        add_mail(session, early, 1, "sent", midnight(TODAY - 7 * DAY))
    with good.database.read() as session:
        alone, several = trends.by_day(session, TODAY - 6 * DAY, 2)
    assert (round(several.lag or 0), round(several.lag_most or 0)) == (10, 90)
    assert (alone.lag, alone.lag_most) == (0, 0)


# --- few queries -----------------------------------------------------------------------------------
def test_a_look_takes_the_same_few_queries_however_much_there_is(good: Context) -> None:
    counted: list[str] = []
    event.listen(
        good.database.engine, "before_cursor_execute", lambda *args: counted.append(args[2])
    )
    look(good)
    few = len(counted)
    with good.database.write() as session:
        for number in range(50):
            add_page(session, 1 + number % 3, TODAY, FRIDAY - number * MINUTE)
            add_digest(session, TODAY + (1 + number) * DAY, mail="ready")
    counted.clear()
    look(good)
    assert len(counted) <= few + 2  # the oldest mails that wait
    assert few <= 24


# --- pages -----------------------------------------------------------------------------------------
@pytest.fixture
def morning(sqlite_url: str, settings: Any, clock: Any) -> Iterator[Context]:
    """The same service on SQLite, for the pages."""
    settings.home.mkdir()
    clock.moment = FRIDAY
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    with opened.database.write() as session:
        good_service(session, FRIDAY)
    yield opened
    opened.close()


def plain(html: str) -> str:
    return re.sub(r" ([.;])", r"\1", re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))


def test_on_a_good_morning_one_line_says_so(morning: Context) -> None:
    with as_admin(morning, "viewer") as browser:
        text = plain(browser.get("/admin").text)
    assert "All is well" in text
    for words in (
        "fetch 2 pages waiting 0",
        "parse 18 new papers waiting 0",
        "score 1 of 1 shard up to date",
        "compose 1 of 1 digests",
        "deliver 1 sent",
        "daily hf yes, and came 2026-11-20 1 1 9 0",
        "blog feed not today 2026-11-19 0 0 0 0",
        "worker host/2 20 s ago",
        "the broker does not answer",
        "The last 30 days",
    ):
        assert words in text, words


def test_on_a_bad_morning_each_thing_is_named_with_its_remedy_and_the_way_there(
    morning: Context,
) -> None:
    with morning.database.write() as session:
        newest = (models.Page.source_id == 1, col(models.Page.fetched_at) >= midnight(TODAY - DAY))
        for row in session.exec(select(models.Page).where(*newest)).all():
            session.delete(row)
        session.exec(select(models.Delivery).limit(1)).one().state = "unsure"
    watch(morning)
    with as_admin(morning, "operator") as browser:
        html = browser.get("/admin").text
    text = plain(html)
    assert "2 things want your attention" in text
    assert "The source daily has brought no papers of Thursday 19 November. Raised now." in text
    assert (
        "paperround reprocess --from 2026-11-19 --to 2026-11-20 --stage fetch --source daily"
        in text
    )
    assert 'href="/admin/sources/daily">See and mend it' in html
    assert 'href="/admin/deliveries?state=unsure">See and mend it' in html
    plan = "/admin/runs/new?first=2026-11-19&amp;last=2026-11-20&amp;source=daily&amp;stage=fetch"
    assert plan in html
    assert "Bring in the 2 days it misses" in text
    with as_admin(morning, "operator") as browser:
        assert browser.get(plan.replace("&amp;", "&")).status_code == 200


def test_an_open_page_asks_for_what_changes_and_needs_no_script(morning: Context) -> None:
    with as_admin(morning, "viewer") as browser:
        whole, part = browser.get("/admin").text, browser.get("/admin/now").text
    assert 'data-hx-get="/admin/now"' in whole
    assert part.lstrip().startswith('<div id="now"')
    assert "<html" not in part
    assert "<svg" not in part, "the trends stay as they are"
    links = re.findall(r"<a [^>]+>", part)
    assert len(links) > 4
    assert all(" id=" in link for link in links), "what has the focus is found again"


def test_every_plot_has_its_table(morning: Context) -> None:
    with as_admin(morning, "viewer") as browser:
        html = browser.get("/admin").text
    assert html.count('role="img"') == 4
    assert len(html.encode()) < 60_000
    table = html[html.index("The same as a table") :]
    assert table.count("<tr>") == 31
    assert "style=" not in html
    assert plain(table).count("2026-11-20 2 18 2 1 0 1 0 3 3") == 1


def test_a_fresh_install_leads_to_what_comes_first(context: Context) -> None:
    with as_admin(context, "operator") as browser:
        html = browser.get("/admin").text
    assert "All is well" in html
    assert "/admin/sources/new" in html
    with as_admin(context, "viewer") as browser:
        assert "/admin/sources/new" not in browser.get("/admin").text


def test_words_of_strangers_are_text(morning: Context) -> None:
    with morning.database.write() as session:
        source = session.get_one(models.Source, 2)
        source.name, source.attempts, source.error = HOSTILE, 4, HOSTILE
        session.get_one(models.Pulse, "web:host/3").name = f"web:{HOSTILE}"
    watch(morning)
    with as_admin(morning, "viewer") as browser:
        pages = [browser.get(path).text for path in ("/admin", "/admin/alarms")]
    assert all(HOSTILE not in html and "&lt;img" in html for html in pages)


def test_alarms_are_listed_open_ones_first_and_by_pages(morning: Context, clock: Any) -> None:
    with morning.database.write() as session:
        for number in range(60):
            at = FRIDAY - (100 - number) * HOUR
            words = {"words": f"words {number}", "remedy": "r"}
            row = models.Alarm(key="queue", kind="queue", raised_at=at, cleared_at=at, **words)
            session.add(row)
        session.add(
            models.Alarm(key="dead", kind="dead", words="open", remedy="Do it.", raised_at=FRIDAY)
        )
    with as_admin(morning, "viewer") as browser:
        html = browser.get("/admin/alarms").text
        text = plain(html)
        assert "Work failed at every try open Do it. Raised now; not told yet." in text
        assert "Nobody is told of alarms" in text
        assert "words 59" in text
        assert "words 9 " not in text
        [older] = re.findall(r"/admin/alarms\?before=\d+", html)
        rest = plain(browser.get(older).text)
    assert "words 9 " in rest
    assert "words 0 " in rest
    assert "Do it." not in rest
    told = morning.settings.model_copy(update={"alarm_mail": "ops@admins.example"})
    with as_admin(
        Context(settings=told, database=morning.database, clock=clock), "viewer"
    ) as browser:
        assert "Nobody is told" not in browser.get("/admin/alarms").text


@pytest.mark.parametrize("path", ["/admin", "/admin/now", "/admin/alarms"])
def test_nobody_else_sees_them(morning: Context, path: str) -> None:
    with client(morning) as browser:
        answer = browser.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/admin/sign-in?to=")


@pytest.mark.parametrize("before", ["0", "x", str(2**63)])
def test_a_strange_number_is_refused(morning: Context, before: str) -> None:
    with as_admin(morning, "viewer") as browser:
        assert browser.get(f"/admin/alarms?before={before}").status_code in (400, 422)


def test_the_steps_stand_in_order_and_name_what_went_wrong(morning: Context) -> None:
    with morning.database.write() as session:
        add_page(session, 1, TODAY, FRIDAY, state="quarantined", entries=0, new_entries=0)
        session.get_one(models.Source, 2).attempts = 1
        add_digest(session, TODAY + DAY, state="dead", mail="")
    found = {one.step: dict(one.bad) for one in stations(look(morning))}
    assert list(found) == [step for step in Step if step is not Step.BACKLOG]
    assert found[Step.FETCH] == {"sources failing": 1}
    assert found[Step.PARSE] == {"in quarantine": 1, "items rejected": 3}
    assert found[Step.COMPOSE] == {"dead": 1}


# --- ready? ----------------------------------------------------------------------------------------
def ready(browser: TestClient, **headers: str) -> dict[str, str]:
    answer: dict[str, str] = browser.get("/readyz", headers=headers).json()
    return answer


def test_who_may_not_know_learns_whether_it_is_ready_and_no_more(morning: Context) -> None:
    public = {"base_url": "https://papers.example"}
    with client(morning, **public) as browser:
        browser.headers["Host"] = "papers.example"
        assert ready(browser) == {"ready": "no"}, "there is no broker here"
        assert ready(browser, **{"X-Forwarded-For": "127.0.0.1"}) == {"ready": "no"}
        assert ready(browser, Host="localhost") == {"ready": "no"}
    with as_admin(morning, "viewer", **public) as browser:
        browser.headers["Host"] = "papers.example"
        assert ready(browser)["broker"] == "failed"
    with client(morning) as browser:
        assert ready(browser)["broker"] == "failed"
        assert ready(browser, **{"X-Forwarded-For": "10.0.0.1"}) == {"ready": "no"}


def test_a_silent_beat_is_named(morning: Context) -> None:
    with morning.database.write() as session:
        for name in ("tick", "beat:host/1"):
            pulses.beat(session, name, FRIDAY - timedelta(minutes=9))
    with client(morning) as browser:
        found = ready(browser)
    assert (found["beat"], found["worker"]) == ("silent", "ok")
