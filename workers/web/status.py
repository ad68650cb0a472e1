"""What stands where: the way of the papers as a row of counts, and what wants a person's attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from tasks.store import sources, watch
from workers.web.page import Means, distance, page

router = APIRouter()

TICK_LATE = timedelta(seconds=90)
Tallies = Mapping[str, Mapping[str, int]]
BAD = ("quarantined", "dead", "failed", "unsure", "expired", "paused")


@dataclass(frozen=True, slots=True)
class Station:
    """One step of the round: how much came through it, and what its rows are doing, by state."""

    step: str
    number: int
    unit: str
    states: tuple[tuple[str, int], ...]


@router.get("/status")
def status(request: Request, face: Means) -> HTMLResponse:
    """The whole picture on one page."""
    with face.database.read() as session:
        tallies = watch.tallies(session)
        listed = sources.rows(session)
        pages = watch.quarantine(session)
        tick, door = watch.pulse(session, "tick"), watch.pulse(session, "transport")
    now = face.clock()
    ticked = tick[0] if tick else None
    shut = door if door and door[0] > now else None
    return page(
        request,
        "status",
        stations=stations(tallies),
        sources=listed,
        quarantine=pages,
        tick=ticked,
        readers=tallies["reader"].get("active", 0),
        troubles=[*troubles(now, ticked, tallies, listed), *_door(now, shut)],
        bad=BAD,
    )


def stations(tallies: Tallies) -> list[Station]:
    """The six steps in order, from rows counted by table and state."""
    page_states, digest, mail = tallies["page"], tallies["digest"], tallies["delivery"]
    papers, readers = tallies["entry"], sum(tallies["reader"].values())
    read = {
        "sightings": tallies["sighting"]["kept"],
        "joined": papers["joined"],
        "items rejected": tallies["rejection"]["kept"],
    }
    unwritten = {state: number for state, number in digest.items() if state != "rendered"}
    fetched, pages = _states(tallies["source"], "source"), _states(page_states, "page")
    return [
        Station("fetch", sum(page_states.values()), "pages", fetched),
        Station("parse", papers["known"], "papers", (*pages, *_states(read))),
        Station("score", readers, "readers", _states(tallies["shard"], "shard")),
        Station("compose", sum(digest.values()), "digests", _states(unwritten)),
        Station("render", digest.get("rendered", 0), "mails", ()),
        Station("deliver", mail.get("sent", 0), "sent", _states(mail)),
    ]


def _states(counts: Mapping[str, int], of: str = "") -> tuple[tuple[str, int], ...]:
    return tuple(
        (f"{of} {state}".strip(), number) for state, number in sorted(counts.items()) if number
    )


def troubles(
    now: datetime, tick: datetime | None, tallies: Tallies, listed: list[dict[str, Any]]
) -> Iterator[str]:
    """What wants attention, a sentence each; nothing when all is well."""
    if tick is None:
        yield "Nothing has ticked yet: the beat and a worker must run (paperround up)."
    elif now - tick > TICK_LATE:
        yield f"The last tick was {distance(now, tick)}: the beat or the worker is not running."
    if not listed:
        yield "There are no sources yet, so that no paper can come in."
    for row in listed:
        if row["failures"] and row["error"]:
            yield f"The source {row['name']} failed {_times(row['failures'])}."
    quarantined = tallies["page"].get("quarantined", 0)
    if quarantined:
        yield f"{_count(quarantined, 'page')} could not be read and {_lie(quarantined)} in quarantine."
    dead = tallies["digest"].get("dead", 0) + tallies["delivery"].get("dead", 0)
    if dead:
        yield f"{_count(dead, 'digest')} failed at every try."
    unsure = tallies["delivery"].get("unsure", 0)
    if unsure:
        yield f"{_count(unsure, 'mail')} may or may not have arrived: the mail server's log knows."


def _door(now: datetime, shut: tuple[datetime, str] | None) -> Iterator[str]:
    if shut:
        yield f"The mail server cannot be used; the next try comes {distance(now, shut[0])}."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _times(number: int) -> str:
    return "at its last turn" if number == 1 else f"{number} times in a row"


def _lie(number: int) -> str:
    return "lies" if number == 1 else "lie"
