"""How many messages lie in the broker's queues. They are doorbells: what waits is told by the database."""

from __future__ import annotations

import redis

from workers.celery import QUEUES, app
from workers.embedded.broker import connect

STEPS = ("", "\x06\x163", "\x06\x166", "\x06\x169")  # a queue is one list for each priority


def lengths(url: str) -> dict[str, int] | None:
    """Messages by queue; None when the broker does not answer."""
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    try:
        with connect(url, timeout=1.0) as client, client.pipeline(transaction=False) as asked:
            for queue in QUEUES:
                for step in STEPS:
                    asked.llen(f"{prefix}{queue}{step}")
            found = [int(number) for number in asked.execute()]
    except (redis.RedisError, ValueError):
        return None
    size = len(STEPS)
    return {queue: sum(found[n * size : (n + 1) * size]) for n, queue in enumerate(QUEUES)}
