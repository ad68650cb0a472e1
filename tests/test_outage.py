"""Three days without network: what readers and the admin see of it, and how the days come in afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from papers import add_reader, api_json, entry
from reading_mail import opened, titles
from sqlmodel import select
from tcp_proxy import Mode, TcpProxy
from web_server import Handler, Site, reply

from tasks import models
from tasks.office import sources as hands
from tasks.office.watching import watch
from tasks.records import ParsedEntry, SourceKind
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.store import alarms, sources
from tasks.store.sources import RETRY_MOST

pytestmark = pytest.mark.slow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = date(2026, 11, 2)
TUESDAY, THURSDAY, FRIDAY, SATURDAY = (MONDAY + n * DAY for n in (1, 3, 4, 5))
READERS = {
    "ada@readers.example": ("sparse attention",),
    "bo@readers.example": ("tidal energy", "graph kernels"),
    "cy@readers.example": ("speech codecs",),
}
ITEM = """<item><title>{title}</title><link>https://arxiv.org/abs/{id}</link>
<description>arXiv:{id}v1 Announce Type: new Abstract: {abstract}</description>
<guid isPermaLink="false">oai:arXiv.org:{id}v1</guid><category>cs.LG</category></item>"""
FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>cs.LG updates</title>{}</channel></rss>'


def papers_of(day: date) -> list[ParsedEntry]:
    """Ten papers came on each weekday, two of every subject."""
    first = 10 * (day - MONDAY).days
    return [entry(n) for n in range(first, first + 10)] if day.isoweekday() < 6 else []


@dataclass
class World:
    """The daily-papers API and arXiv, behind a network that can be away."""

    site: Site
    network: TcpProxy
    today: date = MONDAY

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.network.port}"

    def answer(self, handler: Handler) -> object:
        """Each day's list from the API, and from arXiv what was announced today: some of the same."""
        asked = urlsplit(handler.path)
        if asked.path == "/rss/cs.LG":
            some = papers_of(self.today)[::2]
            items = "".join(
                ITEM.format(id=one.arxiv_id, title=one.title, abstract=one.abstract) for one in some
            )
            return reply(200, FEED.format(items).encode(), Content_Type="text/xml")(handler)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        day = date.fromisoformat(query["date"])
        found = papers_of(day) if day <= self.today and query["p"] == "0" else []
        return reply(200, api_json(*found), Content_Type="application/json")(handler)


@pytest.fixture
def world() -> Iterator[World]:
    with Site() as site, TcpProxy(site.server_port) as network:
        made = World(site, network)
        site.otherwise = made.answer
        yield made


@pytest.fixture
def house(context: Context, world: World) -> Iterator[Context]:
    """Two sources on that network, and readers who are served at seven."""
    settings = context.settings.model_copy(update={"allow_private": True})
    house = Context(settings=settings, database=context.database, clock=context.clock)
    go_to(house, moment(MONDAY, 0))
    with house.database.write() as session:
        for kind, name, path in (
            (SourceKind.HF, "daily", ""),
            (SourceKind.ARXIV, "arxiv", "/rss/cs.LG"),
        ):
            sources.add(session, kind=kind, name=name, address=world.url + path, now=house.clock())
        for email, terms in READERS.items():
            reader = add_reader(session, house.clock(), email, terms=terms, about=12, most=20)
            session.get_one(models.Reader, reader).next_digest_at = moment(MONDAY, 7)
    yield house
    house.close()


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def go_to(house: Context, at: datetime) -> None:
    house.clock.moment = at  # type: ignore[attr-defined]


def live(house: Context, world: World, since: datetime, until: datetime) -> None:
    """Every two hours whatever is due is done."""
    at = since
    while at < until:
        go_to(house, at)
        world.today = at.date()
        run_once(house, at)
        at += 2 * HOUR


def mails(house: Context) -> dict[str, dict[date, list[str]]]:
    """The titles that each reader was sent, by day."""
    found: dict[str, dict[date, list[str]]] = {email: {} for email in READERS}
    for path in (house.settings.mailbox / "new").iterdir():
        mail = opened(path.read_bytes())
        day = date.fromisoformat(path.name.partition(".")[0])
        assert day not in found[str(mail["To"])], "one digest a day"
        found[str(mail["To"])][day] = titles(mail)
    return found


