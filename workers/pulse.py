"""Signs of life: each process of the service notes every half a minute that it lives.

A process that ends in order takes its note along, so that what stands there and is old means a fault. The
web face also looks for alarms where nobody else does: a beat that is silent cannot tell of itself.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from threading import Event, Thread

from sqlalchemy.exc import SQLAlchemyError

from tasks.office.watching import is_missed, watch
from tasks.records import Ring
from tasks.round.context import Context
from tasks.round.walk import STEPS
from tasks.store import watch as pulses

log = logging.getLogger(__name__)

EVERY_S = 30.0


def name_of(role: str) -> str:
    """What this process is known by in that role."""
    return f"{role}:{socket.gethostname()}/{os.getpid()}"


def note(context: Context, role: str) -> None:
    """Note that this process lives. A database that does not answer is told of elsewhere."""
    try:
        with context.database.write() as session:
            pulses.beat(session, name_of(role), context.clock())
    except SQLAlchemyError as error:
        log.warning("no sign of life could be noted: %s", type(error).__name__)


def forget(context: Context, role: str) -> None:
    """This process ends in order, and is not missed."""
    try:
        with context.database.write() as session:
            pulses.gone(session, name_of(role))
    except SQLAlchemyError as error:
        log.warning("the sign of life stays: %s", type(error).__name__)


def stand_in(context: Context) -> None:
    """Look for alarms if nobody does, and hand over what tells of them: there may be no worker either."""

    def hand_over(rings: list[Ring]) -> None:
        for bell in rings:
            STEPS[bell.step](context, bell.first, bell.last, context.clock())

    if is_missed(context):
        watch(context, hand_over=hand_over)


class Pulse:
    """Notes signs of life in a thread of its own, from `start` to `stop`; does `also` each time."""

    def __init__(
        self,
        context: Context,
        role: str,
        *,
        also: Callable[[Context], object] | None = None,
        every: float = EVERY_S,
    ) -> None:
        self._context, self._role, self._also, self._every = context, role, also, every
        self._stop = Event()
        self._thread = Thread(target=self._live, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin with a sign of life at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and take the note along."""
        self._stop.set()
        self._thread.join(5)
        forget(self._context, self._role)

    def _live(self) -> None:
        note(self._context, self._role)
        while not self._stop.wait(self._every):
            note(self._context, self._role)
            try:
                if self._also:
                    self._also(self._context)
            except (
                Exception
            ):  # of any kind: the next look may go well, and signs of life must go on
                log.exception("could not look for alarms")
