"""Names for the owners of work: which process made the claim, so that its death can be seen.

A lease protects against every kind of silence, but it takes minutes to end. Where the owner was a process
of this very machine and is gone, nobody needs to wait for that.
"""

from __future__ import annotations

import os
import secrets
import socket
from functools import lru_cache
from pathlib import Path


def fence() -> str:
    """A name for one claim: its process, and 64 random bits."""
    return f"{_machine()}/{_process(os.getpid())}/{secrets.token_hex(8)}"


def is_gone(owner: str) -> bool:
    """Whether the claim's process ran on this machine and runs no more. In doubt it lives."""
    machine, _, rest = owner.rpartition("/")[0].rpartition("/")
    number = rest.partition("@")[0]
    return machine == _machine() and number.isdigit() and _process(int(number)) != rest


@lru_cache(maxsize=1)
def _machine() -> str:
    """This host; within a container its own world of process numbers."""
    try:
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        space = ""
    return f"{socket.gethostname()}/{space}"


def _process(number: int) -> str:
    """A process by number and, where the system tells, when it began: numbers come again.

    Empty when there is no such process.
    """
    try:
        told = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() or not _answers(number) else f"{number}@"
    state, *fields = told.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if state == "Z" else f"{number}@{fields[18]}"


def _answers(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, so it is there
    return True
