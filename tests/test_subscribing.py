"""Subscribing and signing in: the answer is always the same, and the mail tells."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from papers import add_reader
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from tasks.desk import letters
from tasks.desk.addresses import mailbox_of, read_address
from tasks.desk.leaving import leave, pause
from tasks.desk.limits import EACH_DOMAIN, EACH_FRESH, EACH_NET, EVERYBODY, net_of
from tasks.desk.subscribing import (
    confirm,
    fresh_link,
    hidden_for_ever,
    peek,
    sign_in,
    sign_in_link,
    subscribe,
)
from tasks.errors import LinkOver, TooMany, UsageError
from tasks.models import Delivery, Knock, Reader
from tasks.records import Message, Rendered, Ring, Step
from tasks.render import mime
from tasks.round.context import Context
from tasks.round.delivering import deliver
from tasks.round.tick import tick
from tasks.settings import Settings
from tasks.store import deliveries, knocks, readers, suppressions
from tasks.store.database import Database

ADA = "ada@readers.example"
NET = "192.0.2.7"
STATES = ("new", "pending", "active", "paused", "unsubscribed", "suppressed")
LINK = re.compile(r"http://127\.0\.0\.1:8780/(confirm|in)/([A-Za-z0-9_-]{43})")


def nets() -> Iterator[str]:
    """Another net for each call."""
    return (f"198.51.{number // 250}.{number % 250}" for number in range(10_000))


def wait(context: Context, pause: timedelta) -> None:
    context.clock.moment += pause  # type: ignore[attr-defined]


def make(context: Context, state: str, email: str = ADA) -> None:
    """An address in that state."""
    with context.database.write() as session:
        if state == "suppressed":
            suppressions.add(session, hidden_for_ever(context, email), context.clock())
        elif state != "new":
            add_reader(session, context.clock(), email, state=state)


def letters_of(context: Context) -> list[Delivery]:
    with context.database.read() as session:
        found = session.exec(select(Delivery).order_by(Delivery.id))  # type: ignore[arg-type]
        return [Delivery(**row.model_dump()) for row in found]


def link(context: Context) -> tuple[str, str]:
    """What the newest letter's link is for, and its secret."""
    text = message_from_bytes(letters_of(context)[-1].body, policy=policy.default)
    plain = text.get_body(("plain",))
    assert plain is not None
    found = LINK.search(plain.get_content())
    assert found
    return found[1], found[2]


def state(context: Context, email: str = ADA) -> str | None:
    with context.database.read() as session:
        reader = readers.by_email(session, email)
        return None if reader is None else reader.state


# --- the same answer -----------------------------------------------------------------------------
@pytest.mark.parametrize("known", STATES)
def test_who_asks_learns_nothing_and_the_mail_fits_the_state(context: Context, known: str) -> None:
    make(context, known)
    rings = subscribe(context, ADA, net=NET)
    assert [(ring.step, ring.first == ring.last) for ring in rings] == [(Step.DELIVER, True)]
    kinds = [row.letter for row in letters_of(context)]
    expected = {"active": ["known"], "paused": ["known"], "suppressed": []}
    assert kinds == expected.get(known, ["confirm"])
    if kinds:
        assert rings == [Ring(Step.DELIVER, letters_of(context)[-1].id, letters_of(context)[-1].id)]  # type: ignore[arg-type]
        assert link(context)[0] == ("in" if kinds == ["known"] else "confirm")


@pytest.mark.parametrize("known", STATES)
def test_signing_in_answers_the_same_for_whatever_address(context: Context, known: str) -> None:
    make(context, known)
    rings = sign_in_link(context, ADA, net=NET)
    assert [(ring.step, ring.first == ring.last) for ring in rings] == [(Step.DELIVER, True)]
    kinds = [row.letter for row in letters_of(context)]
    nobody: list[str] = []
    expected = {"new": nobody, "suppressed": nobody, "pending": ["confirm"]}
    assert kinds == expected.get(known, ["sign-in"])


