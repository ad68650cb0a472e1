"""All checks side by side, each in a thread and under a time limit.

So one that hangs or breaks costs only its own line. They look; what they write is a file of their own
that they remove again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tasks.settings import Settings
from workers.doctor import database, machine, mail, service, work
from workers.doctor.finding import Finding, Patient, Wrong

LIMIT_S = 5.0  # for all checks, which run at the same time
CHECKS: dict[str, Callable[[Patient], str]] = {
    "python": machine.python,
    "home": machine.home,
    "disk": machine.disk,
    "clock": machine.clock,
    "database": database.database,
    "tables": database.tables,
    "broker": service.broker,
    "mail": mail.mail,
    "sender": mail.sender,
    "public address": mail.address,
    "secret": mail.secret,
    "proxies": mail.proxies,
    "tick": service.tick,
    "sources": work.failing_sources,
    "unsure mails": work.unsure,
    "dead letters": work.dead,
}


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def examine(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> list[Finding]:
    """Every check's finding, in a fixed order, after `LIMIT_S` seconds at most. Raises nothing."""
    patient = Patient(settings, clock)
    found: dict[str, Finding] = {}

    def run(name: str) -> None:
        found[name] = _finding(name, patient)

    # Daemons: a check that hangs must not keep the program from ending.
    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in CHECKS]
    deadline = time.monotonic() + LIMIT_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = Finding("", False, f"no answer within {LIMIT_S:.0f} s", "see what it waits for")
    return [found.get(name) or Finding(name, late.ok, late.says, late.way_out) for name in CHECKS]


def _finding(name: str, patient: Patient) -> Finding:
    try:
        return Finding(name, True, CHECKS[name](patient))
    except Wrong as wrong:
        return Finding(name, False, str(wrong), wrong.way_out)
    except Exception as error:  # a broken check is a finding too, and must not hide the others
        kind = type(error).__name__
        return Finding(name, False, f"this check broke ({kind})", "please report it as a bug")
