"""Secrets and marks: each opens one thing, for its time, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from papers import add_reader
from sqlmodel import select

from tasks.desk import leaving, subscribing, visiting
from tasks.errors import LinkOver
from tasks.models import Ticket, Visit
from tasks.records import Reader
from tasks.round.context import Context
from tasks.sealing import facts, hash_of, new_secret
from tasks.store import readers, tickets, visits

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
MARKS = {"give": 90, "tune": 30, "view": None, "feed": None}


@pytest.fixture
def ada(context: Context) -> Reader:
    with context.database.write() as session:
        return readers.get(session, add_reader(session, context.clock()))


def ticket(context: Context, reader: Reader, purpose: str, *, lasts: timedelta = HOUR) -> str:
    secret, now = new_secret(), context.clock()
    with context.database.write() as session:
        tickets.keep(session, secret, reader.id, purpose, now=now, until=now + lasts)
    return secret


def mark(context: Context, reader: Reader, purpose: str) -> str:
    """A mark as mails carry it, of today."""
    day = context.clock().date().toordinal()
    said = {"give": (7, day), "tune": (day,), "view": (3,), "feed": ()}[purpose]
    epoch = reader.feed if purpose == "feed" else reader.epoch
    return context.seal.mark(purpose, reader.id, *said, epoch=epoch)


def every_secret(context: Context, reader: Reader) -> dict[str, str]:
    """One valid secret or mark of each kind."""
    made = {purpose: ticket(context, reader, purpose) for purpose in tickets.AGAIN}
    made |= {"visit": visiting.begin(context, reader.id, visiting.FULL)}
    made |= {"key": visiting.make_key(context, reader.id, "a program")[1]}
    return made | {purpose: mark(context, reader, purpose) for purpose in MARKS}


def doors(context: Context, secret: str) -> dict[str, object]:
    """What this secret opens, door by door; falsy where it opens nothing."""

    def by_mark(purpose: str) -> object:
        try:
            return visiting.by_mark(context, purpose, secret, days=MARKS[purpose])
        except LinkOver:
            return None

    opened = {
        purpose: subscribing.peek(context, secret, purpose) for purpose in (*tickets.AGAIN, "visit")
    }
    opened["visit"] = visiting.visitor(context, secret)  # type: ignore[assignment]
    opened["key"] = visiting.key_owner(context, secret)
    return opened | {purpose: by_mark(purpose) for purpose in MARKS}


def test_each_secret_opens_its_own_door_and_no_other(context: Context, ada: Reader) -> None:
    for kind, secret in every_secret(context, ada).items():
        opened = {door for door, found in doors(context, secret).items() if found}
        assert opened == {kind}


def test_a_used_secret_of_one_purpose_is_refused_at_the_other(
    context: Context, ada: Reader
) -> None:
    confirming, signing = (ticket(context, ada, purpose) for purpose in ("confirm", "sign-in"))
    with pytest.raises(LinkOver):
        subscribing.sign_in(context, confirming)
    with pytest.raises(LinkOver):
        subscribing.confirm(context, signing)
    assert subscribing.confirm(context, confirming).id == ada.id
    assert subscribing.sign_in(context, signing).id == ada.id


def test_one_changed_character_anywhere_opens_nothing(context: Context, ada: Reader) -> None:
    for kind, secret in every_secret(context, ada).items():
        for place in range(0, len(secret), 6):
            other = "A" if secret[place] != "A" else "B"
            changed = secret[:place] + other + secret[place + 1 :]
            assert not any(doors(context, changed).values()), (kind, place)


def test_every_secret_ends_when_its_time_is_over(context: Context, ada: Reader) -> None:
    made, now = every_secret(context, ada), context.clock()
    lasts = {"confirm": HOUR, "sign-in": HOUR, "visit": visiting.LASTS[visiting.FULL]}
    lasts |= {kind: timedelta(days=days) for kind, days in MARKS.items() if days}
    for kind, span in lasts.items():
        context.clock.moment = now + span - timedelta(seconds=1)  # type: ignore[attr-defined]
        assert doors(context, made[kind])[kind], kind
        context.clock.moment = now + span + timedelta(days=1)  # type: ignore[attr-defined]
        assert not doors(context, made[kind])[kind], kind


def test_links_can_be_made_void_but_the_feed_stays(context: Context, ada: Reader) -> None:
    made = every_secret(context, ada)
    assert leaving.renew_links(context, ada.id).epoch == ada.epoch + 1
    opened = {kind for kind, secret in made.items() if doors(context, secret)[kind]}
    assert opened == {"feed", "key"}


def test_the_feed_can_be_renewed_by_itself(context: Context, ada: Reader) -> None:
    made = every_secret(context, ada)
    assert leaving.renew_feed(context, ada.id).feed == ada.feed + 1
    assert not doors(context, made["feed"])["feed"]
    assert doors(context, made["tune"])["tune"]


def test_a_mark_is_void_for_the_next_reader_of_the_same_number(
    context: Context, ada: Reader
) -> None:
    made = {purpose: mark(context, ada, purpose) for purpose in MARKS}
    with context.database.write() as session:
        readers.remove(session, str(ada.id))
    with context.database.write() as session:
        other = add_reader(session, context.clock(), "bo@readers.example")
    if context.database.is_sqlite:
        assert other == ada.id, "SQLite gives a number out again"
    for purpose, old in made.items():
        assert not doors(context, old)[purpose]


def test_what_is_no_mark_is_refused_before_any_row_is_looked_at(context: Context) -> None:
    with pytest.raises(KeyError):
        visiting.by_mark(context, "erase", "1." + "A" * 22)
    signature = "A" * 22
    for odd in (
        "",
        ".",
        "1.",
        f"1.{signature}",
        f"1-2.{signature}x",
        "ü",
        f"{'f' * 16}.{signature}",
    ):
        for purpose in MARKS:
            with pytest.raises(LinkOver):
                visiting.by_mark(context, purpose, odd)


def test_a_mark_of_who_never_confirmed_opens_nothing(context: Context, ada: Reader) -> None:
    made = {purpose: mark(context, ada, purpose) for purpose in MARKS}
    with context.database.write() as session:
        readers.change(session, ada.id, state="pending")
    for purpose, one in made.items():
        assert not doors(context, one)[purpose]


def test_a_mark_tells_its_facts(context: Context, ada: Reader) -> None:
    found = visiting.by_mark(context, "give", mark(context, ada, "give"), days=90)
    assert found.reader == ada
    assert found.facts == (7, context.clock().date().toordinal())


def test_a_newer_link_makes_the_older_one_void(context: Context, ada: Reader) -> None:
    first = ticket(context, ada, "sign-in")
    second = ticket(context, ada, "sign-in")
    with pytest.raises(LinkOver, match="newer one came"):
        subscribing.sign_in(context, first)
    assert subscribing.peek(context, second, "sign-in")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda context, ada: new_secret(), "none of ours"),
        (lambda context, ada: ticket(context, ada, "sign-in", lasts=-HOUR), "too old"),
    ],
    ids=["unknown", "expired"],
)
def test_a_link_that_is_over_says_why_and_names_the_way_out(
    context: Context, ada: Reader, make: object, words: str
) -> None:
    with pytest.raises(LinkOver, match=f"{words}.*: ask for a new link"):
        subscribing.sign_in(context, make(context, ada))  # type: ignore[operator]


def test_a_link_works_once(context: Context, ada: Reader) -> None:
    secret = ticket(context, ada, "sign-in")
    subscribing.sign_in(context, secret)
    with pytest.raises(LinkOver, match="used already"):
        subscribing.sign_in(context, secret)


def test_only_hashes_are_kept(context: Context, ada: Reader) -> None:
    made = every_secret(context, ada)
    with context.database.read() as session:
        kept = repr(
            [row.model_dump() for model in (Ticket, Visit) for row in session.exec(select(model))]
        )
        kept += repr(readers.rows(session))
    assert hash_of(made["visit"]) in kept
    assert not any(secret in kept for secret in made.values())


def test_what_is_over_is_forgotten(context: Context, ada: Reader) -> None:
    every_secret(context, ada)
    with context.database.write() as session:
        assert tickets.purge(session, context.clock() + WEEK) == 0, "it can still say why"
        assert tickets.purge(session, context.clock() + WEEK + 2 * HOUR) == 2
        assert visits.purge(session, context.clock() + timedelta(days=29)) == 0
        assert visits.purge(session, context.clock() + timedelta(days=30)) == 1


def test_facts_of_a_mark_are_numbers_of_rows(context: Context, ada: Reader) -> None:
    huge = context.seal.mark("feed", 2**63, epoch=ada.feed)
    assert facts(huge) == (2**63,)
    with pytest.raises(LinkOver):
        visiting.by_mark(context, "feed", huge)
