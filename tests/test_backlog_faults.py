"""Workers die and the broker forgets while a backlog run is under way: it comes out the same."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import backlogs
import pytest
from backlogs import DAY, SECRET, Backlog, Sound
from cluster import Cluster
from servers import Postgres, Valkey
from sqlmodel import func, select

from tasks import models
from tasks.failpoints import BACKLOG
from tasks.office import runs
from tasks.office.runs import Standing
from tasks.round.backlog.question import Mail, Question
from tasks.round.backlog.working import step
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import migrate
from tasks.store.database import Database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DAYS = 6
MANY = 60  # readers who missed something: more than one piece
WISHES = [*backlogs.WISHES[:4], *[{"terms": [SECRET]}] * MANY]
KINDS = [("sqlite", 1), ("postgres", 2)]  # of databases, and how many workers there are


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@dataclass
class House:
    """A cluster whose store a faulty parser has filled, and the same store again, which nothing disturbs."""

    cluster: Cluster
    lived: Backlog
    twin: Backlog
    workers: int
    question: Question

    def look(self, code: str) -> Standing:
        return runs.look(self.lived.context, code)

    def work(self, **env: str) -> list[subprocess.Popen[bytes]]:
        return [self.cluster.worker(**env) for _ in range(self.workers)]

    def until(self, code: str, *states: str) -> Standing:
        """Tick until the run is in one of these states."""
        self.cluster.until(lambda: self.look(code).state in states)
        return self.look(code)

    def undisturbed(self) -> None:
        """The same run, done by the twin in one process."""
        context = self.twin.context
        code, _ = runs.plan(context, self.question, "ada")
        self.twin.round(datetime.now(UTC))
        runs.start(context, code, "ada")
        self.twin.round(datetime.now(UTC))
        assert runs.look(context, code).state == "done"

    def came_out_the_same(self, code: str) -> bool:
        """Papers, picks and mails are those of the run that nothing disturbed."""
        done, mails = self.look(code), mailbox(self.cluster.home)
        assert (done.state, done.report["conflicts"], done.report["failed"]) == ("done", [], [])
        assert set(mails.values()) == {1}
        assert len(mails) == MANY
        assert mails == mailbox(self.twin.context.settings.home)
        assert self.lived.told() == self.twin.told()
        return self.lived.sent() == self.twin.sent()


def mailbox(home: Path) -> Counter[str]:
    """How many mails everybody got."""
    found: Counter[str] = Counter()
    for path in (home / "mailbox" / "new").glob("*"):
        head = path.read_bytes().partition(b"\r\n\r\n")[0].decode()
        found.update(line[4:] for line in head.split("\r\n") if line.startswith("To: "))
    return found


class Now:
    """The real clock, which the days of a `Backlog` may set back."""

    moment: datetime | None = None

    def __call__(self) -> datetime:
        return self.moment or datetime.now(UTC)


class Lived:
    """Databases that a faulty parser has filled, days ago, to be copied; each is made at the first asking."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.folder = folder
        self.postgres = postgres
        self.made: set[str] = set()
        self.copies = itertools.count(1)

    def copy(self, kind: str) -> str:
        """The url of one more copy."""
        if kind not in self.made:
            self.made.add(kind)
            self.live(kind)
        number = next(self.copies)
        if kind == "postgres":
            return self.postgres.create(f"lived{number}", template="lived")
        path = shutil.copy(self.folder / "lived.db", self.folder / f"lived{number}.db")
        return f"sqlite:///{path}"

    def live(self, kind: str) -> None:
        file = f"sqlite:///{self.folder / 'lived.db'}"
        url = self.postgres.create("lived") if kind == "postgres" else file
        database = Database(url)
        migrate.upgrade(database)
        settings = Settings(home=self.folder / kind, _env_file=None)  # type: ignore[call-arg]
        settings.home.mkdir()
        backlogs.lived(database, settings, days=DAYS)
        database.close()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Lived]:
    """Days that are no news any more, and readers who missed something of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backlogs, "FIRST", datetime.now(UTC).date() - 25 * DAY)
        patch.setattr(backlogs, "WISHES", WISHES)
        yield Lived(tmp_path_factory.mktemp("lived"), postgres)


def opened(url: str, home: Path) -> Backlog:
    """A lived world as it stands today."""
    clock: Any = Now()
    settings = Settings(home=home, database_url=url, _env_file=None)  # type: ignore[arg-type,call-arg]
    found = Backlog(Context(settings=settings, database=Database(url), clock=clock), clock)
    home.mkdir(exist_ok=True)
    found.read_by(Sound())
    return found


@pytest.fixture
def house(
    request: pytest.FixtureRequest, tmp_path: Path, broker: Valkey, lived: Lived
) -> Iterator[House]:
    kind, workers = request.param
    url, other = lived.copy(kind), lived.copy(kind)
    first = backlogs.FIRST
    with Cluster(tmp_path / "house", broker=broker.url, database=url) as cluster:
        made = House(
            cluster=cluster,
            lived=opened(url, cluster.home),
            twin=opened(other, tmp_path / "twin"),
            workers=workers,
            question=Question(first=first, last=first + (DAYS - 1) * DAY, mail=Mail.ADDENDUM),
        )
        yield made
        for one in (made.lived, made.twin):
            one.context.close()
            one.context.database.close()


both = pytest.mark.parametrize("house", KINDS, indirect=True, ids=["sqlite", "postgres"])


@both
def test_a_run_comes_out_the_same_however_often_workers_die_and_the_broker_forgets(
    house: House, broker: Valkey
) -> None:
    house.undisturbed()
    code, _ = runs.plan(house.lived.context, house.question, "ada")
    deaths = Counter(killed_until(house, broker, code, "planned"))
    runs.start(house.lived.context, code, "ada")
    deaths.update(killed_until(house, broker, code, "done"))
    assert set(deaths) == set(BACKLOG), "each of the places was passed"
    assert sum(deaths.values()) >= 5
    house.work()
    house.cluster.until(lambda: sum(mailbox(house.cluster.home).values()) >= MANY)
    assert house.came_out_the_same(code)


def killed_until(house: House, broker: Valkey, code: str, state: str) -> Iterator[str]:
    """Kill workers at one place after another, and empty the broker, until the run is in that state; the
    places at which they died.
    """
    for name in itertools.cycle(BACKLOG):
        workers = house.work(PAPERROUND_FAILPOINTS=f"{name}=kill@{1 if state == 'planned' else 2}")
        house.cluster.until(ended(house, workers, code, state))
        died = [one for one in workers if one.poll() == -signal.SIGKILL]
        for one in workers:
            house.cluster.kill(one)
        with broker.client() as client:
            client.flushall()
        if died:
            yield name
        if house.look(code).state == state:
            return


def ended(
    house: House, workers: list[subprocess.Popen[bytes]], code: str, state: str
) -> Callable[[], bool]:
    return lambda: any(one.poll() is not None for one in workers) or house.look(code).state == state


@both
def test_a_run_that_is_stopped_is_run_again_and_a_pause_outlives_everything(
    house: House, broker: Valkey
) -> None:
    house.undisturbed()
    context = house.lived.context
    workers = house.work()
    code, _ = runs.plan(context, house.question, "ada")
    house.until(code, "planned")
    runs.start(context, code, "ada")
    house.until(code, "running")
    runs.cancel(context, code, "ada", stop=True)
    cancelled = house.look(code)
    assert (cancelled.state, cancelled.progress.under_way) == ("cancelled", 0)
    runs.again(context, code, "ada")
    runs.pause(context, code, "ada")
    for one in workers:
        house.cluster.kill(one)
    paused = house.look(code).tallies
    broker.kill()
    broker.start()
    workers = house.work()
    for _ in range(3):  # whatever these ticks wake finds nothing to do
        seen = ticked(house)
        house.cluster.until(lambda seen=seen: ticked(house) > seen)  # type: ignore[misc]
    assert [(one.kind, one.state, one.items) for one in house.look(code).tallies] == [
        (one.kind, one.state, one.items) for one in paused
    ]
    runs.resume(context, code, "ada")
    house.until(code, "done")
    house.cluster.until(lambda: sum(mailbox(house.cluster.home).values()) >= MANY)
    assert house.came_out_the_same(code)


def ticked(house: House) -> datetime:
    with house.lived.context.database.read() as session:
        row = session.get(models.Pulse, "tick")
        return row.at if row else datetime.min.replace(tzinfo=UTC)


@both
def test_a_page_of_today_is_read_before_any_further_piece_is_begun(house: House) -> None:
    context = house.lived.context
    code, _ = runs.plan(context, house.question, "ada")
    house.lived.round(datetime.now(UTC))
    house.lived.clock.moment = None  # type: ignore[assignment]
    runs.start(context, code, "ada")
    assert step(context, house.look(code).id, datetime.now(UTC))
    page = house.lived.bring(datetime.now(UTC).date())
    house.work()
    seen: list[tuple[str, int]] = []

    def done() -> bool:
        seen.append(standing(house, page))
        return house.look(code).state == "done"

    house.cluster.until(done)
    waiting = [claims for state, claims in seen if state == "fetched"]
    assert len(set(waiting)) <= 1, "nothing was begun while the page waited"
    assert (seen[-1][0], seen[-1][1] > seen[0][1]) == ("parsed", True)


def standing(house: House, page: int) -> tuple[str, int]:
    """A page's state, and how many pieces of runs were begun, at one moment."""
    with house.lived.context.database.read() as session:
        begun = select(func.count()).where(models.RunItem.state != "waiting")
        busy = select(func.count()).where(
            models.RunItem.state == "waiting", models.RunItem.owner != ""
        )
        state = session.get_one(models.Page, page).state
        return state, session.exec(begun).one() + session.exec(busy).one()
