"""`/metrics`: what the health page shows, as Prometheus reads it.

All of it is counted in the database when it is asked for, by queries whose number does not grow, so that
every web face of a cluster says the same. Whoever reads it shows the token of the settings or an admin's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from tasks.office import entering
from tasks.office.alarms import KINDS, RULES, alarms
from tasks.office.picture import ROLES, Picture, look
from tasks.settings import PREFIX
from tasks.store import entries, health
from workers import queues
from workers.web.admin import door
from workers.web.api.careful import bearer_of
from workers.web.doors import LOOKING
from workers.web.page import Face, Means

router = APIRouter()

MAILS = (
    "ready",
    "deferred",
    "claimed",
    "armed",
    "sent",
    "failed",
    "unsure",
    "suppressed",
    "expired",
    "dead",
    "dropped",
)
READERS = ("pending", "active", "paused", "unsubscribed")
CLOSED = (
    f"Show the token of {PREFIX}METRICS_TOKEN or an admin's key, as Authorization: Bearer …, or sign in "
    "as an admin.\n"
)


@router.api_route("/metrics", methods=LOOKING)
def metrics(request: Request, face: Means) -> Response:
    """Everything, in the text format of Prometheus; a 401 for who may not see it."""
    if not _may(request, face):
        return PlainTextResponse(CLOSED, 401, {"WWW-Authenticate": 'Bearer realm="paperround"'})
    registry = CollectorRegistry()
    registry.register(_Now(face))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may(request: Request, face: Face) -> bool:
    shown = bearer_of(request)
    if shown is None:
        return door.visitor_of(request, face) is not None
    token = face.settings.metrics_token.get_secret_value()
    own, theirs = sha256(token.encode()).digest(), sha256(shown.encode()).digest()
    fits = compare_digest(own, theirs)
    return bool(token and fits) or entering.key_owner(face.context, shown) is not None


@dataclass(frozen=True, slots=True)
class _Now(Collector):
    """What stands there at the moment of asking."""

    face: Face

    def collect(self) -> Iterable[Metric]:
        """All families."""
        now, picture = self.face.clock(), look(self.face.context)
        with self.face.database.read() as session:
            arrivals, size = entries.arrivals(session), health.size(session)
        yield CounterMetricFamily(
            "paperround_papers", "Papers that came as news, since the beginning.", arrivals
        )
        yield _one("paperround_database_bytes", "Size of the database.", size)
        info = {version("paperround"): 1}
        yield _many("paperround_version", "The version that runs.", "version", info)
        yield from _broker(queues.lengths(self.face.settings.broker))
        yield from _work(picture, now)
        yield from _sources(picture)
        yield from _people(picture)
        yield from _machine(picture, now)
        raised = dict.fromkeys(KINDS, 0)
        for one in alarms(picture, now):
            raised[one.kind] += 1
        yield _many("paperround_alarms", "What wants an admin now.", "kind", raised)


def _broker(found: Mapping[str, int] | None) -> Iterator[Metric]:
    yield _one("paperround_broker_up", "Whether the broker answers.", found is not None)
    words = "Messages in the broker: doorbells, not work."
    yield _many("paperround_broker_messages", words, "queue", found or {})


def _work(picture: Picture, now: datetime) -> Iterator[Metric]:
    waiting = {step.value: work.number for step, work in picture.waiting.items()}
    lags = {
        step.value: (now - work.since).total_seconds() if work.since else 0
        for step, work in picture.waiting.items()
    }
    today = picture.today
    digests = {
        "due": today.due,
        "composed": today.composed,
        "rendered": today.rendered,
        "sent": today.sent,
    }
    runs = dict.fromkeys(health.RUNNING, 0)
    for run in picture.runs:
        runs[run.state] += 1
    yield _many("paperround_waiting", "Work that waits at each step.", "step", waiting)
    yield _many(
        "paperround_oldest_waiting_seconds", "For how long the oldest has waited.", "step", lags
    )
    yield _many("paperround_digests_today", "Digests due since midnight UTC.", "stage", digests)
    yield _one("paperround_dead_digests", "Digests that failed at every try.", picture.dead_digests)
    yield _one("paperround_shards", "Shards of readers.", picture.shards)
    yield _many("paperround_runs", "Backlog runs under way.", "state", runs)


def _sources(picture: Picture) -> Iterator[Metric]:
    active = [one for one in picture.sources if one.row.state == "active"]
    failures = {one.row.name: one.row.failures for one in active}
    late = {one.row.name: one.expected.late is not None for one in active}
    missing = {one.row.name: len(one.expected.missing) for one in active}
    fetched = {one.row.name: _stamp(one.row.fetched_at) for one in active if one.row.fetched_at}
    new = {one.row.name: one.today.new for one in active}
    aside = {one.row.name: one.quarantined for one in active}
    for name, words, values in (
        ("failures", "Turns in a row that failed.", failures),
        ("late", "Whether an expected edition did not come in time.", late),
        ("missing_days", "Expected days of the last two weeks that never came.", missing),
        ("last_fetch_timestamp_seconds", "When a turn went well for the last time.", fetched),
        ("new_papers_today", "New papers since midnight UTC.", new),
        ("quarantined_pages", "Pages of the last days that could not be read.", aside),
    ):
        yield _many(f"paperround_source_{name}", words, "source", values)


def _people(picture: Picture) -> Iterator[Metric]:
    mails = {state: picture.mails.get(state, 0) for state in MAILS}
    readers = {state: picture.readers.get(state, 0) for state in READERS}
    yield _many("paperround_deliveries", "Mails by state, since the beginning.", "state", mails)
    yield _many("paperround_readers", "Readers by state.", "state", readers)


def _machine(picture: Picture, now: datetime) -> Iterator[Metric]:
    alive, seen = dict.fromkeys(ROLES, 0), dict.fromkeys(ROLES, 0.0)
    for one in picture.processes:
        alive[one.role] += now - one.at <= RULES.silent
        seen[one.role] = max(seen[one.role], _stamp(one.at))
    closed = picture.door is not None and now < picture.door
    yield _many("paperround_processes", "Processes that show life.", "role", alive)
    words = "When a process of the role last showed life."
    yield _many("paperround_process_seen_timestamp_seconds", words, "role", seen)
    for name, words, at in (
        ("tick", "When somebody last looked for due work.", picture.tick),
        ("sent", "When the last digest was handed over.", picture.last_sent),
    ):
        yield _one(f"paperround_last_{name}_timestamp_seconds", words, _stamp(at) if at else 0)
    yield _one("paperround_mail_door_closed", "Whether the mail server cannot be used.", closed)
    if picture.disk:
        yield _one("paperround_disk_free_bytes", "Free where the home lies.", picture.disk.free)
        yield _one("paperround_disk_bytes", "Size of that disk.", picture.disk.total)


def _one(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=float(value))


def _many(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), float(value))
    return family


def _stamp(at: datetime) -> float:
    return at.timestamp()
