"""Dead letters: every kind in one list, and a way back that keeps the promises."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from papers import add_page, add_reader, add_source, bring, entry, page
from sqlmodel import Session, col, func, select

from tasks.errors import Conflict, UnknownName, UsageError
from tasks.models import (
    Attempt,
    Delivery,
    Digest,
    Entry,
    Page,
    Pick,
    Run,
    RunItem,
    Shard,
    Source,
)
from tasks.office import dead, deliveries
from tasks.office import pages as office_pages
from tasks.records import Message, Step
from tasks.round.context import Context
from tasks.round.tick import tick
from tasks.store import audit, claims, pages, readers, shards, sources
from tasks.store import deliveries as store
from tasks.store.dead import KINDS, Wanted
from tasks.store.delivery_rows import Wanted as Mails

WHO = "ada"
DAY = timedelta(days=1)
EVERYTHING = Wanted()


def mail(number: int) -> Message:
    key = f"2026-11-20.{number}"
    return Message(
        key=key,
        message_id=f"<{key}@news.example>",
        sender="digest@news.example",
        recipient=f"reader{number}@readers.example",
        body=b"Subject: A secret title\r\n\r\nPapers.\r\n",
    )


def add_digest(session: Session, reader: int, day: date, now: datetime, state: str) -> int:
    row = Digest(reader_id=reader, day=day, due_at=now, planned_at=now, state=state)
    row.error = "it would not be made"
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def add_delivery(
    session: Session,
    now: datetime,
    *,
    number: int = 1,
    state: str = "dead",
    picks: bool = True,
    said: Iterable[str] = ("deferred",),
) -> int:
    """A digest's mail that was given up, after these outcomes; its reader is `number` too."""
    reader = add_reader(session, now, f"reader{number}@readers.example")
    digest = add_digest(session, reader, now.date(), now, "rendered")
    key = store.add(session, digest, reader, mail(number), now)
    row = session.get_one(Delivery, key)
    row.state, row.attempts, row.error = state, 5, "450 <reader1@readers.example> is busy"
    row.expires_at = now - timedelta(hours=1)
    for place, outcome in enumerate(said, start=1):
        told = {"phase": "dot", "outcome": outcome, "reply": "", "owner": "me"}
        session.add(Attempt(delivery_id=key, number=place, at=now, **told))
    if picks:
        bring(session, page(entry(number)), now, body=b"%d" % number)
        paper = session.exec(select(func.max(Entry.id))).one()
        told = {"place": 1, "value": 0.5, "raw": 0.0}
        session.add(Pick(digest_id=digest, reader_id=reader, entry_id=paper, **told))
    session.flush()
    return key


def state_of(context: Context, model: Any, key: int) -> str:
    with context.database.read() as session:
        return str(session.get_one(model, key).state)


def acts(context: Context) -> list[tuple[str, str]]:
    with context.database.read() as session:
        return [(act.action, act.subject) for act in reversed(audit.rows(session, 50))]


@pytest.fixture
def graveyard(context: Context, now: datetime) -> dict[str, int]:
    """One dead letter of each kind, by its kind."""
    with context.database.write() as session:
        source = add_source(session, now)
        quarantined = add_page(session, source, now, b"[{")
        pages.claim(session, quarantined, quarantined, owner="me", now=now)
        pages.quarantined(session, quarantined, owner="me", reason="bad_json", error="it ends")
        reader = add_reader(session, now)
        digest = add_digest(session, reader, now.date(), now, "dead")
        delivery = add_delivery(session, now)
        shard = session.exec(select(Shard)).one()
        shard.attempts, shard.error = claims.ATTEMPTS_MOST, "it was too much"
        failing = sources.add(
            session, kind=sources.SourceKind.FEED, name="feed", address="https://x", now=now
        )
        sources.claim(session, failing, failing, owner="me", at=now, now=now)
        sources.failed(session, failing, "it said 403", owner="me", at=now, wait=None)
        run = Run(
            code="r1",
            state="running",
            asked_by=WHO,
            asked_at=now,
            first_day=now.date(),
            last_day=now.date(),
        )
        session.add(run)
        session.flush()
        item = RunItem(run_id=run.id or 0, position=1, kind="papers", state="failed")
        item.error = "it was locked"
        session.add(item)
        session.flush()
        keys = (quarantined, digest, delivery, shard.id, failing, item.id)
        return dict(zip(KINDS, [key or 0 for key in keys], strict=True))


