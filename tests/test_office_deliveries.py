"""Deliveries by an admin's hand: followed step by step, and decided where nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from papers import add_reader, bring, entry, page
from sqlalchemy import event
from sqlmodel import Session, func, select

from tasks.errors import Conflict, LostLease, UnknownName, UsageError
from tasks.models import Attempt, Delivery, Digest, Entry, Pick
from tasks.office import deliveries
from tasks.records import Message, Ring, Step
from tasks.round.context import Context
from tasks.round.delivering import deliver
from tasks.store import audit, delivery_rows
from tasks.store import deliveries as store
from tasks.store.database import Database
from tasks.store.delivery_rows import Wanted

WHO = "ada"
TITLE = "A secret title"
LOG = "the log says so"


def mail(number: int) -> Message:
    key = f"2026-11-20.{number}"
    head = (
        f"From: news@news.example\r\nTo: reader{number}@readers.example\r\nSubject: {TITLE}\r\n"
        f"Message-ID: <{key}@news.example>\r\nList-Unsubscribe: <https://x.example/u/secrettoken>\r\n"
        "List-Id: <daily.digest.news.example>\r\nX-New: perhaps a secret\r\n\r\nPapers.\r\n"
    )
    return Message(
        key=key,
        message_id=f"<{key}@news.example>",
        sender="digest@news.example",
        recipient=f"reader{number}@readers.example",
        body=head.encode(),
    )


def add(
    session: Session, now: datetime, number: int = 1, state: str = "unsure", **changes: object
) -> int:
    """The mail of a digest with one paper; unsure since an attempt ten minutes ago."""
    reader = add_reader(session, now, f"reader{number}@readers.example")
    digest = Digest(
        reader_id=reader,
        day=now.date(),
        due_at=now - timedelta(hours=1),
        planned_at=now - timedelta(minutes=50),
        composed_at=now - timedelta(minutes=40),
        rendered_at=now - timedelta(minutes=30),
        considered=12,
        state="rendered",
    )
    session.add(digest)
    session.flush()
    assert digest.id is not None
    key = store.add(session, digest.id, reader, mail(number), now - timedelta(minutes=30))
    row = session.get_one(Delivery, key)
    row.state, row.attempts, row.error = state, 1, f"no answer for reader{number}@readers.example"
    for name, value in changes.items():
        setattr(row, name, value)
    bring(session, page(entry(number)), now, body=b"%d" % number)
    paper = session.exec(select(func.max(Entry.id))).one()
    told = {"place": 1, "value": 0.5, "raw": 0.0}
    session.add(Pick(digest_id=digest.id, reader_id=reader, entry_id=paper, **told))
    if state == "unsure":
        at = now - timedelta(minutes=10)
        said = {"phase": "dot", "outcome": "unsure", "reply": row.error, "owner": "box/1/x"}
        session.add(Attempt(delivery_id=key, number=1, at=at, **said))
    session.flush()
    return key


def row(context: Context, key: int) -> Delivery:
    with context.database.write() as session:
        return session.get_one(Delivery, key)


def acts(context: Context) -> list[audit.Act]:
    with context.database.read() as session:
        return audit.rows(session, 50)


# --- the list --------------------------------------------------------------------------------------
def test_deliveries_are_listed_by_state_day_and_reader(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        keys = [add(session, now, number) for number in (1, 2, 3)]
        session.get_one(Delivery, keys[0]).state = "sent"
        letter = session.get_one(Delivery, keys[2])
        letter.letter, letter.digest_id = "sign-in", None

    def found(**wanted: object) -> list[int]:
        return [one.id for one in deliveries.listed(context, Wanted(**wanted), 9)]  # type: ignore[arg-type]

    assert found() == keys[::-1]
    assert found(state="unsure") == [keys[2], keys[1]]
    assert found(reader_id=2) == [keys[1]]
    assert found(day=now.date()) == keys[::-1], "a letter is of the day on which it was made"
    assert found(day=now.date() + timedelta(days=1)) == []
    assert found(day=date.max) == []
    assert found(state="unsure", reader_id=1) == []


def test_pages_of_the_list_meet_without_a_gap(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        keys = [add(session, now, number) for number in range(1, 6)]
    first = deliveries.listed(context, Wanted(), 2)
    second = deliveries.listed(context, Wanted(), 9, before=first[-1].id)
    assert [one.id for one in [*first, *second]] == keys[::-1]


def test_who_may_not_see_addresses_sees_none(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add(session, now)
    for shown in (
        deliveries.listed(context, Wanted(), 9, whole=False),
        deliveries.way(context, key, whole=False),
    ):
        assert "reader1@" not in repr(shown)
        assert "r…@readers.example" in repr(shown)
    assert "reader1@" in repr(deliveries.way(context, key))


def test_the_mails_of_years_are_not_looked_through(sqlite_url: str, now: datetime) -> None:
    database = Database(sqlite_url)
    ran: list[tuple[str, tuple[object, ...]]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *how: ran.append(how[2:4]))
    with database.write() as session:
        delivery_rows.rows(session, Wanted(day=now.date()), 9)
        delivery_rows.keys(session, Wanted(state="unsure"), 9)
        store.forget_letters(session, now)
    asked = [one for one in ran if " delivery" in one[0]]
    assert len(asked) == 3
    with database.engine.connect() as connection:
        for statement, values in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert "SCAN delivery" not in repr(plan)
    database.close()


# --- the way of one mail ---------------------------------------------------------------------------
def test_the_way_of_a_mail_tells_every_step_in_order(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add(session, now)
    way = deliveries.way(context, key)
    assert [moment.what for moment in way.moments] == [
        "due",
        "planned",
        "composed",
        "rendered",
        "ready",
        "attempt 1, dot: unsure",
    ]
    assert [moment.at for moment in way.moments] == sorted(moment.at for moment in way.moments)
    assert way.trace.digest is not None
    assert (way.trace.digest.picks, way.trace.digest.considered) == (1, 12)


def test_the_way_of_a_mail_tells_nothing_of_its_papers_and_no_secret(
    context: Context, now: datetime
) -> None:
    with context.database.write() as session:
        key = add(session, now)
    way = deliveries.way(context, key)
    told = dict(way.headers)
    for secret in (TITLE, "secrettoken", "perhaps a secret", "Papers."):
        assert secret not in repr(way)
    assert told["Subject"] == told["List-Unsubscribe"] == told["X-New"] == deliveries.HIDDEN
    assert told["To"] == "reader1@readers.example"
    assert told["Message-ID"] == "<2026-11-20.1@news.example>"


def test_a_letter_says_what_it_is(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add(session, now, letter="sign-in", digest_id=None)
    way = deliveries.way(context, key)
    assert way.trace.digest is None
    assert way.trace.row.kind == "sign-in"
    assert dict(way.headers)["Subject"] == TITLE
    with context.database.write() as session:
        session.get_one(Delivery, key).body = b""
    assert deliveries.way(context, key).headers == ()


def test_a_delivery_that_is_not_there_is_said_to_be_so(context: Context) -> None:
    with pytest.raises(UnknownName, match="no delivery 7"):
        deliveries.way(context, 7)
    with pytest.raises(UnknownName, match="no delivery 7"):
        deliveries.decide(context, WHO, 7, arrived=True, why=LOG)


# --- deciding ------------------------------------------------------------------------------------
def test_a_mail_that_arrived_counts_as_sent_since_its_last_attempt(
    context: Context, now: datetime
) -> None:
    with context.database.write() as session:
        key = add(session, now)
    assert deliveries.decide(context, WHO, key, arrived=True, why=LOG) == []
    decided = row(context, key)
    assert (decided.state, decided.sent_at) == ("sent", now - timedelta(minutes=10))
    (act,) = acts(context)
    assert (act.action, act.subject) == ("delivery decided: it arrived", f"delivery {key}")
    assert act.detail == {"reason": LOG, "state": "sent"}
    assert deliveries.way(context, key).moments[-1].what == "decided by ada: sent"


def test_a_mail_that_did_not_arrive_is_sent_again_once(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add(session, now)
    rings = deliveries.decide(context, WHO, key, arrived=False, why=LOG)
    assert rings == [Ring(Step.DELIVER, key, key)]
    decided = row(context, key)
    assert (decided.state, decided.attempts) == ("ready", 0)
    assert decided.expires_at == now + store.DEADLINE
    deliver(context, key, key, now)
    assert row(context, key).state == "sent"
    assert len([*(context.settings.mailbox / "new").iterdir()]) == 1


def test_what_was_decided_is_decided_once(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add(session, now)
    deliveries.decide(context, WHO, key, arrived=True, why=LOG)
    for arrived in (True, False):
        with pytest.raises(Conflict, match="is sent: only an unsure one"):
            deliveries.decide(context, "bo", key, arrived=arrived, why=LOG)
    assert len(acts(context)) == 1


def test_a_250_that_comes_after_the_decision_settles_it(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add(session, now)
    deliveries.decide(context, WHO, key, arrived=False, why=LOG)
    with context.database.write() as session:
        assert store.claim(session, key, key, owner="box/2/y", now=now)
    with context.database.write() as session:
        store.sent(session, key, "250 ok", owner="box/1/x", now=now)
    with pytest.raises(LostLease), context.database.write() as session:
        store.arm(session, key, owner="box/2/y", now=now)
    deliver(context, key, key, now)
    assert row(context, key).state == "sent"
    assert not (context.settings.mailbox / "new").exists(), "it went out twice"


def test_a_250_that_comes_late_says_nothing_new_of_what_arrived(
    context: Context, now: datetime
) -> None:
    with context.database.write() as session:
        key = add(session, now)
    deliveries.decide(context, WHO, key, arrived=True, why=LOG)
    with pytest.raises(LostLease), context.database.write() as session:
        store.sent(session, key, "250 ok", owner="box/1/x", now=now)


@pytest.mark.parametrize("why", ["", "  \n ", "x" * 201, "a\x07b"])
def test_a_decision_needs_a_reason(context: Context, now: datetime, why: str) -> None:
    with context.database.write() as session:
        key = add(session, now)
    with pytest.raises(UsageError, match="say how you know"):
        deliveries.decide(context, WHO, key, arrived=True, why=why)
    assert row(context, key).state == "unsure"


def test_a_reason_keeps_no_address(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add(session, now)
    deliveries.decide(context, WHO, key, arrived=True, why="reader1@readers.example told me")
    assert acts(context)[0].detail["reason"] == "[address] told me"


@pytest.mark.parametrize("body", [b"", b"a link that holds for an hour"])
def test_a_letter_that_did_not_arrive_is_not_sent_again(
    context: Context, now: datetime, body: bytes
) -> None:
    with context.database.write() as session:
        key = add(session, now, letter="sign-in", digest_id=None, body=body)
    assert deliveries.decide(context, WHO, key, arrived=False, why=LOG) == []
    assert row(context, key).state == "failed"
    assert "mailed anew, never again" in row(context, key).error


@pytest.mark.parametrize(("arrived", "state", "rings"), [(True, "sent", 0), (False, "ready", 3)])
def test_all_that_were_seen_are_decided(
    context: Context, now: datetime, arrived: bool, state: str, rings: int
) -> None:
    with context.database.write() as session:
        keys = [add(session, now, number) for number in (1, 2, 3)]
        other = add(session, now, 4, state="dead")
    wanted = Wanted(day=now.date())
    many = deliveries.unsure(context, wanted)
    assert many.number == 3
    done = deliveries.decide_all(context, WHO, wanted, arrived=arrived, why=LOG, mark=many.mark)
    assert (done.done, done.left, len(done.rings)) == (3, 0, rings)
    assert {row(context, key).state for key in keys} == {state}
    assert row(context, other).state == "dead"
    (act,) = acts(context)
    assert (act.subject, act.detail["deliveries"]) == ("3 deliveries", keys[::-1])
    with pytest.raises(Conflict, match="there were 3, and there are 0 now"):
        deliveries.decide_all(context, WHO, wanted, arrived=arrived, why=LOG, mark=many.mark)


def test_mails_that_became_unsure_meanwhile_are_not_decided_unseen(
    context: Context, now: datetime
) -> None:
    with context.database.write() as session:
        add(session, now, 1)
    many = deliveries.unsure(context, Wanted())
    with context.database.write() as session:
        late = add(session, now, 2)
    with pytest.raises(Conflict, match="there were 1, and there are 2 now"):
        deliveries.decide_all(context, WHO, Wanted(), arrived=False, why=LOG, mark=many.mark)
    assert row(context, late).state == "unsure"


def test_one_that_a_colleague_decides_at_the_same_time_is_left(
    context: Context, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with context.database.write() as session:
        keys = [add(session, now, number) for number in (1, 2)]
    many = deliveries.unsure(context, Wanted())
    locked = delivery_rows.locked

    def late(session: Session, key: int) -> delivery_rows.DeliveryRow | None:
        found = locked(session, key)
        return replace(found, state="sent") if found and key == keys[0] else found

    monkeypatch.setattr(delivery_rows, "locked", late)
    done = deliveries.decide_all(context, WHO, Wanted(), arrived=True, why=LOG, mark=many.mark)
    assert (done.done, dict(done.refused)) == (1, {"it was decided meanwhile": 1})
