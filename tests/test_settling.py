"""What a database forgets that comes back from a backup: nothing is mailed that the old service may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from papers import add_folder, add_reader, add_source, api_json, entry
from pydantic import SecretStr
from smtp_sink import Sink
from sqlmodel import select

from tasks import models
from tasks.desk import leaving, subscribing, visiting
from tasks.office import dead, telling
from tasks.round.composing import compose
from tasks.round.context import Context
from tasks.round.fetching import fetch
from tasks.round.parsing import parse
from tasks.round.rendering import render
from tasks.round.scoring import score
from tasks.round.tick import tick
from tasks.round.walk import run_once
from tasks.store import alarms, readers, settling, sources, watch
from tasks.store import deliveries as store
from tasks.store.alarms import Found

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NET = "203.0.113.9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "pages"
    path.mkdir()
    (path / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    return path


@pytest.fixture
def house(context: Context, folder: Path, now: datetime) -> Context:
    """A source, and readers whose hour has come."""
    with context.database.write() as session:
        add_folder(session, folder, now)
        add_reader(session, now, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, now, "bo@readers.example", terms=["tidal energy"])
    return context


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server


@pytest.fixture
def smtp(house: Context, sink: Sink) -> Iterator[Context]:
    """The same house, with the sink as its mail server."""
    url = SecretStr(f"smtp://127.0.0.1:{sink.port}?starttls=never")
    opened = replace(house, settings=house.settings.model_copy(update={"smtp_url": url}))
    yield opened
    opened.close()


def back(
    context: Context, *, after: timedelta = HOUR, sent: bool = True, asks: bool = False
) -> dict[str, int]:
    """The database comes back, so long after its backup was made."""
    made_at = context.clock()
    context.clock.moment = made_at + after  # type: ignore[attr-defined]
    with context.database.write() as session:
        return settling.come_back(session, context.clock(), made_at, sent=sent, asks=asks)


def rendered(context: Context, at: datetime) -> None:
    """A round up to the mails, which stand ready."""
    tick(context, at)
    fetch(context, 1, 99, at)
    parse(context, 1, 99, at)
    score(context, 1, 99, at)
    compose(context, 1, 99, at)
    render(context, 1, 99, at)


def deliveries(context: Context) -> list[tuple[str, str]]:
    with context.database.read() as session:
        found = session.exec(select(models.Delivery).order_by(models.Delivery.id))  # type: ignore[arg-type]
        return [(row.state, row.error) for row in found]


def days_of(context: Context) -> list[tuple[date, str]]:
    with context.database.read() as session:
        found = session.exec(select(models.Digest).order_by(models.Digest.id))  # type: ignore[arg-type]
        return [(row.day, row.state) for row in found]


def box(context: Context) -> list[str]:
    folder = context.settings.mailbox / "new"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# --- mails that waited ---------------------------------------------------------------------------
def test_mails_that_waited_are_unsure_and_nobody_sends_them(
    house: Context, smtp: Context, sink: Sink, now: datetime
) -> None:
    rendered(house, now)
    assert [state for state, _ in deliveries(house)] == ["ready", "ready"]
    assert back(house)["unsure"] == 2
    for state, why in deliveries(house):
        assert state == "unsure"
        assert "backup of 2026-11-20 09:30 UTC" in why
        assert "Message-ID in the mail server's log, then decide" in why
    run_once(smtp, smtp.clock())
    assert sink.accepted == []
    with house.database.read() as session:
        tried = session.exec(select(models.Attempt)).all()
        assert [(row.number, row.phase, row.outcome) for row in tried] == [
            (1, "restore", "unsure")
        ] * 2


def test_mails_that_waited_go_out_where_nothing_was_sent_since(
    house: Context, smtp: Context, sink: Sink, now: datetime
) -> None:
    rendered(house, now)
    assert "unsure" not in back(house, sent=False)
    run_once(smtp, smtp.clock())
    assert len(sink.accepted) == 2
    assert [state for state, _ in deliveries(house)] == ["sent", "sent"]


def test_a_mailbox_is_asked_which_mails_it_has(house: Context, now: datetime) -> None:
    rendered(house, now)
    with house.database.read() as session:
        first = store.message(session.get_one(models.Delivery, 1))
    with house.transport() as transport:  # the old service handed one over, after the backup
        transport.offer(first).finish()
    stood = (house.settings.mailbox / "new" / first.key).stat().st_mtime_ns
    assert back(house, asks=True)["asked"] == 2
    run_once(house, house.clock())
    assert len(box(house)) == 2
    assert (house.settings.mailbox / "new" / first.key).stat().st_mtime_ns == stood
    assert [state for state, _ in deliveries(house)] == ["sent", "sent"]
    with house.database.read() as session:
        assert session.get_one(models.Delivery, 1).reply == "found in the mailbox"


def test_letters_that_waited_are_not_sent_since_their_links_are_void(
    house: Context, smtp: Context, sink: Sink
) -> None:
    subscribing.subscribe(smtp, "new@readers.example", net=NET)
    found = back(house, sent=False)
    assert (found["letters"], found["tickets"]) == (1, 1)
    run_once(smtp, smtp.clock())
    assert all(mail.recipient != "new@readers.example" for mail in sink.accepted)
    with house.database.read() as session:
        letter = session.exec(select(models.Delivery).where(models.Delivery.letter != "")).one()
        assert (letter.state, letter.body) == ("expired", b"")
        assert "its link holds no longer" in letter.error


@pytest.mark.parametrize(("sent", "state"), [(False, "sent"), (True, "expired")])
def test_an_alarms_mail_that_waited_goes_out_where_nothing_was_sent_since(
    house: Context, smtp: Context, sink: Sink, sent: bool, state: str
) -> None:
    found = [Found("dead", "dead", "A mail failed at every try.", "See its error.")]
    told = replace(
        smtp, settings=smtp.settings.model_copy(update={"alarm_mail": "ops@papers.example"})
    )
    with house.database.write() as session:
        changes = alarms.sync(session, found, smtp.clock())
        assert telling.post(told, session, changes.raised, smtp.clock())
    back(house, sent=sent)
    run_once(smtp, smtp.clock())
    to_admins = [mail for mail in sink.accepted if mail.recipient == "ops@papers.example"]
    assert len(to_admins) == (not sent)
    with house.database.read() as session:
        assert (
            session.exec(select(models.Delivery.state).where(models.Delivery.letter != "")).one()
            == state
        )


# --- digests that were being made ----------------------------------------------------------------
@pytest.mark.parametrize("composed", [False, True])
def test_a_digest_that_was_being_made_is_a_dead_letter(
    house: Context, now: datetime, composed: bool
) -> None:
    tick(house, now)
    if composed:
        fetch(house, 1, 99, now)
        parse(house, 1, 99, now)
        score(house, 1, 99, now)
        compose(house, 1, 99, now)
    assert back(house)["digests"] == 2
    run_once(house, house.clock())
    assert box(house) == []
    with house.database.read() as session:
        for row in session.exec(select(models.Digest)):
            assert row.state == "dead"
            assert "backup of 2026-11-20 09:30 UTC" in row.error
            assert "retry it only if its reader got nothing that day" in row.error
        assert session.exec(select(models.Pick)).all() == [], "its papers may come in the next one"


def test_a_dead_letter_of_a_restore_can_be_made_after_all(house: Context, now: datetime) -> None:
    tick(house, now)
    back(house)
    run_once(house, house.clock())
    for key in (1, 2):
        dead.retry(house, "somebody", "digest", key)
    run_once(house, house.clock())
    assert len(box(house)) == 2


def test_where_nothing_was_sent_since_a_digest_goes_on(house: Context, now: datetime) -> None:
    tick(house, now)
    assert "digests" not in back(house, after=HOUR / 12, sent=False)
    run_once(house, house.clock())
    assert len(box(house)) == 2


# --- hours that passed ---------------------------------------------------------------------------
def test_hours_that_passed_are_not_made_up_for(house: Context, now: datetime) -> None:
    run_once(house, now)
    before = box(house)
    found = back(house, after=2 * DAY)
    assert found["hours"] == 2
    run_once(house, house.clock())
    assert box(house) == before, "today's digest may have come from the old service"
    assert {day for day, _ in days_of(house)} == {now.date()}
    morning = datetime(2026, 11, 23, 7, 5, tzinfo=now.tzinfo)
    house.clock.moment = morning  # type: ignore[attr-defined]
    run_once(house, morning)
    assert {day for day, _ in days_of(house)} == {now.date(), morning.date()}


def test_hours_that_passed_are_made_up_for_where_nothing_was_sent(
    house: Context, now: datetime
) -> None:
    run_once(house, now)
    assert "hours" not in back(house, after=2 * DAY, sent=False)
    run_once(house, house.clock())
    assert {day for day, _ in days_of(house)} == {now.date(), (now + 2 * DAY).date()}


def test_who_came_back_from_a_pause_meanwhile_is_not_mailed_for_that_day(
    house: Context, now: datetime
) -> None:
    run_once(house, now)
    back_on = (now + 2 * DAY).date()
    leaving.pause(house, 1, back_on)
    back(house, after=2 * DAY)
    run_once(house, house.clock())
    assert {day for day, _ in days_of(house)} == {now.date()}
    with house.database.read() as session:
        reader = session.get_one(models.Reader, 1)
        assert reader.state == "active"
        assert reader.next_digest_at == datetime(2026, 11, 23, 7, tzinfo=now.tzinfo)


def test_a_reader_in_an_unknown_zone_is_told_of_and_hinders_nobody(
    house: Context, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    with house.database.write() as session:
        readers.change(session, 1, timezone="Mars/Olympus")
    assert back(house)["hours"] == 1
    run_once(house, house.clock())
    assert "Mars/Olympus" in caplog.text


# --- who was signed in, and what was under way ---------------------------------------------------
def test_visits_and_signs_of_life_are_gone(house: Context, now: datetime) -> None:
    secret = visiting.begin(house, 1, visiting.FULL)
    with house.database.write() as session:
        admin = models.Admin(name="ada", role="owner", password="x", created_at=now, changed_at=now)
        session.add(admin)
        session.flush()
        times = {"created_at": now, "seen_at": now, "expires_at": now + DAY}
        session.add(models.AdminVisit(hash="h", admin_id=admin.id, epoch=0, **times))
        for name in ("tick", "transport", "worker:elsewhere/1"):
            watch.beat(session, name, now + DAY)
    assert back(house, sent=False)["visits"] == 2
    assert visiting.visitor(house, secret) is None
    with house.database.read() as session:
        assert session.exec(select(models.AdminVisit)).all() == []
        assert session.exec(select(models.Pulse)).all() == []
        assert session.exec(select(models.Admin.name)).all() == ["ada"]


def test_no_lease_is_left_and_a_sources_turn_stays(house: Context, now: datetime) -> None:
    soon = now + 3 * HOUR
    with house.database.write() as session:
        add_source(session, now, "gone")
        taken = sources.claim(session, 1, 99, owner="old", at=now, now=now)
        sources.failed(session, taken[-1].id, "away", owner="old", at=now, wait=3 * HOUR)
        run = models.Run(
            code="r", state="running", asked_by="ada", asked_at=now, first_day=now.date(),
            last_day=now.date(),
        )  # fmt: skip
        session.add(run)
        session.flush()
        item = models.RunItem(
            run_id=run.id, position=1, kind="papers", state="waiting", owner="old", lease_until=soon
        )
        session.add(item)
    back(house, sent=False)
    with house.database.read() as session:
        for model in (models.Source, models.RunItem):
            for row in session.exec(select(model)):
                assert (row.owner, row.lease_until) == ("", None)
        rows = session.exec(select(models.Source).order_by(models.Source.id)).all()  # type: ignore[arg-type]
        assert [row.next_attempt_at for row in rows] == [None, soon]


def test_backlog_runs_wait_for_somebody_to_look(house: Context, now: datetime) -> None:
    was = ("planning", "planned", "checking", "queued", "running", "paused", "undoing", "done")
    with house.database.write() as session:
        for number, state in enumerate(was, start=1):
            days = {"first_day": now.date(), "last_day": now.date()}
            session.add(
                models.Run(id=number, code=state, state=state, asked_by="ada", asked_at=now, **days)
            )
        check = models.RunItem(run_id=3, position=1, kind="check", state="waiting")
        session.add(check)
    assert back(house, sent=False)["runs"] == 3
    with house.database.read() as session:
        runs = {row.code: row.state for row in session.exec(select(models.Run))}
        assert session.exec(select(models.RunItem)).all() == [], (
            "it is looked at anew when it starts"
        )
    assert runs == {state: state for state in was} | {
        "checking": "planned", "queued": "planned", "running": "paused",
    }  # fmt: skip


def test_a_run_that_may_have_gone_on_elsewhere_says_so_before_it_mails_again(
    house: Context, now: datetime
) -> None:
    with house.database.write() as session:
        for number, state in enumerate(("running", "paused"), start=1):
            days = {"first_day": now.date(), "last_day": now.date()}
            session.add(
                models.Run(id=number, code=state, state=state, asked_by="ada", asked_at=now, **days)
            )
    back(house)
    with house.database.read() as session:
        errors = [row.error for row in session.exec(select(models.Run))]
    assert all("resume it only if its readers got no mail of it" in error for error in errors)
