"""A stranger's first five steps, in server time: today's papers, subscribing, confirming, the page of the
first minutes, and yesterday's digest as a preview of five liked papers and a term.

The baseline is an answer that does nothing (`/livez`), asked through the same door. Four weeks of papers
stand in the store, as many a day as the big list has. `cold` is the first time after a start, when the
papers of these weeks are read; `warm` is everybody after that.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from browsing import client
from invented import texts
from papers import bring, entry, page
from sqlmodel import select

from tasks import models
from tasks.round.context import Context
from tasks.round.scoring import fitted
from tasks.settings import Settings
from tasks.store import migrate
from tasks.store.database import Database
from workers.web.page import COOKIE

DAYS, PAPERS, STRANGERS = 28, 60, 12


def prepared(folder: Path, now: datetime) -> Context:
    """A store of four weeks, its scorer fitted as the workers do."""
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    migrate.upgrade(database)
    context = Context(settings=Settings(home=folder / "home"), database=database)
    found = texts(DAYS * PAPERS)
    for back in range(DAYS, 0, -1):
        own = found[(DAYS - back) * PAPERS :][:PAPERS]
        at = now - timedelta(days=back - 1)
        items = [
            entry(int(p.id), title=p.title, abstract=p.abstract, upvotes=int(p.id) % 90)
            for p in own
        ]
        with database.write() as session:
            bring(session, page(*items, day=at.date()), at, body=f"page {back}".encode())
    fitted(context)
    return context


def secret_of_the_newest_letter(context: Context) -> str:
    """What a mail program would show."""
    with context.database.read() as session:
        newest = select(models.Delivery.body).order_by(models.Delivery.id.desc())  # type: ignore[union-attr]
        body = session.exec(newest).first() or b""
    found = re.search(rb"/confirm/([\w-]+)", body.replace(b"=\r\n", b""))
    assert found
    return found[1].decode()


def first_minutes(context: Context, browser: Any, number: int) -> dict[str, float]:
    """One stranger's five steps, each in milliseconds."""
    took: dict[str, float] = {}

    def step(name: str, ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        answer = ask(*args, **kwargs)
        took[name] = (time.perf_counter() - began) * 1000
        assert answer.status_code in (200, 303), (name, answer.status_code)
        return answer

    step("nothing (/livez)", browser.get, "/livez")
    step("today's papers", browser.get, "/")
    step("subscribing", browser.post, "/subscribe", data={"email": f"r{number}@d{number}.example"})
    where = f"/confirm/{secret_of_the_newest_letter(context)}"
    answer = step("confirming", browser.post, where)
    cookie = re.search(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])
    assert cookie
    mine = {"Cookie": f"{COOKIE}={cookie[1]}"}
    start = step("the first minutes", browser.get, "/my/start", headers=mine)
    liked = re.findall(r'name="liked"\s+value="(\d+)"', start.text)[:5]
    assert len(liked) == 5, "five papers to like"
    form = {"liked": liked, "terms": "lanon", "about": "5", "hour": "7", "zone": "UTC"}
    step("the preview", browser.post, "/my/start/preview", data=form, headers=mine)
    return took


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as name:
        now = datetime.now(UTC)
        context = prepared(Path(name), now)
        with client(context, trusted_proxies="127.0.0.0/8") as browser:
            runs = []
            for number in range(STRANGERS):
                browser.headers["X-Forwarded-For"] = (
                    f"198.51.100.{number}"  # each from their own net
                )
                runs.append(first_minutes(context, browser, number))
        context.close()
    cold, warm = runs[0], runs[1:]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ms")
    print(f"{'step':20} {'cold':>8} {'warm':>8} {'x nothing':>10}")
    base = statistics.median(run["nothing (/livez)"] for run in warm)
    for name in cold:
        middle = statistics.median(run[name] for run in warm)
        print(f"{name:20} {cold[name]:8.1f} {middle:8.1f} {middle / base:10.1f}")
    steps = [name for name in cold if not name.startswith("nothing")]
    whole = statistics.median(sum(run[name] for name in steps) for run in warm)
    print(f"{'all five':20} {sum(cold[n] for n in steps):8.1f} {whole:8.1f} {whole / base:10.1f}")


if __name__ == "__main__":
    main()
