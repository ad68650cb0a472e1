"""Sources, by their admin's hand: added, paused, removed, brought back, planned anew, fetched now.

A folder of this machine is named at the machine alone (`here`): through the pages and the API it would be a
window on every file that the service may read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from tasks.errors import Conflict, SourceRefused, UnknownName, UsageError
from tasks.fetch.address import PORTS, judge, resolve
from tasks.fetch.arxiv import feed_url
from tasks.records import Ring, SourceKind, Step
from tasks.round.context import Context
from tasks.store import audit, source_rows, sources
from tasks.store.source_rows import Plan, SourceRow

STATES = ("active", "paused", "removed")
DONE = {"active": "source resumed", "paused": "source paused", "removed": "source removed"}
NAME_MOST, ADDRESS_MOST = 80, 2000  # characters
OFTEN, SELDOM = (
    5,
    24 * 60,
)  # minutes between two turns: a longer wait is taken for a clock gone wrong
HOLIDAYS_MOST = 400
FOLDERS = (
    "a folder of the machine is named at the machine alone: `paperround sources add folder PATH`"
)
DEFAULT_PORTS = {"http": 80, "https": 443}


def listed(context: Context) -> list[SourceRow]:
    """All sources by name, removed ones last."""
    with context.database.read() as session:
        return source_rows.rows(session)


def get(context: Context, name: str) -> SourceRow:
    """The source of that name, removed or not. Raises `UnknownName`."""
    with context.database.read() as session:
        return _present(session, name)


def add(
    context: Context,
    who: str,
    kind: SourceKind,
    address: str,
    *,
    name: str = "",
    here: bool = False,
) -> SourceRow:
    """Add a source, due at once; without a name it gets one of its kind and address. Raises `UsageError`."""
    address = sound_address(context, kind, address, here=here)
    chosen = _sound_name(name or named_by(kind, address))
    now = context.clock()
    try:
        with context.database.write() as session:
            sources.add(session, kind=kind, name=chosen, address=address, now=now)
            audit.note(session, who, "source added", f"source {chosen}", now=now, kind=kind.value)
            return _present(session, chosen)
    except IntegrityError:
        raise UsageError(f"a source named {chosen!r} was added just now: choose another") from None


def set_state(context: Context, who: str, name: str, state: str, *, was: str = "") -> SourceRow:
    """Pause, resume, remove or bring back a source.

    With `was` only from that state. What it is already stays so, and is no change. Raises `UnknownName`,
    `UsageError`, and `Conflict` where it is in another state than the one that was seen.
    """
    for said in (state, was or state):
        if said not in STATES:
            raise UsageError(f"a source is {', '.join(STATES)}, and never {said[:20]!r}")
    now = context.clock()
    with context.database.write() as session:
        row = _present(session, name)
        if row.state == "removed" != was:
            raise UnknownName(f"{name} was removed: bring it back, or add it anew")
        if row.state == state:
            return row
        if row.kind is SourceKind.FOLDER and not row.plan.address and state == "active":
            raise UsageError(f"{name} holds pages that were brought by hand: it is never fetched")
        same = source_rows.set_state(session, row.id, state, was=was or row.state)
        if not same:
            raise Conflict(f"{name} is {row.state} by now: load the page again")
        done = "source brought back" if row.state == "removed" else DONE[state]
        audit.note(session, who, done, f"source {name}", now=now, was=row.state)
        return _present(session, name)


def replan(
    context: Context, who: str, name: str, plan: Plan, *, seen: Plan, here: bool = False
) -> SourceRow:
    """Change a source's address and schedule from what was `seen`.

    Raises `UnknownName`, `UsageError`, and `Conflict` where somebody changed it meanwhile.
    """
    now = context.clock()
    before = get(context, name)
    address = seen.address
    if plan.address != seen.address:
        address = sound_address(context, before.kind, plan.address, here=here)
    sound = _sound_plan(plan, address)
    with context.database.write() as session:
        row = source_rows.row(session, name, lock=True)
        if row is None or row.state == "removed":
            raise UnknownName(f"no source is named {name!r}, or it was removed")
        if row.plan == sound:
            return row
        if row.plan != seen:
            raise Conflict(f"{name} was changed meanwhile: load the page again")
        source_rows.replan(session, row.id, sound, was=row.plan)
        audit.note(
            session, who, "source planned anew", f"source {name}", now=now, **_changes(seen, sound)
        )
        return _present(session, name)


def fetch_now(context: Context, who: str, name: str = "") -> list[Ring]:
    """The active source of that name has its turn now, even a failing one; all of them without a name.

    Raises `UnknownName`, and `UsageError` for one that is not active.
    """
    now = context.clock()
    with context.database.write() as session:
        if name and (row := _present(session, name)).state != "active":
            raise UsageError(f"{name} is {row.state}: resume it, and it is fetched at once")
        keys = source_rows.hurry(session, name)
        subject = f"source {name}" if name else f"{len(keys)} sources"
        audit.note(session, who, "fetched now", subject, now=now)
    return [Ring(Step.FETCH, key, key) for key in keys]


def fetch_rings(row: SourceRow) -> list[Ring]:
    """What wakes the workers for a source that may have its turn now."""
    return [Ring(Step.FETCH, row.id, row.id)] if row.state == "active" else []


def sound_address(context: Context, kind: SourceKind, address: str, *, here: bool) -> str:
    """An address as it is kept. Raises `UsageError` with what is wrong with it, as far as can be seen."""
    address = address.strip()
    if not address.isprintable() or len(address) > ADDRESS_MOST:
        raise UsageError(f"an address has {ADDRESS_MOST} characters at most, all of them printable")
    if kind is SourceKind.FOLDER:
        return _sound_folder(address, here=here)
    if not address and kind is not SourceKind.HF:
        raise UsageError(f"a source of kind {kind} needs an address")
    if address:
        try:
            _dialled(feed_url(address) if kind is SourceKind.ARXIV else address, context)
        except SourceRefused as error:
            raise UsageError(str(error)) from None
    return address


def named_by(kind: SourceKind, address: str) -> str:
    """A name for a source that was given none."""
    made = f"{kind}-{Path(address).name}".strip("-").lower()
    return re.sub(r"[^\w.+-]+", "-", made).strip("-.")[:NAME_MOST]


def _sound_name(name: str) -> str:
    """A name that can stand in an address of ours, in a table and in a log."""
    name = name.strip()
    fit = name.isprintable() and len(name) <= NAME_MOST and not re.search(r"[/\\]", name)
    if not fit or name.lower() == "new" or not name.strip("."):
        raise UsageError(
            f"{name[:NAME_MOST]!r} is no name for a source: use letters, digits, dashes and dots, "
            f"{NAME_MOST} at most, and not the word new"
        )
    return name


def _sound_folder(address: str, *, here: bool) -> str:
    if not here:
        raise UsageError(FOLDERS)
    if not address:
        raise UsageError("a source of kind folder needs an address")
    path = Path(address).expanduser().resolve()
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    return str(path)


def _dialled(url: str, context: Context) -> None:
    """Raises `SourceRefused` for what would not be dialled; a name that leads nowhere yet may do so later.

    It is asked again whenever the source is fetched: what is said here is a courtesy.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise SourceRefused(f"{url[:200]!a} is no url ({error})") from None
    if not port or not parts.hostname:
        raise SourceRefused(f"{url[:200]!a} is no http or https url")
    if parts.username is not None or parts.password is not None:
        raise SourceRefused(f"{parts.hostname}: credentials in urls are not sent: leave them out")
    if context.settings.allow_private:
        return
    try:
        found = resolve(parts.hostname, port) if port in PORTS else []
    except (OSError, UnicodeError):
        return
    judge(parts.hostname, port, found)