@pytest.mark.parametrize("known", STATES)
@pytest.mark.parametrize("ask", [subscribe, sign_in_link])
def test_every_answer_costs_one_commit_that_writes(
    context: Context, known: str, ask: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(context, known)
    written: list[str] = []

    def counted(rendered: Rendered, *args: Any, **named: Any) -> Message:
        written.append(rendered.subject)
        return mime.build(rendered, *args, **named)

    monkeypatch.setattr(letters, "build", counted)
    with context.database.read() as session:
        before = len(session.exec(select(Knock)).all())
    ask(context, ADA, net=NET)  # type: ignore[operator]
    with context.database.read() as session:
        assert len(session.exec(select(Knock)).all()) > before
    assert len(written) == 1, "a letter that is not sent takes the time of one that is"


def test_a_ring_for_nobody_wakes_no_work(context: Context) -> None:
    make(context, "suppressed")
    (ring,) = subscribe(context, ADA, net=NET)
    assert deliver(context, ring.first, ring.last, context.clock()) == []


# --- from address to reader ------------------------------------------------------------------------
def test_a_stranger_becomes_a_reader_by_the_mail_alone(context: Context) -> None:
    subscribe(context, " Ada@Readers.Example ", net=NET, zone="Europe/Rome", language="de")
    assert state(context) == "pending"
    (row,) = letters_of(context)
    assert row.expires_at == context.clock() + timedelta(days=7)
    assert re.fullmatch(r"2026-11-20\.letter\.[0-9a-f]{32}", row.key)
    assert row.digest_id is None
    deliver(context, 1, 99, context.clock())
    assert (context.settings.mailbox / "new" / row.key).exists(), "pending readers get their letter"
    _, secret = link(context)
    seen = peek(context, secret, "confirm")
    assert seen is not None
    assert (seen.email, state(context)) == (ADA, "pending"), "looking changes nothing"
    reader = confirm(context, secret)
    assert (reader.state, reader.timezone, reader.language) == ("active", "Europe/Rome", "de")
    with context.database.read() as session:
        kept = session.exec(select(Reader)).one()
        assert kept.confirmed_at == context.clock()
        assert kept.next_digest_at is not None
        assert kept.next_digest_at > context.clock()
    assert peek(context, secret, "confirm") is None
    with pytest.raises(LinkOver, match="used already"):
        confirm(context, secret)


def test_no_digest_is_planned_before_the_address_is_confirmed(context: Context) -> None:
    subscribe(context, ADA, net=NET)
    with context.database.read() as session:
        assert readers.active(session) == []
        assert readers.due(session, context.clock() + timedelta(days=2), 9) == []


def test_who_left_comes_back_by_confirming_again(context: Context) -> None:
    make(context, "unsubscribed")
    subscribe(context, ADA, net=NET)
    assert state(context) == "unsubscribed", "a stranger may have asked"
    confirm(context, link(context)[1])
    assert state(context) == "active"


def test_confirming_leaves_a_pause_alone(context: Context) -> None:
    make(context, "unsubscribed")
    subscribe(context, ADA, net=NET)
    secret = link(context)[1]
    with context.database.write() as session:
        reader = readers.find(session, ADA)
        readers.change(session, reader.id, state="active")
    pause(context, reader.id, date(2026, 12, 1))
    assert confirm(context, secret).state == "paused"


def test_a_fresh_confirmation_lifts_a_suppression(context: Context) -> None:
    subscribe(context, ADA, net=NET)
    make(context, "suppressed")
    confirm(context, link(context)[1])
    with context.database.read() as session:
        assert not suppressions.holds(session, hidden_for_ever(context, ADA))


def test_the_confirmation_can_be_asked_for_again_and_the_older_one_is_void(
    context: Context,
) -> None:
    subscribe(context, ADA, net=NET)
    first = link(context)[1]
    wait(context, timedelta(minutes=15))
    subscribe(context, ADA, net=NET)
    with pytest.raises(LinkOver, match="newer one"):
        confirm(context, first)
    assert confirm(context, link(context)[1]).state == "active"


def test_a_reader_signs_in_by_a_link_of_half_an_hour(context: Context) -> None:
    make(context, "unsubscribed")
    sign_in_link(context, ADA, net=NET)
    purpose, secret = link(context)
    assert (purpose, letters_of(context)[0].expires_at - context.clock()) == (
        "in",
        timedelta(minutes=30),
    )
    assert sign_in(context, secret).email == ADA, "who left may still sign in"
    assert state(context) == "unsubscribed"


def test_nobody_signs_in_before_they_confirm(context: Context) -> None:
    make(context, "active")
    sign_in_link(context, ADA, net=NET)
    secret = link(context)[1]
    with context.database.write() as session:
        readers.change(session, readers.find(session, ADA).id, state="pending")
    with pytest.raises(LinkOver, match="not confirmed"):
        sign_in(context, secret)
    assert peek(context, secret, "sign-in"), "the link was not used up by that"


@pytest.mark.parametrize(
    "text",
    ["", "ada", "ada@", "@readers.example", "a b@c.example", "ada@readers.example\nBcc: x@y.example",
     "ada@readers.example, bo@readers.example", "ada@[127.0.0.1]", "a" * 400 + "@x.example", "ä@x.example",
     "a\x00@x.example"],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_nothing_is_kept(context: Context, text: str) -> None:
    for ask in (subscribe, sign_in_link):
        with pytest.raises(UsageError, match="no mail address"):
            ask(context, text, net=NET)
    with context.database.read() as session:
        assert not session.exec(select(Knock)).all()


def test_addresses_have_one_form() -> None:
    assert read_address("Ada@BÜCHER.example") == "ada@xn--bcher-kva.example"
    assert mailbox_of("a.da+papers@gmail.com") == mailbox_of("ada@gmail.com") == "ada@gmail.com"
    assert mailbox_of("a.da+x@readers.example") == "a.da@readers.example"
    assert mailbox_of("+x@readers.example") == "+x@readers.example"


def test_a_strange_zone_or_language_becomes_a_known_one(context: Context) -> None:
    subscribe(context, ADA, net=NET, zone="../../etc/passwd", language="tlh")
    with context.database.read() as session:
        reader = readers.find(session, ADA)
    assert (reader.timezone, reader.language) == ("UTC", "en")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"base_url": "https://papers.example/"}, "https://papers.example"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8780"),
        ({"host": "::1", "port": 9}, "http://[::1]:9"),
    ],
)
def test_links_lead_to_the_public_address_or_to_this_machine(
    settings: dict[str, object], expected: str
) -> None:
    assert letters.base(Settings(_env_file=None, **settings)) == expected  # type: ignore[call-arg,arg-type]


