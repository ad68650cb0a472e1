"""What wants an admin now, and what to do about it. Pure: a function of the picture and the clock.

One cause, one alarm: while nobody works, what lags for it is no news. Nothing flaps: what was raised is
cleared well below the line at which it is raised, and what goes by the clock is raised only once somebody
has looked for a while, since a machine that slept finds everything late.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

from tasks.office.picture import Picture, Process, SourceHealth
from tasks.records import Step
from tasks.redact import masked
from tasks.store.alarms import Found
from tasks.store.health import midnight

GB = 10**9
ERROR_MOST = 200  # characters of what a stranger's server said
KINDS = {
    "beat": "The beat is silent",
    "worker": "No worker works",
    "late": "A source is late",
    "failing": "A source fails",
    "quarantine": "Pages could not be read",
    "lag": "A step lags",
    "queue": "The queue grows",
    "day": "No digest went out",
    "door": "The mail server cannot be used",
    "unsure": "Mails may or may not have arrived",
    "dead": "Work failed at every try",
    "disk": "The disk is nearly full",
}
PLACES = {
    "late": "/admin/sources/{}",
    "failing": "/admin/sources/{}",
    "quarantine": "/admin/sources/{}",
    "unsure": "/admin/deliveries?state=unsure",
    "dead": "/admin/dead",
}
SILENCE = ("beat", "worker")
BY_THE_CLOCK = ("late", "lag", "queue", "day", *SILENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Where the lines are. An alarm that stands is cleared at the lower one of two."""

    settle: timedelta = timedelta(minutes=10)
    silent: timedelta = timedelta(minutes=3)
    heard: timedelta = timedelta(minutes=1)
    failing: int = 3
    lags: Mapping[Step, timedelta] = field(
        default_factory=lambda: {
            Step.FETCH: timedelta(hours=1),
            Step.PARSE: timedelta(minutes=15),
            Step.SCORE: timedelta(minutes=30),
            Step.COMPOSE: timedelta(minutes=45),  # digests wait a quarter of an hour for papers
            Step.RENDER: timedelta(minutes=15),
            Step.DELIVER: timedelta(minutes=30),
        }
    )
    door: timedelta = timedelta(minutes=5)
    disk_share: float = 0.05
    disk_least: int = GB // 2
    disk_most: int = 5 * GB
    queue_least: int = 500
    queue_rises: int = 3
    readers_least: int = 10


RULES = Rules()


def alarms(picture: Picture, now: datetime, rules: Rules = RULES) -> list[Found]:
    """Everything that wants an admin, in the order of the round's way: causes before what comes of them."""
    silent = list(_silence(picture, now, rules))
    door = list(_door(picture, now, rules))
    lags = _lags(picture, now, rules, shut=bool(door))
    sources = _sources(picture, rules)
    found = [*silent, *sources, *lags, *_queue(picture, rules), *_day(picture, now, rules), *door]
    found += [*_mails(picture), *_disk(picture, rules)]
    settled = picture.watched is None or now - picture.watched >= rules.settle
    return [one for one in found if _may(one, picture, settled=settled, silent=bool(silent))]


def _may(one: Found, picture: Picture, *, settled: bool, silent: bool) -> bool:
    if one.kind not in BY_THE_CLOCK or one.key in picture.standing:
        return True
    return settled and (one.kind in SILENCE or not silent)


def place(key: str) -> str:
    """The page of the admin's where the thing can be mended."""
    kind, _, subject = key.partition(":")
    return PLACES.get(kind, "/admin").format(quote(subject, safe=""))


def title(kind: str) -> str:
    """A kind of alarm in words."""
    return KINDS.get(kind, kind)


