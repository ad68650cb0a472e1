"""What stands where: the way of the papers as a row of counts, and what wants a person's attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from tasks.office.alarms import alarms
from tasks.office.picture import Picture, look
from tasks.store import sources, watch
from workers.web.page import Means, page

router = APIRouter()

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
    picture = look(face.context)
    found = alarms(picture, face.clock())
    return page(
        request,
        "status",
        stations=stations(tallies),
        sources=listed,
        quarantine=pages,
        tick=picture.tick,
        readers=tallies["reader"].get("active", 0),
        # What a stranger's server said need not be everybody's to read.
        troubles=[*missing(picture), *(one.words for one in found)],
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


def missing(picture: Picture) -> Iterator[str]:
    """What a new installation has not got yet, a sentence each."""
    if picture.tick is None:
        yield "Nothing has ticked yet: the beat and a worker must run (paperround up)."
    if not picture.sources:
        yield "There are no sources yet, so that no paper can come in."
