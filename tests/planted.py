"""Faults to plant in a service that runs well (`watched`): each is one thing that goes wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select, update
from watched import DAY, HOUR, MINUTE, add_digest, add_mail, add_page, midnight

from tasks import models
from tasks.office.alarms import RULES
from tasks.store import watch as pulses


def late(session: Session, now: datetime) -> None:
    newest = (models.Page.source_id == 1, col(models.Page.fetched_at) >= midnight(now.date()))
    session.delete(session.exec(select(models.Page).where(*newest)).one())


def failing(session: Session, now: datetime) -> None:
    values = {
        "attempts": 3,
        "error": "https://h.example/ answered 500",
        "next_attempt_at": now + HOUR,
    }
    session.execute(update(models.Source).where(col(models.Source.id) == 2).values(values))


def quarantined(session: Session, now: datetime) -> None:
    add_page(
        session,
        1,
        now.date(),
        now - HOUR,
        state="quarantined",
        entries=0,
        error="not_a_page: a login",
    )


def lag_fetch(session: Session, now: datetime) -> None:
    session.execute(update(models.Source).values(next_attempt_at=now - 61 * MINUTE))


def lag_parse(session: Session, now: datetime) -> None:
    add_page(session, 1, now.date(), now - 16 * MINUTE, state="fetched", entries=0)


def lag_score(session: Session, now: datetime) -> None:
    session.execute(update(models.Counter).values(value=5))
    pulses.beat(session, "calm:score", now - 31 * MINUTE)


def lag_compose(session: Session, now: datetime) -> None:
    key = add_digest(session, now.date() + DAY, state="planned", mail="")
    planned = update(models.Digest).where(col(models.Digest.id) == key)
    session.execute(planned.values(planned_at=now - 46 * MINUTE, due_at=now))


def lag_render(session: Session, now: datetime) -> None:
    key = add_digest(session, now.date() + DAY, state="composed", mail="")
    made = update(models.Digest).where(col(models.Digest.id) == key)
    session.execute(made.values(composed_at=now - 16 * MINUTE, due_at=now))


def lag_deliver(session: Session, now: datetime) -> None:
    key = add_digest(session, now.date() + DAY, mail="")
    add_mail(session, key, 1, "ready", now - 31 * MINUTE)


def queue(session: Session, now: datetime) -> None:
    for number in range(RULES.queue_least):
        add_page(session, 1, now.date(), now + timedelta(microseconds=number), state="fetched")
    samples = zip((30, 20, 10), (100, 200, 300), strict=True)
    note = " ".join(f"{(now - ago * MINUTE).isoformat()}={depth}" for ago, depth in samples)
    pulses.beat(session, "depth", now - 10 * MINUTE, note)


def silent_beat(session: Session, now: datetime) -> None:
    for name in ("tick", "beat:host/1"):
        pulses.beat(session, name, now - 4 * MINUTE)


def silent_workers(session: Session, now: datetime) -> None:
    for name in ("tick", "worker:host/2"):
        pulses.beat(session, name, now - 4 * MINUTE)


def stuck_day(session: Session, now: datetime) -> None:
    session.execute(
        update(models.Digest).where(col(models.Digest.day) == now.date()).values(state="dead")
    )
    mail = select(models.Delivery).where(col(models.Delivery.created_at) >= midnight(now.date()))
    session.delete(session.exec(mail).one())
    session.execute(
        update(models.Digest).values(state="rendered").where(col(models.Digest.state) == "dead")
    )


def hollow_day(session: Session, now: datetime) -> None:
    stuck_day(session, now)
    today = col(models.Digest.day) == now.date()
    session.execute(update(models.Digest).where(today).values(state="empty", considered=0))


def shut_door(session: Session, now: datetime) -> None:
    key = add_digest(session, now.date() + DAY, mail="")
    mail = add_mail(session, key, 1, "deferred", now - 6 * MINUTE)
    waits = update(models.Delivery).where(col(models.Delivery.id) == mail)
    session.execute(waits.values(next_attempt_at=now + MINUTE))
    pulses.beat(session, "transport", now + MINUTE, "smtp.example refuses the login of a@b.example")


def unsure(session: Session, now: datetime) -> None:
    key = add_digest(session, now.date() + DAY, mail="")
    add_mail(session, key, 1, "unsure", now - HOUR)


def dead(session: Session, now: datetime) -> None:
    add_digest(session, now.date() + DAY, state="dead", mail="")
