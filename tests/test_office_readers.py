"""Readers by an admin's hand: found and helped, and nothing of what they read is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from papers import add_folder, add_reader, api_json, entry
from sqlmodel import select

from tasks.desk import leaving, subscribing, visiting
from tasks.errors import LinkOver, TooMany, UnknownName, UsageError
from tasks.models import Delivery, Digest, Pick, Ticket
from tasks.office import dead, readers
from tasks.records import Want
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.store import audit, digests, feedback, suppressions, tickets
from tasks.store import readers as store

WHO = "ada"
ADA, BO = "ada@readers.example", "bo.smith@mail.example"
NET = "198.51.100.7"


def acts(context: Context) -> list[tuple[str, str]]:
    with context.database.read() as session:
        return [(act.action, act.subject) for act in reversed(audit.rows(session, 50))]


def add(context: Context, email: str = ADA, **changes: Any) -> int:
    with context.database.write() as session:
        return add_reader(session, context.clock(), email, **changes)


def found(context: Context, text: str, **how: Any) -> list[str]:
    return [row.reader.email for row in readers.search(context, text, 50, **how)]


def letters(context: Context, state: str = "ready") -> int:
    with context.database.read() as session:
        return len(session.exec(select(Delivery).where(Delivery.state == state)).all())


# --- searching -------------------------------------------------------------------------------------
def test_readers_are_found_by_parts_of_addresses_and_names_and_by_their_numbers(
    context: Context,
) -> None:
    add(context)
    key = add(context, BO, name="Bo Straße", state="paused")
    assert found(context, "") == [ADA, BO]
    assert found(context, "SMITH") == [BO]
    assert found(context, "bo str") == [BO]
    assert found(context, str(key)) == [BO]
    assert found(context, "", state="paused") == [BO]
    assert found(context, "ada", state="paused") == []
    assert found(context, "", after=1) == [BO]
    assert readers.counts(context) == {"active": 1, "paused": 1}


@pytest.mark.parametrize("text", ["%", "_", "a%s", "ad_", "\\", "' OR 1=1 --", "9" * 30, "٣"])
def test_what_is_typed_is_looked_for_letter_by_letter(context: Context, text: str) -> None:
    add(context)
    assert found(context, text) == []


def test_pages_of_the_search_meet_without_a_gap(context: Context) -> None:
    for number in range(5):
        add(context, f"r{number}@readers.example")
    first = readers.search(context, "r", 2)
    rest = readers.search(context, "r", 9, after=first[-1].reader.id)
    assert [row.reader.id for row in [*first, *rest]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("text", ["a\0b", "x" * 321])
def test_what_can_be_no_address_is_refused(context: Context, text: str) -> None:
    with pytest.raises(UsageError, match="320 characters"):
        readers.search(context, text, 9)


def test_who_may_not_see_addresses_cannot_guess_them(context: Context) -> None:
    key = add(context, name="Ada Author")
    assert found(context, "", whole=False) == ["a…@readers.example"]
    assert found(context, str(key), whole=False) == ["a…@readers.example"]
    assert found(context, "77", whole=False) == []
    assert found(context, str(key), whole=False, state="paused") == []
    with pytest.raises(UsageError, match="searched by operators"):
        readers.search(context, "ada", 9, whole=False)
    shown = repr(readers.one(context, key, whole=False))
    assert "ada@" not in shown
    assert "Ada Author" not in shown


# --- one reader ------------------------------------------------------------------------------------
def test_nothing_of_a_readers_interests_papers_and_answers_is_told(
    context: Context, tmp_path: Path, now: datetime
) -> None:
    (tmp_path / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    with context.database.write() as session:
        add_folder(session, tmp_path, now)
    key = add(context, terms=["sparse attention", "a very private matter"])
    run_once(context, now)
    with context.database.write() as session:
        pick = session.exec(select(Pick)).first()
        assert pick is not None
        feedback.give(session, key, pick.entry_id, Want.SAVE, now)
        titles = [f"Study {n} of" for n in range(10)]
    one = readers.one(context, key)
    (made,) = one.made
    assert (made.state, made.delivery) == ("rendered", "sent")
    assert made.picks > 0
    told = repr(one)
    for secret in (*titles, "private matter", "sparse attention", "save"):
        assert secret not in told


def test_an_error_that_quotes_an_address_is_masked_for_who_may_see_none(
    context: Context, now: datetime
) -> None:
    key = add(context)
    with context.database.write() as session:
        digests.plan(session, [(key, now.date(), now)], now)
        session.get_one(Digest, 1).error = f"UsageError('{ADA} is no address')"
    assert ADA in repr(readers.one(context, key).made)
    told = readers.one(context, key, whole=False)
    assert ADA not in repr(told)
    assert "UsageError('[address] is no address')" in repr(told.made)


def test_a_reader_who_is_not_there_is_said_to_be_so(context: Context) -> None:
    for ask in (
        lambda: readers.one(context, 7),
        lambda: readers.resend(context, WHO, 7),
        lambda: readers.pause(context, WHO, 7),
        lambda: readers.resume(context, WHO, 7),
        lambda: readers.suppress(context, WHO, 7),
        lambda: readers.lift(context, WHO, 7),
    ):
        with pytest.raises(UnknownName, match="no reader 7"):
            ask()


# --- confirmations -----------------------------------------------------------------------------------
def test_a_confirmation_is_resent_within_the_limits_that_hold_for_all(
    context: Context, clock: Any
) -> None:
    subscribing.subscribe(context, ADA, net=NET)
    with pytest.raises(TooMany, match="was mailed a short while ago") as refused:
        readers.resend(context, WHO, 1)
    assert timedelta() < refused.value.wait <= timedelta(minutes=15)
    assert letters(context) == 1
    clock.moment += timedelta(minutes=16)
    (ring,) = readers.resend(context, WHO, 1)
    assert ring.first
    assert letters(context) == 2
    assert acts(context) == [("confirmation resent", "reader 1")]
    for _ in range(2):
        clock.moment += timedelta(minutes=16)
        try:
            readers.resend(context, WHO, 1)
        except TooMany:
            break
    assert letters(context) == 3, "three a day, whoever asks"


def test_only_who_waits_for_a_confirmation_gets_one(context: Context) -> None:
    key = add(context)
    with pytest.raises(UsageError, match="is active, and needs no confirmation"):
        readers.resend(context, WHO, key)
    pending = add(context, BO, state="pending")
    readers.suppress(context, WHO, pending)
    with context.database.write() as session:
        store.change(session, pending, state="pending")
    with pytest.raises(UsageError, match="is suppressed: lift that first"):
        readers.resend(context, WHO, pending)
    assert letters(context) == 0


# --- suppressing -----------------------------------------------------------------------------------
def test_a_suppressed_address_gets_nothing_whoever_asks(context: Context, clock: Any) -> None:
    key = add(context)
    secret = visiting.begin(context, key, "full")
    subscribing.sign_in_link(context, ADA, net=NET)
    done = readers.suppress(context, WHO, key)
    assert (done.is_new, done.reader_id, done.stopped) == (True, key, 1)
    assert visiting.visitor(context, secret) is None
    with context.database.read() as session:
        assert store.get(session, key).state == "unsubscribed"
        assert all(one.expires_at <= clock() for one in session.exec(select(Ticket)))
    clock.moment += timedelta(hours=1)
    subscribing.subscribe(context, ADA, net=NET)
    subscribing.sign_in_link(context, ADA, net=NET)
    assert letters(context) == 0
    with pytest.raises(UsageError, match="is suppressed: lift that first"):
        readers.resume(context, WHO, key)
    assert readers.one(context, key).suppressed


def test_suppressing_twice_is_told_once(context: Context) -> None:
    key = add(context)
    readers.suppress(context, WHO, key)
    assert not readers.suppress(context, WHO, key).is_new
    assert readers.lift(context, WHO, key)
    assert not readers.lift(context, WHO, key)
    assert acts(context) == [
        ("address suppressed", "reader 1"),
        ("suppression lifted", "reader 1"),
    ]


def test_an_address_of_nobody_can_be_suppressed_and_stands_in_no_audit(context: Context) -> None:
    assert readers.suppress_address(context, WHO, "Nobody@Readers.Example").reader_id is None
    subscribing.subscribe(context, "nobody@readers.example", net=NET)
    assert letters(context) == 0
    assert readers.lift_address(context, WHO, "nobody@readers.example")
    assert [subject for _, subject in acts(context)] == ["an address of no reader"] * 2
    for act in (readers.suppress_address, readers.lift_address):
        with pytest.raises(UsageError, match="is no mail address"):
            act(context, WHO, "nobody")


def test_by_address_a_reader_is_the_same_reader(context: Context) -> None:
    key = add(context)
    assert readers.suppress_address(context, WHO, ADA).reader_id == key
    assert readers.lift_address(context, WHO, ADA)
    assert acts(context)[0] == ("address suppressed", "reader 1")


@pytest.mark.parametrize("way", ["resume", "undo", "pause_instead"])
def test_who_says_by_a_link_of_their_own_that_they_want_mail_gets_mail(
    context: Context, now: datetime, way: str
) -> None:
    key = add(context)
    with context.database.read() as session:
        token = store.get(session, key).token
    readers.suppress(context, WHO, key)
    match way:
        case "resume":
            leaving.resume(context, key)
        case "undo":
            leaving.undo(context, token)
        case _:
            leaving.pause_instead(context, token, now.date() + timedelta(days=3))
    assert not readers.one(context, key).suppressed


def test_a_suppressed_readers_old_links_do_nothing(context: Context) -> None:
    key = add(context)
    with context.database.read() as session:
        reader = store.get(session, key)
    mark = context.seal.mark("tune", key, context.clock().date().toordinal(), epoch=reader.epoch)
    readers.suppress(context, WHO, key)
    with pytest.raises(LinkOver):
        visiting.by_mark(context, "tune", mark)


def test_lifting_makes_nobody_a_reader_again(context: Context) -> None:
    key = add(context)
    readers.suppress(context, WHO, key)
    readers.lift(context, WHO, key)
    assert readers.one(context, key).row.reader.state == "unsubscribed"
    with pytest.raises(UsageError, match="left: they come back by a link"):
        readers.resume(context, WHO, key)


# --- pauses ------------------------------------------------------------------------------------------
def test_a_reader_is_paused_and_resumed_once(context: Context, now: datetime) -> None:
    key = add(context)
    until = now.date() + timedelta(days=9)
    for _ in range(2):
        assert readers.pause(context, WHO, key, until).back_on == until
    for _ in range(2):
        assert readers.resume(context, WHO, key).state == "active"
    assert acts(context) == [("reader paused", "reader 1"), ("reader resumed", "reader 1")]
    with pytest.raises(UsageError, match="lies between tomorrow and a year"):
        readers.pause(context, WHO, key, now.date())
    pending = add(context, BO, state="pending")
    for act in (readers.pause, readers.resume):
        with pytest.raises(UsageError):
            act(context, WHO, pending)


@pytest.mark.parametrize("state", ["dead", "failed", "expired"])
def test_no_letter_to_a_suppressed_address_is_tried_again(context: Context, state: str) -> None:
    subscribing.subscribe(context, ADA, net=NET)
    with context.database.write() as session:
        session.get_one(Delivery, 1).state = state
    readers.suppress(context, WHO, 1)
    with pytest.raises(UsageError, match="has had its day"):
        dead.retry(context, WHO, "delivery", 1)
    assert letters(context, state) == 1


def test_what_waits_for_a_suppressed_reader_frees_its_papers(
    context: Context, tmp_path: Path, now: datetime
) -> None:
    (tmp_path / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    with context.database.write() as session:
        add_folder(session, tmp_path, now)
    key = add(context)
    run_once(context, now)
    with context.database.write() as session:
        session.exec(select(Delivery)).one().state = "deferred"
    assert readers.suppress(context, WHO, key).stopped == 1
    assert letters(context, "dropped") == 1
    with context.database.read() as session:
        assert not session.exec(select(Pick)).all()
        hidden = subscribing.hidden_for_ever(context, ADA)
        assert suppressions.holds(session, hidden)
        assert tickets.holder(session, "nothing", tickets.CONFIRM, now=now) is None
