"""This machine: its Python, its folder, its disk and its clock."""

from __future__ import annotations

import os
import platform
import pyexpat
import shutil
import stat
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tasks.settings import PREFIX
from workers.doctor.database import last_tick, server_time
from workers.doctor.finding import Patient, Wrong, nearest

PYTHON_LEAST = (3, 11)
EXPAT_LEAST = (2, 4)  # older ones have no guard against pages whose entities grow a billionfold
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)  # no clock that is right says an earlier moment
SKEW_MOST = timedelta(seconds=60)
DISK_LEAST = 500 * 10**6  # bytes


def python(_: Patient) -> str:
    """Whether Python and its reader of XML are new enough."""
    expat = pyexpat.version_info
    found = f"Python {platform.python_version()}, expat {'.'.join(map(str, expat))}"
    if sys.version_info[:2] < PYTHON_LEAST:
        raise Wrong(found, "use Python 3.11 or newer")
    if expat[:2] < EXPAT_LEAST:
        raise Wrong(
            f"{found}: it does not guard against hostile XML", "use a Python with expat 2.4"
        )
    return found


def home(patient: Patient) -> str:
    """Whether the home can be written, and by us alone."""
    folder = patient.settings.home
    other = f"set {PREFIX}HOME to a folder of yours"
    near = nearest(folder)
    if not near.is_dir():
        raise Wrong(f"{folder} cannot be a folder: {near} is a file", other)
    if near != folder:
        if not os.access(near, os.W_OK | os.X_OK):
            raise Wrong(f"{folder} cannot be made: {near} is closed to you", other)
        return f"{folder} will be made at the first start"
    try:
        _fresh_file_time(folder)
    except OSError as error:
        raise Wrong(f"{folder} cannot be written: {error.strerror}", other) from None
    if stat.S_IMODE(folder.stat().st_mode) & 0o007:
        raise Wrong(f"everybody on this machine can look into {folder}", f"chmod 700 '{folder}'")
    return f"{folder} can be written, and only by you"


def disk(patient: Patient) -> str:
    """Whether there is room."""
    near = nearest(patient.settings.home)
    free = shutil.disk_usage(near).free
    says = f"{free / 10**9:.1f} GB free at {near}"
    if free < DISK_LEAST:
        raise Wrong(says, f"make room, at least {DISK_LEAST // 10**6} MB, or move {PREFIX}HOME")
    return says


def clock(patient: Patient) -> str:
    """The clock against everything else that knows the time."""
    now = patient.clock()
    others = {"the file system": _file_time(patient), "the database server": server_time(patient)}
    right = "set this machine's clock, best by NTP (timedatectl set-ntp true)"
    if now < RELEASED:
        raise Wrong(f"it says {now:%Y-%m-%d %H:%M} UTC, before this version was made", right)
    for who, says in others.items():
        if says is not None and abs(says - now) > SKEW_MOST:
            gap = abs(says - now).total_seconds()
            raise Wrong(f"it says {now:%Y-%m-%d %H:%M:%S} UTC, {gap:.0f} s off {who}'s", right)
    tick = last_tick(patient)
    if tick is not None and tick - now > SKEW_MOST:
        raise Wrong(f"the last tick lies in the future ({tick:%Y-%m-%d %H:%M:%S} UTC)", right)
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _fresh_file_time(folder: Path) -> datetime:
    """The file system's own time, from a file made and gone. Raises `OSError`."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)


def _file_time(patient: Patient) -> datetime | None:
    try:
        return _fresh_file_time(patient.settings.home)
    except OSError:
        return None
