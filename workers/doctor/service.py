"""The service: its broker, and whether somebody ticks."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import redis

from tasks.errors import SettingsError
from tasks.settings import PREFIX
from workers.doctor.database import last_tick
from workers.doctor.finding import PATIENCE_S, Patient, Wrong
from workers.embedded.broker import answers, find_server, ping
from workers.web.page import distance

TICK_MOST = timedelta(seconds=90)


def broker(patient: Patient) -> str:
    """Whether the broker answers, or the embedded one could be started."""
    settings = patient.settings
    url = settings.broker_url.get_secret_value()
    if not url:
        try:
            server = find_server()
        except SettingsError as error:
            raise Wrong("no broker can be started", str(error)) from None
        running = "running" if answers(settings.broker, timeout=PATIENCE_S) else "not running now"
        return f"embedded, {running} ({server.name})"
    way_out = f"start it, or set {PREFIX}BROKER_URL right"
    where = urlsplit(url)
    try:
        name = f"{where.hostname}:{where.port or 6379}" if where.hostname else where.path
        ping(url, timeout=PATIENCE_S)
    except ValueError:
        raise Wrong(
            f"{PREFIX}BROKER_URL cannot be read", "write redis://host:port/number"
        ) from None
    except redis.RedisError as error:
        raise Wrong(f"{name} does not answer: {error}", way_out) from None
    return f"{name} answers"


def tick(patient: Patient) -> str:
    """Whether somebody has looked for what is due, as long as the service runs."""
    now, last = patient.clock(), last_tick(patient)
    if not answers(patient.settings.broker, timeout=PATIENCE_S):
        return "nothing runs now; to start: paperround up"
    if last is None:
        return "none yet"
    if now - last > TICK_MOST:
        words = f"the last one was {distance(now, last)}, and one is due every 20 s"
        raise Wrong(words, "see that a beat and a worker run: paperround up, and its log")
    return f"the last one was {distance(now, last)}"