# --- limits ----------------------------------------------------------------------------------------
def test_a_flood_for_one_address_sends_one_mail(context: Context) -> None:
    everywhere = nets()
    for _ in range(100):
        subscribe(context, ADA, net=next(everywhere))
    assert len(letters_of(context)) == 1


def test_spellings_of_one_mailbox_are_one_address(context: Context) -> None:
    everywhere = nets()
    for number in range(20):
        subscribe(context, f"a{'.' * (number % 2)}da+{number}@gmail.com", net=next(everywhere))
    assert len(letters_of(context)) == 1


def test_an_address_gets_three_mails_a_day_and_one_in_a_quarter_of_an_hour(
    context: Context,
) -> None:
    pauses, sent = (0, 899, 1, 899, 1, 3600, 36_000, 60_000), []
    for seconds, host in zip(pauses, nets(), strict=False):
        wait(context, timedelta(seconds=seconds))
        subscribe(context, ADA, net=host)
        sent.append(len(letters_of(context)))
    assert sent == [1, 1, 2, 2, 3, 3, 3, 4]


def test_signing_in_has_limits_of_its_own(context: Context) -> None:
    make(context, "active")
    for _ in range(3):
        subscribe(context, ADA, net=NET)
        sign_in_link(context, ADA, net=NET)
    assert [row.letter for row in letters_of(context)] == ["known", "sign-in"]


