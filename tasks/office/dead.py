"""Dead letters, by an admin's hand: work that was given up is tried again or dropped, singly and in bulk.

Trying again keeps the promises. A digest whose day is over is not made any more, a mail that may have been
accepted is not sent again, and one whose papers were set free neither: each refusal says the way out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from tasks import redact
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.hours import is_zone, zone
from tasks.office import deliveries
from tasks.office.many import MANY_MOST, Done, Many, batches, must_be
from tasks.records import Ring, Step
from tasks.round.context import Context
from tasks.store import audit, dead, pages, readers, source_rows
from tasks.store.dead import KINDS, Dead, Wanted

ERROR_MOST = 200  # characters of what an error is looked for
OLDER_MOST = timedelta(days=3650)
BY_OPERATORS = "errors may quote addresses: operators look for words in them"
Act = Callable[[Session, Dead, datetime], Ring | None]


def sound(kind: str = "", error: str = "", older: timedelta = timedelta()) -> Wanted:
    """What is wanted, as it was typed. Raises `UsageError`."""
    if kind not in ("", *KINDS):
        raise UsageError(f"there is no kind {kind[:20]!r}: there are {', '.join(KINDS)}")
    error = error.strip()
    if "\0" in error or len(error) > ERROR_MOST:
        raise UsageError(f"an error is looked for by {ERROR_MOST} characters at most")
    if not timedelta() <= older <= OLDER_MOST:
        raise UsageError(f"an age is 0 to {OLDER_MOST.days} days")
    return Wanted(kind=kind, error=error, older=older)


def listed(
    context: Context,
    wanted: Wanted,
    limit: int,
    *,
    after: tuple[str, int] | None = None,
    whole: bool = True,
) -> list[Dead]:
    """Dead letters, kind by kind and the newest first, after the one that is named.

    Who may not see addresses `whole` sees them masked, and may not look for words. Raises `UsageError`.
    """
    _may_look(wanted, whole)
    if after is not None and after[0] not in KINDS:
        raise UsageError(f"there is no kind {after[0][:20]!r}")
    with context.database.read() as session:
        found = dead.rows(session, wanted, limit, now=context.clock(), after=after)
    return found if whole else [_masked(one) for one in found]


def counts(context: Context, wanted: Wanted, *, whole: bool = True) -> dict[str, int]:
    """How many there are, by kind. Raises `UsageError`."""
    _may_look(wanted, whole)
    with context.database.read() as session:
        return dead.counts(session, wanted, now=context.clock())


def one(context: Context, kind: str, key: int, *, whole: bool = True) -> Dead:
    """One dead letter. Raises `UnknownName` where it is none (any more)."""
    with context.database.read() as session:
        found = dead.one(session, kind, key, now=context.clock())
    if found is None:
        raise UnknownName(f"there is no dead {kind[:20]} {key} (any more)")
    return found if whole else _masked(found)


def many(context: Context, wanted: Wanted) -> Many:
    """Those that are wanted, up to `MANY_MOST`: what `retry_all` and `drop_all` would be about."""
    with context.database.read() as session:
        return Many.of(dead.keys(session, wanted, MANY_MOST, now=context.clock()))


def retry(context: Context, who: str, kind: str, key: int) -> list[Ring]:
    """Try one again. Raises `UnknownName` where it is no dead letter, and `UsageError` where it must not be."""
    ring = _one(context, who, kind, key, act=_retried, said="dead letter retried")
    return [] if ring is None else [ring]


def drop(context: Context, who: str, kind: str, key: int) -> None:
    """Give one up for good; its row stays as `dropped`. Raises as `retry` does."""
    _one(context, who, kind, key, act=_dropped, said="dead letter dropped")


def retry_all(context: Context, who: str, wanted: Wanted, mark: str) -> Done:
    """Try all that are wanted again, if they are those that were seen. Raises `Conflict`."""
    return _all(context, who, wanted, mark, act=_retried, said="dead letters retried")


def drop_all(context: Context, who: str, wanted: Wanted, mark: str) -> Done:
    """Give all that are wanted up, if they are those that were seen. Raises `Conflict`."""
    return _all(context, who, wanted, mark, act=_dropped, said="dead letters dropped")


def _one(context: Context, who: str, kind: str, key: int, *, act: Act, said: str) -> Ring | None:
    now = context.clock()
    with context.database.write() as session:
        found = dead.one(session, kind, key, now=now, lock=True)
        if found is None:
            raise UnknownName(f"there is no dead {kind[:20]} {key} (any more)")
        ring = act(session, found, now)
        audit.note(session, who, said, f"{kind} {key}", now=now, error=_short(found.error))
    return ring


def _all(context: Context, who: str, wanted: Wanted, mark: str, *, act: Act, said: str) -> Done:
    with context.database.read() as session:
        keys = dead.keys(session, wanted, MANY_MOST, now=context.clock())
    must_be(keys, mark)
    done = Done()
    for some in batches(keys):
        with context.database.write() as session:
            now, acted = context.clock(), []
            for kind, key in some:
                found = dead.one(session, kind, key, now=now, lock=True)
                try:
                    if found is None:
                        raise Conflict("it is no dead letter any more")
                    done.count(act(session, found, now))
                except UsageError as error:  # raised before a word is written
                    done.refuse(str(error))
                else:
                    acted.append(f"{kind} {key}")
            if acted:
                told = {"error": _short(wanted.error), "which": acted}
                audit.note(session, who, said, f"{len(acted)} dead letters", now=now, **told)
    return done


# --- trying again ----------------------------------------------------------------------------------
def _retried(session: Session, found: Dead, now: datetime) -> Ring | None:
    match found.kind:
        case "page":
            pages.again(session, found.id, now)
            return Ring(Step.PARSE, found.id, found.id)
        case "digest":
            _make_again(session, found, now)
            return Ring(Step.COMPOSE, found.id, found.id)
        case "delivery":
            deliveries.send_again(session, found.id, now)
            return Ring(Step.DELIVER, found.id, found.id)
        case "shard":
            dead.wake_shard(session, found.id)
            return Ring(Step.SCORE, found.id, found.id)
        case "source":
            source_rows.hurry(session, str(found.payload["source"]))
            return Ring(Step.FETCH, found.id, found.id)
        case _:
            raise UsageError("pieces of a backlog run are tried again from the page of their run")


def _make_again(session: Session, found: Dead, now: datetime) -> None:
    """A dead digest is planned once more, if its day is not over and somebody waits for it."""
    if found.payload["run"]:
        raise UsageError("it belongs to a backlog run: run again there what failed")
    reader = readers.get(session, int(found.payload["reader"]))
    if reader.state != "active":
        raise UsageError("its reader gets no mail now: nothing is sent to them")
    here = zone(reader.timezone if is_zone(reader.timezone) else "UTC")
    if found.payload["day"] < now.astimezone(here).date():
        raise UsageError(
            "its day is over where its reader lives: its papers may come in the next digest, and a "
            "backlog run over that day brings those that do not"
        )
    if not dead.plan_again(session, found.id, now):
        raise Conflict("it was changed meanwhile: look again")


def _dropped(session: Session, found: Dead, _: datetime) -> None:
    match found.kind:
        case "page":
            pages.drop(session, found.id)
        case "digest":
            dead.drop_digest(session, found.id)
        case "delivery":
            deliveries.drop(session, found.id)
        case "source":
            raise UsageError("a source is not dropped: pause or remove it on its page")
        case "shard":
            raise UsageError("a shard is not dropped: its readers wait for their papers")
        case _:
            raise UsageError("pieces of a backlog run are cancelled from the page of their run")


def _may_look(wanted: Wanted, whole: bool) -> None:
    if wanted.error and not whole:
        raise UsageError(BY_OPERATORS)


def _masked(one: Dead) -> Dead:
    return replace(one, error=redact.masked(one.error), recipient="")


def _short(error: str) -> str:
    """An error as the audit keeps it: without addresses."""
    return redact.masked(error)[:200]
