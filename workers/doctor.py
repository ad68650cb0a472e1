"""What is wrong, and what to do about it: one finding for each thing that can be.

The checks run side by side, each in a thread and under a time limit, so that one that hangs or breaks
costs only its own line. They look; what they write is a file of their own that they remove again.
"""

from __future__ import annotations

import os
import pyexpat
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import redis
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from tasks.deliver.transport import transport_for
from tasks.errors import PaperroundError
from tasks.settings import PREFIX, Settings
from tasks.store import deliveries, migrate, sources, watch
from tasks.store.database import Database
from workers.embedded.broker import answers, find_server, ping
from workers.web.guard import host_of, is_loopback

LIMIT_S = 5.0
PYTHON_LEAST = (3, 11)
EXPAT_LEAST = (2, 4)  # older ones have no guard against a page whose entities grow a billionfold
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)  # no clock that is right says an earlier moment
SKEW_MOST = timedelta(seconds=60)
TICK_MOST = timedelta(seconds=90)
DISK_LEAST = 500 * 10**6  # bytes
START = "start it: paperround up"
SET_ASIDE = "see the page of `paperround up` for the reasons"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome in a sentence, and the way out where it is not `ok`."""

    name: str
    ok: bool
    says: str
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at."""

    settings: Settings
    clock: Callable[[], datetime]


Check = Callable[[Patient], Finding]


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def examine(
    settings: Settings, *, clock: Callable[[], datetime] = utc_now, limit: float = LIMIT_S
) -> list[Finding]:
    """Every check's finding, in a fixed order; it takes `limit` seconds at most."""
    patient = Patient(settings, clock)
    found: dict[str, Finding] = {}

    def run(name: str, check: Check) -> None:
        found[name] = _guarded(name, check, patient)

    threads = [
        threading.Thread(target=run, args=item, daemon=True) for item in CHECKS.items()
    ]  # daemons: one that hangs must not keep the program from ending
    for thread in threads:
        thread.start()
    deadline = threading.Event()
    timer = threading.Timer(limit, deadline.set)
    timer.daemon = True
    timer.start()
    for thread in threads:
        while thread.is_alive() and not deadline.is_set():
            thread.join(0.05)
    timer.cancel()
    late = "no answer within {:.0f} s".format(limit)
    return [found.get(name) or Finding(name, False, late, "look at what it waits for") for name in CHECKS]