# --- the list --------------------------------------------------------------------------------------
def test_every_kind_stands_in_one_list_and_in_the_counts(
    context: Context, graveyard: dict[str, int]
) -> None:
    found = dead.listed(context, EVERYTHING, 50)
    assert [(one.kind, one.id) for one in found] == list(graveyard.items())
    assert dead.counts(context, EVERYTHING) == dict.fromkeys(KINDS, 1)
    assert all(one.error for one in found)
    by_kind = {one.kind: one.payload for one in found}
    assert by_kind["page"]["source"] == "daily"
    assert by_kind["item"]["run"] == "r1"
    assert by_kind["shard"]["readers"] == 2
    assert by_kind["source"]["failures"] == 1


def test_nothing_is_dead_on_a_good_day(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        bring(session, page(entry()), now)
        add_reader(session, now)
    assert dead.listed(context, EVERYTHING, 50) == []
    assert dead.counts(context, EVERYTHING) == {}


def test_a_shard_that_rests_is_dead_until_it_wakes(context: Context, clock: Any) -> None:
    now = clock()
    with context.database.write() as session:
        add_reader(session, now)
        session.exec(select(Shard)).one().attempts = claims.ATTEMPTS_MOST
    tick(context, now)
    (resting,) = dead.listed(context, EVERYTHING, 9)
    assert (resting.kind, resting.since) == ("shard", now)
    assert dead.counts(context, Wanted(older=timedelta(minutes=10))) == {}
    clock.moment += timedelta(minutes=10)
    assert dead.counts(context, Wanted(older=timedelta(minutes=10))) == {"shard": 1}
    clock.moment += shards.LAST_RESORT
    assert dead.listed(context, EVERYTHING, 9) == []


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_of_the_list_meet_without_a_gap(
    context: Context, graveyard: dict[str, int], limit: int, now: datetime
) -> None:
    with context.database.write() as session:
        for number in (2, 3, 4):
            add_delivery(session, now, number=number)
    seen: list[tuple[str, int]] = []
    after = None
    while found := dead.listed(context, EVERYTHING, limit, after=after):
        seen += [(one.kind, one.id) for one in found]
        after = seen[-1]
    assert len(seen) == len(set(seen)) == 8, "new readers woke the shard"
    assert seen == [(one.kind, one.id) for one in dead.listed(context, EVERYTHING, 50)]
    assert [kind for kind, _ in seen] == sorted((k for k, _ in seen), key=[*KINDS].index)


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("bad_json", ["page"]),
        ("BAD_JSON", ["page"]),
        ("it", ["page", "digest", "shard", "source", "item"]),
        ("bad%json", []),
        ("bad_jso_", []),
        ("'; DROP TABLE page; --", []),
        ("\\", []),
    ],
)
def test_errors_are_looked_for_letter_by_letter(
    context: Context, graveyard: dict[str, int], words: str, kinds: list[str]
) -> None:
    assert [*dead.counts(context, Wanted(error=words))] == kinds


def test_only_the_old_are_wanted_where_an_age_is_named(
    context: Context, graveyard: dict[str, int], clock: Any
) -> None:
    assert dead.counts(context, Wanted(older=DAY)) == {}
    clock.moment += 2 * DAY
    old = dead.counts(context, Wanted(older=DAY))
    assert {*old} >= {"page", "digest", "delivery", "source", "item"}


