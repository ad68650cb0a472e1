"""Talking to a worker and a web face from outside: to wake one, and to see whether they are ready."""

from __future__ import annotations

import contextlib
import http.client
import logging
from collections.abc import Iterator

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from tasks.settings import Settings
from workers.celery import app
from workers.schedule import TICK_S

log = logging.getLogger(__name__)

ANSWER_S = 0.5
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not listened on
ONE_TRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}  # of the connection
AWAY = (OperationalError, redis.RedisError, OSError)


def ring_tick(settings: Settings) -> None:
    """Ask for a tick. A broker that is down costs only time."""
    try:
        with _client(settings) as client:
            client.send_task("paperround.tick", queue="control", expires=TICK_S, retry=False)
    except AWAY as error:
        log.warning("the broker does not answer (%s): the beat ticks later", error)


def worker_answers(settings: Settings, node: str) -> bool:
    """Whether the worker of that name takes messages."""
    try:
        with _client(settings) as client:
            return bool(client.control.ping([node], timeout=ANSWER_S, limit=1))
    except AWAY:
        return False


def web_serves(host: str, port: int) -> bool:
    """Whether a web face answers there."""
    web = http.client.HTTPConnection(ANYWHERE.get(host, host), port, timeout=2)
    with contextlib.closing(web), contextlib.suppress(OSError, http.client.HTTPException):
        web.request("GET", "/livez", headers={"Host": "localhost"})
        return web.getresponse().status == 200
    return False


@contextlib.contextmanager
def _client(settings: Settings) -> Iterator[Celery]:
    """A client of these settings' broker, whatever our environment says, on a connection of its own."""
    client = Celery("paperround", broker=settings.broker, set_as_current=False)
    client.conf.broker_transport_options = app.conf.broker_transport_options | ONE_TRY
    with contextlib.closing(client):
        yield client