def wanted(email: str, *days: date) -> set[str]:
    """What a reader would want of these days."""
    return {
        one.title for day in days for one in papers_of(day) if one.title.endswith(READERS[email])
    }


def digest_of(house: Context, day: date) -> set[tuple[str, str]]:
    with house.database.read() as session:
        rows = session.exec(select(models.Digest).where(models.Digest.day == day))
        return {(row.state, row.reason) for row in rows}


def standing(house: Context) -> set[str]:
    """What the admin is told, after somebody has looked for some minutes."""
    for _ in range(13):
        go_to(house, house.clock() + HOUR / 60)
        watch(house)
    with house.database.read() as session:
        return {row.key for row in alarms.standing(session)}


def source(house: Context, name: str) -> models.Source:
    with house.database.write() as session:
        return session.exec(select(models.Source).where(models.Source.name == name)).one()


def fetch_now(house: Context, world: World, at: datetime) -> None:
    """The admin's one button, and what the workers do then."""
    world.network.mode = Mode.PASS
    world.today = at.date()
    go_to(house, at)
    assert len(hands.fetch_now(house, "ada")) == 2
    run_once(house, at)


def test_three_days_without_network_cost_nobody_a_paper_and_bring_none_twice(
    house: Context, world: World
) -> None:
    live(house, world, moment(MONDAY, 0), moment(TUESDAY, 0))
    assert {len(days) for days in mails(house).values()} == {1}, "a good day"
    assert standing(house) == set()

    world.network.mode = Mode.REFUSE
    asked = world.network.accepted
    live(house, world, moment(TUESDAY, 0), moment(FRIDAY, 0))
    assert {len(days) for days in mails(house).values()} == {1}
    for day in (TUESDAY, TUESDAY + DAY, THURSDAY):
        [(state, reason)] = digest_of(house, day)
        assert (state, reason) == ("empty", "no new papers came since the last digest")
    for name in ("daily", "arxiv"):
        row = source(house, name)
        assert row.attempts >= 5
        assert row.next_attempt_at is not None
        assert HOUR < row.next_attempt_at - house.clock() + HOUR <= RETRY_MOST + HOUR
        assert "127.0.0.1" in row.error
    assert world.network.accepted - asked < 40, "who is away is not asked all the time"
    assert {"failing:daily", "failing:arxiv", "late:daily"} <= standing(house)

    fetch_now(house, world, moment(FRIDAY, 5))
    assert not any(key.startswith("failing") for key in standing(house))
    live(house, world, moment(FRIDAY, 7), moment(SATURDAY, 0))
    gap = (TUESDAY, TUESDAY + DAY, THURSDAY, FRIDAY)
    for email, days in mails(house).items():
        assert set(days) == {MONDAY, FRIDAY}, "one digest over the gap"
        assert set(days[FRIDAY]) == wanted(email, *gap)
        assert max(Counter(title for found in days.values() for title in found).values()) == 1
    assert {key for key in standing(house) if "daily" in key} == set()


def test_a_network_that_comes_back_after_the_hour_fills_the_next_days_digest(
    house: Context, world: World
) -> None:
    live(house, world, moment(MONDAY, 0), moment(TUESDAY, 0))
    world.network.mode = Mode.REFUSE
    live(house, world, moment(TUESDAY, 0), moment(FRIDAY, 9))
    fetch_now(house, world, moment(FRIDAY, 9))
    live(house, world, moment(FRIDAY, 11), moment(SATURDAY, 9))
    for email, days in mails(house).items():
        assert set(days) == {MONDAY, SATURDAY}
        assert set(days[SATURDAY]) == wanted(email, TUESDAY, TUESDAY + DAY, THURSDAY, FRIDAY)


def test_without_anybodys_help_the_days_come_in_within_a_day(house: Context, world: World) -> None:
    live(house, world, moment(MONDAY, 0), moment(TUESDAY, 0))
    world.network.mode = Mode.REFUSE
    live(house, world, moment(TUESDAY, 0), moment(FRIDAY, 0))
    world.network.mode = Mode.PASS
    live(house, world, moment(FRIDAY, 0), moment(SATURDAY, 9))
    for email, days in mails(house).items():
        got = {title for day, found in days.items() if day > MONDAY for title in found}
        assert got == wanted(email, TUESDAY, TUESDAY + DAY, THURSDAY, FRIDAY)