def test_a_net_is_told_when_it_may_ask_again(context: Context) -> None:
    for number in range(EACH_NET.most):
        subscribe(context, f"reader{number}@d{number}.example", net="2001:db8:1:2:3::4")
    wait(context, timedelta(minutes=20))
    with pytest.raises(TooMany) as refused:
        subscribe(context, ADA, net="2001:db8:1:2:ffff::1")
    assert refused.value.wait == timedelta(minutes=40)
    assert state(context) is None
    subscribe(context, ADA, net="2001:db8:1:3::1")
    wait(context, timedelta(minutes=40))
    subscribe(context, "bo@readers.example", net="2001:db8:1:2:ffff::1")


def fill(context: Context, kind: str, text: str, count: int) -> None:
    with context.database.write() as session:
        knocks.note(session, [context.seal.hidden(kind, text)] * count, context.clock())


def test_a_domain_has_a_limit_and_a_big_one_a_wider(context: Context) -> None:
    for domain in ("readers.example", "gmail.com"):
        fill(context, "domain-subscribe", domain, EACH_DOMAIN.most)
    with pytest.raises(TooMany):
        subscribe(context, ADA, net=NET)
    subscribe(context, "ada@gmail.com", net=NET)
    fill(context, "domain-subscribe", "gmail.com", 540)
    with pytest.raises(TooMany):
        subscribe(context, "bo@gmail.com", net=NET)


def test_everybody_together_has_a_limit(context: Context) -> None:
    fill(context, "everybody-subscribe", "", EVERYBODY.most)
    with pytest.raises(TooMany):
        subscribe(context, ADA, net=NET)
    sign_in_link(context, ADA, net=NET)
    wait(context, timedelta(hours=1))
    subscribe(context, ADA, net=NET)


def test_strangers_fill_no_limit_that_shuts_a_domain_s_readers_out(context: Context) -> None:
    make(context, "active")
    everywhere = nets()
    for number in range(EACH_DOMAIN.most):
        email = f"nobody{number}@readers.example"
        subscribe(context, email, net=next(everywhere))  # pending from here on
        sign_in_link(context, email, net=next(everywhere))
        sign_in_link(context, f"un{email}", net=next(everywhere))  # and nobody at all
    with pytest.raises(TooMany):
        subscribe(context, "more@readers.example", net=next(everywhere))
    sign_in_link(context, ADA, net=next(everywhere))
    assert (letters_of(context)[-1].letter, letters_of(context)[-1].recipient) == ("sign-in", ADA)


@pytest.mark.parametrize("known", STATES)
def test_over_a_limit_signing_in_answers_the_same_for_whatever_address(
    context: Context, known: str
) -> None:
    make(context, known)
    fill(context, "domain-sign-in", "readers.example", EACH_DOMAIN.most)
    with pytest.raises(TooMany) as refused:
        sign_in_link(context, ADA, net=NET)
    assert refused.value.wait == timedelta(hours=1)


def test_who_is_known_to_be_the_reader_is_not_shut_out_by_strangers(context: Context) -> None:
    make(context, "active")
    everywhere = nets()
    for _ in range(3):
        sign_in_link(context, ADA, net=next(everywhere))
        wait(context, timedelta(minutes=15))
    fill(context, "everybody-sign-in", "", EVERYBODY.most)
    before = len(letters_of(context))
    for number in range(EACH_FRESH.most):
        assert fresh_link(context, 1)[0].first > 0
        assert len(letters_of(context)) == before + number + 1
        wait(context, timedelta(minutes=5))
    with pytest.raises(TooMany) as refused:
        fresh_link(context, 1)
    assert refused.value.wait == timedelta(minutes=15)
    assert peek(context, link(context)[1], "sign-in") is not None, "one that was mailed still holds"
    make(context, "active", "bo@readers.example")
    fresh_link(context, 2)