def test_who_may_not_see_addresses_sees_none_and_cannot_guess_them(
    context: Context, graveyard: dict[str, int]
) -> None:
    shown = repr(dead.listed(context, EVERYTHING, 50, whole=False))
    assert "readers.example" not in shown
    assert "reader1@readers.example" in repr(dead.listed(context, EVERYTHING, 50))
    with pytest.raises(UsageError, match="operators look for words"):
        dead.counts(context, Wanted(error="a"), whole=False)
    with pytest.raises(UsageError, match="operators look for words"):
        dead.listed(context, Wanted(error="a"), 9, whole=False)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "cat"}, "no kind 'cat'"),
        ({"error": "x" * 201}, "200 characters"),
        ({"error": "a\0b"}, "200 characters"),
        ({"older": timedelta(days=-1)}, "an age is"),
        ({"older": timedelta(days=9999)}, "an age is"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        dead.sound(**values)


def test_one_is_looked_at_by_itself(context: Context, graveyard: dict[str, int]) -> None:
    found = dead.one(context, "delivery", graveyard["delivery"])
    assert found.recipient == "reader1@readers.example"
    assert "reader1@" not in repr(dead.one(context, "delivery", found.id, whole=False))
    for kind, key in (("page", 99), ("cat", 1), ("delivery", 99)):
        with pytest.raises(UnknownName, match=f"no dead {kind}"):
            dead.one(context, kind, key)
    with pytest.raises(UsageError, match="no kind 'cat'"):
        dead.listed(context, EVERYTHING, 9, after=("cat", 1))


# --- trying again ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "step", "model", "state"),
    [
        ("page", Step.PARSE, Page, "fetched"),
        ("digest", Step.COMPOSE, Digest, "planned"),
        ("delivery", Step.DELIVER, Delivery, "ready"),
        ("shard", Step.SCORE, Shard, "open"),
        ("source", Step.FETCH, Source, "active"),
    ],
)
def test_a_dead_letter_is_tried_again_with_all_its_tries(
    context: Context,
    graveyard: dict[str, int],
    kind: str,
    step: Step,
    model: Any,
    state: str,
) -> None:
    (ring,) = dead.retry(context, WHO, kind, graveyard[kind])
    assert (ring.step, ring.first, ring.last) == (step, graveyard[kind], graveyard[kind])
    with context.database.read() as session:
        row = session.get_one(model, graveyard[kind])
        assert (row.state, row.owner) == (state, "")
        assert row.next_attempt_at in (None, context.clock())
        if kind != "source":  # its failures in a row are told until it answers
            assert row.attempts == 0
    if kind != "source":
        with pytest.raises(UnknownName, match=f"no dead {kind}"):
            dead.retry(context, WHO, kind, graveyard[kind])
        assert acts(context) == [("dead letter retried", f"{kind} {graveyard[kind]}")]


def test_a_piece_of_a_run_is_mended_on_its_run(context: Context, graveyard: dict[str, int]) -> None:
    for act in (dead.retry, dead.drop):
        with pytest.raises(UsageError, match="page of their run"):
            act(context, WHO, "item", graveyard["item"])
    with pytest.raises(UnknownName, match="no dead cat 1"):
        dead.retry(context, WHO, "cat", 1)
    assert acts(context) == []


def test_a_digest_is_made_again_while_its_day_lasts_where_its_reader_lives(
    context: Context, clock: Any
) -> None:
    clock.moment = datetime.fromisoformat("2026-11-21T03:00:00+00:00")
    with context.database.write() as session:
        west = add_reader(session, clock(), "w@readers.example", timezone="America/New_York")
        east = add_reader(session, clock(), "e@readers.example", timezone="Asia/Tokyo")
        day = date(2026, 11, 20)
        still, over = (add_digest(session, who, day, clock(), "dead") for who in (west, east))
    dead.retry(context, WHO, "digest", still)
    with pytest.raises(UsageError, match="its day is over where its reader lives"):
        dead.retry(context, WHO, "digest", over)
    assert state_of(context, Digest, over) == "dead"


