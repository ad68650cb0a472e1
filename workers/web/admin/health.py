"""The first page of the morning: all is well, or what is not and where it is mended. And all alarms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from tasks.office import telling
from tasks.office.alarms import alarms, place, title
from tasks.office.picture import Picture, SourceHealth, look
from tasks.records import SourceKind, Step
from tasks.store import alarms as store
from tasks.store import health, trends
from workers import queues
from workers.web.admin.door import Viewer, admin_page, viewer
from workers.web.admin.paths import Before
from workers.web.admin.trends import plots
from workers.web.doors import LOOKING
from workers.web.page import Face, Means

PER_PAGE = 50

router = APIRouter(dependencies=[Depends(viewer)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A step: what it did today, what waits there since when, and what went wrong, by name."""

    step: Step
    done: int
    unit: str
    waiting: int
    since: datetime | None
    bad: tuple[tuple[str, int], ...] = ()


@router.api_route("/admin", methods=LOOKING)
def home(request: Request, face: Means, who: Viewer) -> HTMLResponse:
    """Everything, with the trends of the last weeks."""
    now = face.clock()
    with face.database.read() as session:
        days = trends.by_day(session, health.midnight(now).date())
    values = _now(face, now) | {"days": days, "plots": plots(days)}
    return admin_page(request, who, "health", **values)


@router.api_route("/admin/now", methods=LOOKING)
def renewed(request: Request, face: Means, who: Viewer) -> HTMLResponse:
    """What changes from minute to minute, for a page that is open."""
    return admin_page(request, who, "_health", **_now(face, face.clock()))


@router.api_route("/admin/alarms", methods=LOOKING)
def every(request: Request, face: Means, who: Viewer, before: Before = None) -> HTMLResponse:
    """The alarms that are open, and those that were."""
    with face.database.read() as session:
        standing = store.standing(session)
        past = store.history(session, PER_PAGE + 1, before=before)
        by_mail = bool(telling.addresses(face.settings, session))
    shown = past[:PER_PAGE]
    return admin_page(
        request,
        who,
        "alarms",
        standing=standing if before is None else [],
        past=shown,
        older=shown[-1].id if len(past) > PER_PAGE else None,
        first=before is None,
        heard=by_mail or bool(face.settings.alarm_webhook.get_secret_value()),
        place=place,
        title=title,
    )


def _now(face: Face, now: datetime) -> dict[str, Any]:
    picture = look(face.context)
    found = alarms(picture, now)
    with face.database.read() as session:
        raised = {row.key: row.raised_at for row in store.standing(session)}
        suppressed = health.suppressed(session)
    return {
        "picture": picture,
        "found": found,
        "raised": raised,
        "suppressed": suppressed,
        "stations": stations(picture),
        "queues": queues.lengths(face.settings.broker),
        "waiting": {step: work for step, work in picture.waiting.items() if work.number},
        "place": place,
        "title": title,
        "gap": gap,
    }


def stations(picture: Picture) -> list[Station]:
    """The six steps in order."""
    came = [one.today for one in picture.sources]
    today, mails = picture.today, picture.mails
    lagging = picture.waiting[Step.SCORE].number
    failing = sum(one.row.failures > 0 for one in picture.sources if one.row.state == "active")
    aside, refused = sum(one.quarantined for one in came), sum(one.rejected for one in came)
    made = [
        (Step.FETCH, sum(one.pages for one in came), "pages", {"sources failing": failing}),
        (
            Step.PARSE,
            sum(one.new for one in came),
            "new papers",
            {"in quarantine": aside, "items rejected": refused},
        ),
        (Step.SCORE, picture.shards - lagging, f"of {_shards(picture.shards)} up to date", {}),
        (Step.COMPOSE, today.composed, f"of {today.due} digests", {"dead": picture.dead_digests}),
        (Step.RENDER, today.rendered, "mails written", {}),
        (
            Step.DELIVER,
            today.sent,
            "sent",
            {state: mails.get(state, 0) for state in ("unsure", "dead")},
        ),
    ]
    return [
        Station(
            step=step,
            done=done,
            unit=unit,
            waiting=picture.waiting[step].number,
            since=picture.waiting[step].since,
            bad=tuple((name, number) for name, number in bad.items() if number),
        )
        for step, done, unit, bad in made
    ]


def _shards(number: int) -> str:
    return f"{number} shard{'' if number == 1 else 's'}"


def gap(one: SourceHealth) -> str:
    """The address of a plan that brings in the days which a source is missing; empty where none can."""
    if not one.expected.missing or one.row.kind is not SourceKind.HF:
        return ""
    days = one.expected.missing
    asked = {"first": days[0], "last": days[-1], "source": one.row.name, "stage": "fetch"}
    return f"/admin/runs/new?{urlencode(asked)}"