def test_the_answer_to_too_many_does_not_depend_on_the_address(context: Context) -> None:
    make(context, "active")
    for number in range(EACH_NET.most):
        subscribe(context, f"reader{number}@d{number}.example", net=NET)
    words = set()
    for email in (ADA, "nobody@readers.example"):
        with pytest.raises(TooMany) as refused:
            sign_in_link(context, email, net=NET)
        words.add((str(refused.value), refused.value.wait))
    assert len(words) == 1


def test_many_at_once_are_counted_one_by_one(context: Context) -> None:
    assert context.seal  # made once, before
    threads = [
        threading.Thread(target=subscribe, args=(context, ADA), kwargs={"net": f"192.0.2.{number}"})
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(letters_of(context)) == 1


def test_without_a_database_nobody_is_let_in(context: Context, settings: Settings) -> None:
    nowhere = replace(context, database=Database(f"sqlite:///{settings.home}/no/such.db"))
    with pytest.raises(OperationalError):
        subscribe(nowhere, ADA, net=NET)
    nowhere.close()


@pytest.mark.parametrize(
    ("host", "net"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "nowhere"),
        (None, "nowhere"),
        ("", "nowhere"),
    ],
)
def test_a_net_is_what_one_stranger_has(host: str | None, net: str) -> None:
    assert net_of(host) == net
    assert net_of(net) == net


def test_knocks_tell_nobody_who_knocked_and_are_forgotten(context: Context) -> None:
    subscribe(context, ADA, net=NET)
    with context.database.write() as session:
        rows = session.exec(select(Knock.who)).all()
        assert all(re.fullmatch(r"[0-9a-f]{32}", who) for who in rows)
        assert knocks.purge(session, context.clock() + timedelta(hours=23)) == 0
        assert knocks.purge(session, context.clock() + timedelta(days=1)) == len(rows) == 4


# --- what time does --------------------------------------------------------------------------------
def test_an_address_that_nobody_confirms_is_forgotten_after_a_week(context: Context) -> None:
    subscribe(context, ADA, net=NET)
    wait(context, timedelta(days=7) - timedelta(seconds=1))
    tick(context, context.clock())
    assert state(context) == "pending"
    wait(context, timedelta(seconds=1))
    tick(context, context.clock())
    assert (state(context), letters_of(context)) == (None, [])


def test_an_address_is_kept_while_a_newer_link_can_still_confirm_it(context: Context) -> None:
    subscribe(context, ADA, net=NET)
    wait(context, timedelta(days=6))
    subscribe(context, ADA, net=NET)
    wait(context, timedelta(days=6))
    tick(context, context.clock())
    assert confirm(context, link(context)[1]).state == "active"


def test_a_letter_keeps_its_link_no_longer_than_it_must(context: Context) -> None:
    subscribe(context, ADA, net=NET)
    with context.database.write() as session:
        assert deliveries.forget_letters(session, context.clock()) == 0, "it waits to go out"
    deliver(context, 1, 99, context.clock())
    with context.database.write() as session:
        assert deliveries.forget_letters(session, context.clock()) == 1
        assert deliveries.forget_letters(session, context.clock()) == 0
    assert letters_of(context)[0].body == b""


def test_a_letter_whose_link_is_over_does_not_go_out(context: Context) -> None:
    make(context, "active")
    sign_in_link(context, ADA, net=NET)
    wait(context, timedelta(minutes=30))
    tick(context, context.clock())
    deliver(context, 1, 99, context.clock())
    (row,) = letters_of(context)
    assert (row.state, row.body) == ("expired", b"")
    assert "its time was over" in row.error


def test_a_letter_goes_to_who_left(context: Context) -> None:
    make(context, "active")
    with context.database.read() as session:
        token = readers.find(session, ADA).token
    leave(context, token)
    sign_in_link(context, ADA, net=NET)
    deliver(context, 1, 99, context.clock())
    assert letters_of(context)[0].state == "sent"
