"""Signs of life of the worker and the beat, each noted where it does its work. Loaded by them alone."""

from __future__ import annotations

import time
from typing import Any

from celery.beat import Scheduler
from celery.signals import worker_ready, worker_shutdown

from tasks.round.context import process_context
from workers import pulse
from workers.pulse import Pulse

_workers: list[Pulse] = []  # of this process: one, once it is ready


@worker_ready.connect
def _ready(**_: object) -> None:
    _workers.append(Pulse(process_context(), "worker"))
    _workers[-1].start()


@worker_shutdown.connect
def _ended(**_: object) -> None:
    while _workers:
        _workers.pop().stop()


class Beating(Scheduler):
    """The scheduler, which shows life only while it really looks at its table."""

    _noted = float("-inf")

    def tick(self, *args: Any, **options: Any) -> Any:
        """As ever: every few seconds."""
        if time.monotonic() - self._noted >= pulse.EVERY_S:
            self._noted = time.monotonic()
            pulse.note(process_context(), "beat")
        return super().tick(*args, **options)

    def close(self) -> None:
        """The beat ends in order."""
        super().close()
        pulse.forget(process_context(), "beat")