# --- processes -------------------------------------------------------------------------------------
def _silence(picture: Picture, now: datetime, rules: Rules) -> Iterator[Found]:
    """The tick is a worker's work that the beat asks for: its silence alone does not say whose it is."""
    if not picture.processes:
        return  # nobody runs the service here: rounds are asked for by hand
    beats, workers = _of("beat", picture), _of("worker", picture)
    ticks = _fresh("beat", picture.tick, now, picture, rules)
    beat = _fresh("beat", _newest(beats), now, picture, rules)
    worker = _fresh("worker", _newest(workers), now, picture, rules)
    if not worker and (workers or (beat and not ticks)):
        yield Found(
            "worker",
            "worker",
            f"No worker has shown life {_since(_newest(workers) or picture.tick)}: nothing is "
            "fetched, scored or sent.",
            "Start one: paperround up --role worker (or the whole service: paperround up), and see its log.",
        )
    if (not beat and (beats or not ticks)) or (beat and worker and not ticks):
        yield Found(
            "beat",
            "beat",
            f"Nobody has looked for due work {_since(picture.tick)}: no round begins.",
            "Start the beat: paperround up --role beat (or the whole service: paperround up). If it runs, "
            "ask paperround doctor about the broker.",
        )


def _of(role: str, picture: Picture) -> list[Process]:
    return [one for one in picture.processes if one.role == role]


def _newest(processes: list[Process]) -> datetime | None:
    return max((one.at for one in processes), default=None)


def _fresh(key: str, at: datetime | None, now: datetime, picture: Picture, rules: Rules) -> bool:
    limit = rules.heard if key in picture.standing else rules.silent
    return at is not None and now - at <= limit


# --- sources ---------------------------------------------------------------------------------------
def _sources(picture: Picture, rules: Rules) -> Iterator[Found]:
    for one in picture.sources:
        if one.row.state == "active":
            yield from _source(one, picture, rules)


def _source(one: SourceHealth, picture: Picture, rules: Rules) -> Iterator[Found]:
    name, key = one.row.name, f"failing:{one.row.name}"
    late, failures = one.expected.late, one.row.failures
    check = f"paperround sources test {shlex.quote(name)}"
    if failures >= rules.failing or (failures and key in picture.standing):
        yield Found(
            key,
            "failing",
            f"The source {name} failed {_times(failures)}.",
            f"Try it by itself: {check}. If it has moved, correct its address; if it is gone, pause it.",
            _said(one.row.error),
        )
    if late is not None:
        days = f"--from {late} --to {one.expected.missing[-1] if one.expected.missing else late}"
        yield Found(
            f"late:{name}",
            "late",
            f"The source {name} has brought no papers of {_day_name(late)}.",
            f"Look what it says: {check}. When it has them, bring the days in: paperround reprocess {days} "
            f"--stage fetch --source {shlex.quote(name)}. If it kept a holiday, note that as one of its "
            "holidays.",
        )
    if one.quarantined:
        yield Found(
            f"quarantine:{name}",
            "quarantine",
            f"{_count(one.quarantined, 'page')} of {name} could not be read.",
            "See the page and its reason; its bytes are kept, and it can be parsed again or dropped.",
            _said(one.reason),
        )


# --- work ------------------------------------------------------------------------------------------
def _lags(picture: Picture, now: datetime, rules: Rules, *, shut: bool) -> Iterator[Found]:
    for step, limit in rules.lags.items():
        work, key = picture.waiting.get(step), f"lag:{step.value}"
        line = limit / 2 if key in picture.standing else limit
        if work is None or work.since is None or now - work.since <= line:
            continue
        if step is Step.DELIVER and shut and key not in picture.standing:
            continue  # the door is the cause, and told
        yield Found(
            key,
            "lag",
            f"{_count(work.number, 'piece')} of work to {step.value} {_have(work.number)} waited "
            f"{_since(work.since)} or longer.",
            "See in the worker's log what it works on; with more to do than one can, start another: "
            "paperround up --role worker.",
        )


def _queue(picture: Picture, rules: Rules) -> Iterator[Found]:
    depths = (*picture.depths, picture.depth)
    last = depths[-rules.queue_rises - 1 :]
    rises = len(last) > rules.queue_rises and all(a < b for a, b in pairwise(last))
    deep = picture.depth >= rules.queue_least
    stays = "queue" in picture.standing and picture.depth >= rules.queue_least / 2
    if (deep and rises) or stays:
        yield Found(
            "queue",
            "queue",
            f"{picture.depth} pieces of work wait, and more come than are done.",
            "Start another worker (paperround up --role worker), or raise PAPERROUND_CONCURRENCY.",
        )