def test_a_digest_is_made_for_nobody_who_wants_none(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        reader = add_reader(session, now, state="paused")
        key = add_digest(session, reader, now.date(), now, "dead")
    with pytest.raises(UsageError, match="gets no mail now"):
        dead.retry(context, WHO, "digest", key)


def test_an_addendum_is_made_again_by_its_run(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        run = Run(
            code="r7",
            state="done",
            asked_by=WHO,
            asked_at=now,
            first_day=now.date(),
            last_day=now.date(),
        )
        session.add(run)
        session.flush()
        reader = add_reader(session, now)
        key = add_digest(session, reader, now.date(), now, "dead")
        session.get_one(Digest, key).addendum_of = run.id or 0
    with pytest.raises(UsageError, match="belongs to a backlog run"):
        dead.retry(context, WHO, "digest", key)


@pytest.mark.parametrize("state", ["dead", "failed", "expired"])
def test_a_mail_that_was_certainly_not_accepted_goes_again(
    context: Context, now: datetime, state: str
) -> None:
    with context.database.write() as session:
        key = add_delivery(session, now, state=state, said=("deferred", "failed"))
    dead.retry(context, WHO, "delivery", key)
    with context.database.read() as session:
        row = session.get_one(Delivery, key)
        assert (row.state, row.attempts) == ("ready", 0)
        assert row.expires_at == now + store.DEADLINE


@pytest.mark.parametrize(
    ("said", "may"),
    [
        (("unsure",), False),
        (("unsure", "deferred"), False),
        (("sent",), False),
        (("unsure", "not accepted", "deferred"), True),
        ((), True),
    ],
)
def test_a_mail_that_may_have_arrived_is_never_sent_again(
    context: Context, now: datetime, said: tuple[str, ...], may: bool
) -> None:
    with context.database.write() as session:
        key = add_delivery(session, now, said=said)
    if may:
        dead.retry(context, WHO, "delivery", key)
        return
    for act in (dead.retry, dead.drop):
        with pytest.raises(UsageError, match="may have accepted it"):
            act(context, WHO, "delivery", key)
    assert state_of(context, Delivery, key) == "dead"


@pytest.mark.parametrize("state", ["sent", "unsure", "armed", "claimed", "ready", "suppressed"])
def test_only_what_was_given_up_is_tried_again(context: Context, now: datetime, state: str) -> None:
    with context.database.write() as session:
        key = add_delivery(session, now, state=state)
    for act in (dead.retry, dead.drop):
        with pytest.raises(UnknownName):
            act(context, WHO, "delivery", key)
    assert state_of(context, Delivery, key) == state


def test_a_mail_whose_papers_were_set_free_is_not_sent(context: Context, clock: Any) -> None:
    with context.database.write() as session:
        key = add_delivery(session, clock(), state="ready")
    tick(context, clock())  # its time is over
    assert state_of(context, Delivery, key) == "expired"
    with pytest.raises(UsageError, match="its papers were set free"):
        dead.retry(context, WHO, "delivery", key)


def test_a_mail_goes_to_nobody_who_left(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add_delivery(session, now)
        readers.set_state(session, "reader1@readers.example", "unsubscribed")
    with pytest.raises(UsageError, match="gets no mail now"):
        dead.retry(context, WHO, "delivery", key)


def test_a_letter_goes_again_while_its_link_holds(context: Context, clock: Any) -> None:
    with context.database.write() as session:
        key = add_delivery(session, clock())
        row = session.get_one(Delivery, key)
        row.letter, row.digest_id = "sign-in", None
        row.expires_at = until = clock() + timedelta(minutes=30)
    dead.retry(context, WHO, "delivery", key)
    with context.database.write() as session:
        row = session.get_one(Delivery, key)
        assert (row.state, row.expires_at) == ("ready", until)
        row.state = "dead"
    tick(context, clock())  # what its words were is forgotten
    with pytest.raises(UsageError, match="the link of this letter has had its day"):
        dead.retry(context, WHO, "delivery", key)


# --- dropping --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "model"), [("page", Page), ("digest", Digest), ("delivery", Delivery)]
)
def test_what_is_dropped_stays_as_dropped(
    context: Context, graveyard: dict[str, int], kind: str, model: Any
) -> None:
    dead.drop(context, WHO, kind, graveyard[kind])
    with context.database.read() as session:
        row = session.get_one(model, graveyard[kind])
        assert row.state == "dropped"
        assert row.error
    with pytest.raises(UnknownName):
        dead.drop(context, WHO, kind, graveyard[kind])
    assert acts(context) == [("dead letter dropped", f"{kind} {graveyard[kind]}")]


def test_the_papers_of_a_dropped_mail_are_free(context: Context, graveyard: dict[str, int]) -> None:
    with context.database.read() as session:
        assert session.exec(select(Pick)).all()
    dead.drop(context, WHO, "delivery", graveyard["delivery"])
    with context.database.read() as session:
        assert not session.exec(select(Pick)).all()


@pytest.mark.parametrize(
    ("kind", "words"), [("shard", "readers wait"), ("source", "pause or remove")]
)
def test_what_somebody_waits_for_is_not_dropped(
    context: Context, graveyard: dict[str, int], kind: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        dead.drop(context, WHO, kind, graveyard[kind])


def test_a_dropped_page_can_still_be_parsed_again(
    context: Context, graveyard: dict[str, int]
) -> None:
    dead.drop(context, WHO, "page", graveyard["page"])
    assert office_pages.parse_again(context, WHO, graveyard["page"])
    assert state_of(context, Page, graveyard["page"]) == "fetched"


@pytest.mark.parametrize("act", [dead.retry, dead.drop])
def test_of_two_who_press_at_once_one_is_told_that_it_is_done(
    context: Context, graveyard: dict[str, int], act: Any
) -> None:
    together = threading.Barrier(2)

    def press(who: str) -> str:
        together.wait(10)
        try:
            act(context, who, "delivery", graveyard["delivery"])
        except UsageError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(press, ("ada", "bo")))
    assert said[0] == "done"
    assert said[1] == "there is no dead delivery 1 (any more)"
    assert len(acts(context)) == 1


# --- many at once ------------------------------------------------------------------------------------
def test_all_that_may_are_tried_again_and_the_others_are_told_why(
    context: Context, graveyard: dict[str, int]
) -> None:
    many = dead.many(context, EVERYTHING)
    assert many.number == 6
    done = dead.retry_all(context, WHO, EVERYTHING, many.mark)
    assert done.done == 5
    assert [*done.refused] == ["pieces of a backlog run are tried again from the page of their run"]
    assert len(done.rings) == 5
    assert acts(context) == [("dead letters retried", "5 dead letters")]


def test_a_second_press_does_nothing(context: Context, graveyard: dict[str, int]) -> None:
    wanted = Wanted(kind="delivery")
    many = dead.many(context, wanted)
    assert dead.drop_all(context, WHO, wanted, many.mark).done == 1
    with pytest.raises(Conflict, match="there were 1, and there are 0 now"):
        dead.drop_all(context, WHO, wanted, many.mark)
    with pytest.raises(Conflict, match="not what you saw: there are 0"):
        dead.drop_all(context, WHO, wanted, "made up")


def test_others_than_those_that_were_seen_are_left_alone(
    context: Context, graveyard: dict[str, int], now: datetime
) -> None:
    wanted = Wanted(kind="delivery")
    many = dead.many(context, wanted)
    with context.database.write() as session:
        session.get_one(Delivery, graveyard["delivery"]).state = "sent"
        other = add_delivery(session, now, number=2)
    assert dead.many(context, wanted).number == many.number
    with pytest.raises(Conflict):
        dead.retry_all(context, WHO, wanted, many.mark)
    assert state_of(context, Delivery, other) == "dead"


def test_many_are_done_some_at_a_time(
    context: Context, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.office.many.AT_ONCE", 3)
    with context.database.write() as session:
        source = add_source(session, now)
        for number in range(7):
            key = add_page(session, source, now, b"%d" % number)
            session.get_one(Page, key).state = "quarantined"
    wanted = Wanted(kind="page")
    done = dead.retry_all(context, WHO, wanted, dead.many(context, wanted).mark)
    assert (done.done, done.left) == (7, 0)
    assert [subject for _, subject in acts(context)] == [
        "3 dead letters",
        "3 dead letters",
        "1 dead letters",
    ]


def test_no_address_gets_into_the_audit(context: Context, graveyard: dict[str, int]) -> None:
    dead.retry(context, WHO, "delivery", graveyard["delivery"])
    wanted = Wanted(kind="digest", error="reader1@readers.example")
    dead.drop_all(context, WHO, wanted, dead.many(context, wanted).mark)
    with context.database.read() as session:
        assert "readers.example" not in repr(audit.rows(session, 50))


def test_a_dropped_digest_counts_as_none(context: Context, now: datetime) -> None:
    """The digest after it looks back to the one before it."""
    with context.database.write() as session:
        key = add_delivery(session, now)
        session.get_one(Digest, session.get_one(Delivery, key).digest_id).composed_at = now
    dead.drop(context, WHO, "delivery", key)
    with context.database.write() as session:
        reader = session.exec(select(Digest.reader_id)).one()
        following = add_digest(session, reader, (now + DAY).date(), now, "planned")
        assert deliveries.digests.previous(session, following) is None
        assert session.exec(select(Delivery).where(col(Delivery.state) == "dropped")).one()
    assert deliveries.listed(context, Mails(state="dropped"), 9)
