"""Programs that ask the API of a context: with or without a key, after a round of ten papers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from browsing import client
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_folder, add_reader, api_json, entry

from tasks.desk import visiting
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store.database import Database

BASE = "/api/v1"
ROUND_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # what the fixture `now` says
TODAY = "2026-11-20"


def after_a_round(empty: Path, home: Path) -> Path:
    """A SQLite file after one round: a day of papers, Ada (1) with a digest, Cy (2) with an empty one."""
    file = Path(shutil.copy(empty, home / "round.db"))
    (home / "pages").mkdir()
    (home / "pages" / f"{TODAY}.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    with opened(file, home, lambda: ROUND_AT) as made:
        with made.database.write() as session:
            add_folder(session, home / "pages", ROUND_AT)
            add_reader(session, ROUND_AT, "ada@readers.example", terms=["sparse attention"])
            add_reader(session, ROUND_AT, "cy@readers.example", terms=["medieval poetry"])
        run_once(made, ROUND_AT)
    return file


@contextmanager
def opened(file: Path, home: Path, clock: Callable[[], datetime]) -> Iterator[Context]:
    """A context on that file."""
    home.mkdir(exist_ok=True)
    chosen = Settings(home=home)
    made = Context(settings=chosen, database=Database(f"sqlite:///{file}"), clock=clock)
    yield made
    made.close()


@contextmanager
def program(context: Context, reader_id: int | None = None) -> Iterator[TestClient]:
    """A program that asks the API, with a key of that reader, or with none."""
    with client(context) as made:
        made.base_url = f"http://localhost{BASE}"
        if reader_id is not None:
            made.headers["Authorization"] = f"Bearer {key_of(context, reader_id)}"
        yield made


def key_of(context: Context, reader_id: int) -> str:
    """A new key of that reader."""
    return visiting.make_key(context, reader_id, "a script")[1]


def problem(answer: Response, status: int) -> dict[str, Any]:
    """The problem that an answer is, which must be a whole one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["title"]
    assert found["instance"].startswith(BASE)
    return found


def next_page(answer: Response) -> str:
    """The path that the Link header leads to, as the program asks for it."""
    link = str(answer.links["next"]["url"])
    assert link.startswith(BASE)
    assert f"cursor={answer.json()['next']}" in link
    return link.removeprefix(BASE)
