"""The Celery tasks of a round, in order, and that of watching over it. Each answers a ring, and rings anew.

Messages carry ids and a moment, never rows. A message that is lost, late or doubled changes nothing: the
database knows what is due, claims decide who does it, and the tick rings again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from celery import shared_task
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from tasks.office.watching import watch as look_for_alarms
from tasks.records import Ring, Step
from tasks.round.context import process_context, utc_now
from tasks.round.tick import tick as look
from tasks.round.walk import STEPS

log = logging.getLogger(__name__)

RING_LIFETIME_S = 40  # two ticks: an older ring has been rung again


def ring(rings: Iterable[Ring], at: str | None = None) -> int:
    """Wake the workers; how many rings went out. A broker that is down loses nothing but time."""
    sent = 0
    for bell in dict.fromkeys(rings):
        try:
            TASKS[bell.step].apply_async((bell.first, bell.last, at), expires=RING_LIFETIME_S)
        except (OperationalError, RedisError) as error:
            log.warning("the broker does not answer (%s): the next tick rings again", error)
            break
        sent += 1
    return sent


@shared_task(name="paperround.tick")
def tick(at: str | None = None) -> None:
    """Look what is due and ring for it."""
    ring(look(process_context(), moment(at)), at)


@shared_task(name="paperround.watch")
def watch() -> None:
    """Look for alarms, and ring for the mails that tell of them."""
    look_for_alarms(process_context(), hand_over=ring)


@shared_task(name="paperround.fetch")
def fetch(first: int, last: int, at: str | None = None) -> None:
    """Sources → pages."""
    _answer(Step.FETCH, first, last, at)


@shared_task(name="paperround.parse")
def parse(first: int, last: int, at: str | None = None) -> None:
    """Pages → entries."""
    _answer(Step.PARSE, first, last, at)


@shared_task(name="paperround.score")
def score(first: int, last: int, at: str | None = None) -> None:
    """Shards of readers × arrivals → scores."""
    _answer(Step.SCORE, first, last, at)


@shared_task(name="paperround.compose")
def compose(first: int, last: int, at: str | None = None) -> None:
    """Planned digests → picks."""
    _answer(Step.COMPOSE, first, last, at)


@shared_task(name="paperround.render")
def render(first: int, last: int, at: str | None = None) -> None:
    """Picks → mails."""
    _answer(Step.RENDER, first, last, at)


@shared_task(name="paperround.deliver")
def deliver(first: int, last: int, at: str | None = None) -> None:
    """Mails → the mail server."""
    _answer(Step.DELIVER, first, last, at)


@shared_task(name="paperround.backlog")
def backlog(first: int, last: int, at: str | None = None) -> None:
    """Pieces of backlog runs, while today's round has nothing waiting."""
    _answer(Step.BACKLOG, first, last, at)


TASKS = {
    Step.FETCH: fetch,
    Step.PARSE: parse,
    Step.SCORE: score,
    Step.COMPOSE: compose,
    Step.RENDER: render,
    Step.DELIVER: deliver,
    Step.BACKLOG: backlog,
}


def _answer(step: Step, first: int, last: int, at: str | None) -> None:
    ring(STEPS[step](process_context(), first, last, moment(at)), at)


def moment(at: str | None) -> datetime:
    """The round's moment: the one that the message names, else now."""
    return utc_now() if at is None else datetime.fromisoformat(at).astimezone(UTC)
