"""Handing over: what is known of a mail is what its state says, whatever went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from papers import add_reader
from pydantic import SecretStr
from smtp_sink import Sink
from sqlmodel import Session, select

from tasks.errors import LostLease
from tasks.models import Attempt, Delivery, Digest
from tasks.records import Message
from tasks.round.context import Context
from tasks.round.delivering import CLOSED_FOR, deliver
from tasks.round.tick import tick
from tasks.store import claims, deliveries


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server


@pytest.fixture
def by_smtp(context: Context, sink: Sink) -> Context:
    """The context, with the sink as its mail server."""
    url = SecretStr(f"smtp://127.0.0.1:{sink.port}?starttls=never")
    settings = context.settings.model_copy(update={"smtp_url": url})
    return replace(context, settings=settings)


def mail(number: int) -> Message:
    key = f"2026-11-20.{number}"
    headers = f"Message-ID: <{key}@news.example>\r\nSubject: {number}\r\n\r\n"
    return Message(
        key=key,
        message_id=f"<{key}@news.example>",
        sender="digest@news.example",
        recipient=f"reader{number}@readers.example",
        body=headers.encode() + b"Papers.\r\n",
    )


def add_mails(context: Context, now: datetime, count: int = 1) -> None:
    """Rendered digests whose deliveries stand ready."""
    with context.database.write() as session:
        for number in range(1, count + 1):
            reader = add_reader(session, now, f"reader{number}@readers.example")
            digest = Digest(
                reader_id=reader, day=now.date(), due_at=now, planned_at=now, state="rendered"
            )
            session.add(digest)
            session.flush()
            assert digest.id is not None
            deliveries.add(session, digest.id, reader, mail(number), now)


def states(context: Context) -> list[str]:
    with context.database.read() as session:
        return [row.state for row in session.exec(select(Delivery).order_by(Delivery.id))]  # type: ignore[arg-type]


def only(session: Session) -> Delivery:
    return session.exec(select(Delivery)).one()


def wait(context: Context, pause: timedelta) -> datetime:
    context.clock.moment += pause  # type: ignore[attr-defined]
    return context.clock()


def test_mails_are_handed_over_once(by_smtp: Context, sink: Sink, now: datetime) -> None:
    add_mails(by_smtp, now, 3)
    deliver(by_smtp, 1, 99, now)
    deliver(by_smtp, 1, 99, now)
    assert states(by_smtp) == ["sent"] * 3
    assert [m.message_id for m in sink.accepted] == [mail(n).message_id for n in (1, 2, 3)]
    assert sink.connections == 1, "one line serves a whole batch"
    with by_smtp.database.read() as session:
        assert [a.outcome for a in session.exec(select(Attempt))] == ["sent"] * 3
        assert all(row.reply.startswith("250") for row in session.exec(select(Delivery)))


def test_a_mail_put_off_comes_again_with_the_same_name(
    by_smtp: Context, sink: Sink, now: datetime
) -> None:
    add_mails(by_smtp, now)
    sink.script("rcpt", "451 4.7.1 greylisted", times=1)
    deliver(by_smtp, 1, 99, now)
    assert states(by_smtp) == ["deferred"]
    deliver(by_smtp, 1, 99, now)
    assert states(by_smtp) == ["deferred"], "not before its time"
    deliver(by_smtp, 1, 99, wait(by_smtp, deliveries.RETRY_FIRST))
    assert states(by_smtp) == ["sent"]
    assert [m.message_id for m in sink.accepted] == [mail(1).message_id]


def test_a_refusal_is_final_and_stops_nobody_else(
    by_smtp: Context, sink: Sink, now: datetime
) -> None:
    add_mails(by_smtp, now, 3)
    sink.script("rcpt", "550 5.1.1 no such user", match="reader2@")
    deliver(by_smtp, 1, 99, now)
    assert states(by_smtp) == ["sent", "failed", "sent"]
    with by_smtp.database.read() as session:
        refused = session.exec(select(Delivery).where(Delivery.state == "failed")).one()
        assert "5.1.1 no such user" in refused.error


@pytest.mark.parametrize("fault", ["drop", "reset"])
def test_an_answer_that_never_came_leaves_the_mail_unsure_and_nobody_sends_it_again(
    by_smtp: Context, sink: Sink, now: datetime, fault: str
) -> None:
    add_mails(by_smtp, now)
    sink.script("reply", fault)
    deliver(by_smtp, 1, 99, now)
    assert states(by_smtp) == ["unsure"]
    sink.heal()
    later = wait(by_smtp, timedelta(hours=3))
    tick(by_smtp, later)
    deliver(by_smtp, 1, 99, later)
    assert states(by_smtp) == ["unsure"]
    assert len(sink.accepted) == 1


def test_a_line_that_broke_before_the_dot_is_tried_again(
    by_smtp: Context, sink: Sink, now: datetime
) -> None:
    add_mails(by_smtp, now)
    sink.script("data", "drop", times=1)
    deliver(by_smtp, 1, 99, now)
    assert states(by_smtp) == ["deferred"]
    deliver(by_smtp, 1, 99, wait(by_smtp, deliveries.RETRY_FIRST))
    assert (states(by_smtp), len(sink.accepted)) == (["sent"], 1)


def test_a_server_that_is_down_costs_no_attempt_and_is_left_alone_for_a_while(
    by_smtp: Context, sink: Sink, now: datetime
) -> None:
    add_mails(by_smtp, now, 2)
    sink.script("connect", "421 4.3.2 closing for the night", times=1)
    for _ in range(3):
        deliver(by_smtp, 1, 99, now)
    assert sink.connections == 1, "nobody knocks at a door that is closed"
    with by_smtp.database.read() as session:
        assert [row.attempts for row in session.exec(select(Delivery))] == [0, 0]
    assert not [ring for ring in tick(by_smtp, now) if ring.step == "deliver"]
    deliver(by_smtp, 1, 99, wait(by_smtp, CLOSED_FOR + timedelta(seconds=1)))
    assert states(by_smtp) == ["sent", "sent"]


def test_a_mail_that_is_put_off_every_time_ends_as_a_dead_letter(
    by_smtp: Context, sink: Sink, now: datetime
) -> None:
    add_mails(by_smtp, now)
    sink.script("dot", "451 4.3.0 later")
    for _ in range(claims.ATTEMPTS_MOST + 1):
        deliver(by_smtp, 1, 99, wait(by_smtp, deliveries.RETRY_MOST))
    assert states(by_smtp) == ["dead"]
    with by_smtp.database.read() as session:
        assert len(session.exec(select(Attempt)).all()) == claims.ATTEMPTS_MOST


def test_a_mail_that_kills_its_worker_every_time_ends_as_a_dead_letter(
    context: Context, now: datetime
) -> None:
    add_mails(context, now)
    for _ in range(claims.ATTEMPTS_MOST):
        with context.database.write() as session:
            assert deliveries.claim(session, 1, 9, owner="dying", now=context.clock())
        wait(context, deliveries.LEASE * 2)
    tick(context, context.clock())
    assert states(context) == ["dead"]


def test_a_digest_that_is_too_late_is_not_sent(context: Context, now: datetime) -> None:
    add_mails(context, now)
    later = wait(context, deliveries.DEADLINE + timedelta(minutes=1))
    tick(context, later)
    deliver(context, 1, 99, later)
    assert states(context) == ["expired"]


def test_an_owner_who_slept_through_the_lease_sends_nothing(
    context: Context, now: datetime
) -> None:
    add_mails(context, now)
    with context.database.write() as session:
        taken = deliveries.claim(session, 1, 9, owner="sleeper", now=now)
    assert taken is not None
    after = now + deliveries.LEASE + timedelta(seconds=1)
    with context.database.write() as session, pytest.raises(LostLease):
        deliveries.arm(session, taken.id, owner="sleeper", now=after)


def armed_by_a_dead_worker(context: Context, now: datetime) -> None:
    add_mails(context, now)
    with context.database.write() as session:
        deliveries.claim(session, 1, 9, owner="dead", now=now)
        deliveries.arm(session, 1, owner="dead", now=now)
    wait(context, deliveries.LEASE + timedelta(seconds=1))


def test_an_armed_mail_whose_worker_died_is_sent_when_the_mailbox_does_not_have_it(
    context: Context, now: datetime
) -> None:
    armed_by_a_dead_worker(context, now)
    deliver(context, 1, 99, now)
    assert states(context) == ["sent"]
    assert len(list((context.settings.mailbox / "new").iterdir())) == 1


def test_an_armed_mail_whose_worker_died_is_not_sent_again_when_the_mailbox_has_it(
    context: Context, now: datetime
) -> None:
    with context.transport() as transport:
        transport.offer(mail(1)).finish()
    armed_by_a_dead_worker(context, now)
    deliver(context, 1, 99, now)
    assert states(context) == ["sent"]
    assert len(list((context.settings.mailbox / "new").iterdir())) == 1


def test_an_armed_mail_whose_worker_died_is_unsure_where_nobody_can_tell(
    by_smtp: Context, sink: Sink, now: datetime
) -> None:
    armed_by_a_dead_worker(by_smtp, now)
    deliver(by_smtp, 1, 99, now)
    assert (states(by_smtp), sink.accepted) == (["unsure"], [])


def test_a_late_250_settles_what_was_unsure(by_smtp: Context, now: datetime) -> None:
    armed_by_a_dead_worker(by_smtp, now)
    deliver(by_smtp, 1, 99, now)
    with by_smtp.database.write() as session:
        deliveries.sent(session, 1, "250 ok", owner="dead", now=now)
        assert only(session).state == "sent"
    with by_smtp.database.write() as session, pytest.raises(LostLease):
        deliveries.sent(session, 1, "250 again", owner="other", now=now)


def test_a_full_mailbox_folder_is_a_closed_door(
    context: Context, now: datetime, tmp_path: Path
) -> None:
    (context.settings.home / "mailbox").write_text("a file where the folder should be")
    add_mails(context, now)
    deliver(context, 1, 99, now)
    assert states(context) == ["deferred"]