def _sound_plan(plan: Plan, address: str) -> Plan:
    if not OFTEN <= plan.every_minutes <= SELDOM:
        raise UsageError(f"a source has a turn every {OFTEN} to {SELDOM} minutes")
    if not set(plan.days) <= set("1234567"):
        raise UsageError("weekdays are digits from 1 (Monday) to 7, like 12345 for workdays")
    return Plan(
        address=address,
        every_minutes=plan.every_minutes,
        days="".join(sorted(set(plan.days))),
        holidays=_sound_days(plan.holidays),
    )


def _sound_days(said: Iterable[str]) -> tuple[str, ...]:
    days = sorted({text.strip() for text in said if text.strip()})
    for text in days:
        if not _is_day(text):
            raise UsageError(
                f"{text[:40]!r} is no day: write holidays like 2026-12-24, or 12-24 for every year"
            )
    if len(days) > HOLIDAYS_MOST:
        raise UsageError(f"a source keeps {HOLIDAYS_MOST} holidays at most")
    return tuple(days)


def _is_day(text: str) -> bool:
    whole = text if len(text) > len("12-24") else f"2024-{text}"  # a leap year
    try:
        return date.fromisoformat(whole).isoformat() == whole
    except ValueError:
        return False


def _changes(seen: Plan, plan: Plan) -> dict[str, object]:
    """What is new, by its name; of a list of days their number says enough."""
    changed: dict[str, object] = {}
    for part in ("address", "every_minutes", "days"):
        if getattr(seen, part) != getattr(plan, part):
            changed[part] = getattr(plan, part)
    if seen.holidays != plan.holidays:
        changed["holidays"] = len(plan.holidays)
    return changed


def _present(session: Session, name: str) -> SourceRow:
    row = source_rows.row(session, name)
    if row is None:
        known = ", ".join(one.name for one in source_rows.rows(session) if one.state != "removed")
        raise UnknownName(f"no source is named {name!r} (known: {known or 'none'})")
    return row