def _day(picture: Picture, now: datetime, rules: Rules) -> Iterator[Found]:
    """No digest went out though readers were due: none that was written, or for no good reason none was.

    That a single reader of narrow interests has an empty day is no fault, nor a day without news after a
    weekend or a holiday.
    """
    today, begin = picture.today, midnight(now)
    sent = picture.last_sent is not None and picture.last_sent >= begin
    stuck = today.ripe > today.ripe_empty
    news_days = any(one.expected.today and one.expected.yesterday for one in picture.sources)
    hollow = news_days and (today.news == 0 or today.ripe >= rules.readers_least)
    stays = "day" in picture.standing and bool(picture.readers.get("active"))
    if not sent and (stays or (today.ripe and (stuck or hollow))):
        why = "were not handed over" if stuck else "are all empty"
        yield Found(
            "day",
            "day",
            f"No digest has gone out {_since(picture.last_sent)}, though readers were due: those of "
            f"today {why}.",
            "Go along the steps on the health page: the first one that stands still is the cause. To see one "
            "reader's day: paperround profiles why, or their page.",
        )


# --- mails and machine -----------------------------------------------------------------------------
def _door(picture: Picture, now: datetime, rules: Rules) -> Iterator[Found]:
    """The door opens by the clock to be tried again: that alone says nothing of the server."""
    since = picture.open_mails.since
    shut = picture.door is not None and now < picture.door + rules.door
    waits = since is not None and now - since >= rules.door
    if shut and (waits or ("door" in picture.standing and since is not None)):
        yield Found(
            "door",
            "door",
            f"The mail server cannot be used, and {_count(picture.open_mails.number, 'mail')} "
            f"{_wait(picture.open_mails.number)}.",
            "Ask paperround doctor, and set PAPERROUND_SMTP_URL right or start the server. No mail is lost: "
            "each is tried again every two minutes until it is stale.",
            _said(picture.door_says),
        )


def _mails(picture: Picture) -> Iterator[Found]:
    unsure = picture.mails.get("unsure", 0)
    if unsure:
        yield Found(
            "unsure",
            "unsure",
            f"{_count(unsure, 'mail')} may or may not have arrived; none is sent again unasked.",
            "Look for the Message-IDs in the mail server's log, then decide: it arrived, or send it again.",
        )
    dead = picture.mails.get("dead", 0) + picture.dead_digests
    if dead:
        yield Found(
            "dead",
            "dead",
            f"{_count(dead, 'digest or mail', 'digests or mails')} failed at every try.",
            "See the error of each, mend its cause, then retry or drop it.",
        )


def _disk(picture: Picture, rules: Rules) -> Iterator[Found]:
    if picture.disk is None:
        return
    share = int(picture.disk.total * rules.disk_share)
    line = max(rules.disk_least, min(share, rules.disk_most))
    if picture.disk.free < line * (1.2 if "disk" in picture.standing else 1):
        yield Found(
            "disk",
            "disk",
            f"{picture.disk.free / GB:.1f} GB of {picture.disk.total / GB:.0f} GB are free where the state "
            "lies.",
            "Make room, or move PAPERROUND_HOME to a larger disk.",
        )


# --- words -----------------------------------------------------------------------------------------
def _said(error: str) -> str:
    """What somebody else's program said, in one short line and without anybody's address."""
    words = " ".join(masked(error).split())
    return words if len(words) <= ERROR_MOST else f"{words[:ERROR_MOST]}…"


def _since(at: datetime | None) -> str:
    return "yet" if at is None else f"since {at:%H:%M} UTC on {_day_name(at.date())}"


def _day_name(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _count(number: int, thing: str, things: str = "") -> str:
    return f"{number} {thing if number == 1 else things or f'{thing}s'}"


def _times(number: int) -> str:
    return "at its last turn" if number == 1 else f"{number} times in a row"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _wait(number: int) -> str:
    return "waits" if number == 1 else "wait"
