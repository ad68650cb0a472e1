"""What every test may ask for: a database of each kind, a context on it, a clock that stands still."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from servers import Postgres
from sqlmodel import SQLModel

from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import migrate
from tasks.store.database import Database

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # a Friday

# Thousands of tests stay in memory: by default a tenth of the time goes into looking through them.
gc.set_threshold(20_000)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name tests by nothing that differs between two workers, as packed bytes with a date do."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: at the end one of them would keep its worker busy when all others rest."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def now() -> datetime:
    """The moment at which tests happen."""
    return NOW


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real pages, where there are any."""
    path = os.environ.get("PAPERROUND_CORPUS", "")
    if not path or not Path(path).is_dir():
        pytest.skip("PAPERROUND_CORPUS points to no folder of real pages")
    return Path(path)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to copy from."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server of this test run's own."""
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """A database on that server, with all tables."""
    url = postgres.create("paperround")
    database = Database(url)
    migrate.upgrade(database)
    database.close()
    return url


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with all tables."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'paperround.db')}"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database of each kind, in turn: the same tests run on both."""
    opened = Database(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    if not opened.is_sqlite:
        names = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables)
        with opened.engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose home is this test's folder."""
    return Settings(home=tmp_path / "home", _env_file=None)  # type: ignore[call-arg]


CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-quic",
)
OFFLINE = ("--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium. Where there is none the test is skipped, or fails if it was promised."""
    if not Path(CHROMIUM).exists():
        words = f"there is no Chromium at {CHROMIUM}: install it, or name another by CHROMIUM"
        if os.environ.get("PAPERROUND_REQUIRE_BROWSER"):
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *OFFLINE])
        yield opened
        opened.close()


class StandingClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> StandingClock:
    """The context's clock: set its `moment` to move on."""
    return StandingClock()


@pytest.fixture
def context(database: Database, settings: Settings, clock: StandingClock) -> Iterator[Context]:
    """A context whose clock stands at `now`."""
    settings.home.mkdir(parents=True, exist_ok=True)
    opened = Context(settings=settings, database=database, clock=clock)
    yield opened
    opened.close()
