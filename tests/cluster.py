"""A small cluster for fault tests: a broker, a database, workers in processes of their own, a mailbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from celery import Celery
from papers import add_folder, add_reader, api_json, entry
from sqlmodel import select

from tasks import models
from tasks.store import migrate
from tasks.store.database import Database

PATIENCE_S = 90.0
QUEUES = "control,fetch,parse,score,compose,deliver,backlog"


class Cluster:
    """`readers` people who all want the papers of one saved page. Use as a context manager."""

    def __init__(self, folder: Path, *, broker: str, database: str = "", smtp: str = "") -> None:
        self.home = folder / "home"
        self.home.mkdir(parents=True)  # and the folder above it
        self.pages = folder / "pages"
        self.pages.mkdir()
        self.url = database or f"sqlite:///{self.home / 'paperround.db'}"
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith("PAPERROUND_")
        } | {
            "PAPERROUND_HOME": str(self.home),
            "PAPERROUND_BROKER_URL": broker,
            "PAPERROUND_DATABASE_URL": self.url,
            "PAPERROUND_SMTP_URL": smtp,
        }
        self.database = Database(self.url)
        migrate.upgrade(self.database)
        self.bell = Celery(broker=broker, set_as_current=False)
        self.bell.conf.broker_transport_options = {"global_keyprefix": "paperround:"}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = (folder / "workers.log").open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in list(self.processes):
            self.kill(process)
        self.bell.close()
        self.database.close()
        self.log.close()

    def fill(self, readers: int, papers: int = 10) -> None:
        """A page of papers, and readers who want some of them."""
        self.add_page("2026-01-01-first", papers)
        now = datetime.now(UTC)
        with self.database.write() as session:
            add_folder(session, self.pages, now)
        self.add_readers(readers)

    def add_readers(self, count: int, first: int = 0) -> None:
        now = datetime.now(UTC)
        with self.database.write() as session:
            for number in range(first, first + count):
                terms = ["sparse attention", "tidal energy"][: 1 + number % 2]
                add_reader(session, now, f"reader{number}@readers.example", terms=terms, hour=0)

    def add_page(self, name: str, papers: int, first: int = 0) -> None:
        found = [entry(n) for n in range(first, first + papers)]
        (self.pages / f"{name.replace('2026-01-01-', '')}.json").write_bytes(api_json(*found))

    # --- processes ------------------------------------------------------------------------------
    def start(self, *words: str, script: str = "", **env: str) -> subprocess.Popen[bytes]:
        """A Celery process; `script` runs before it in the same interpreter."""
        program = f"{script}\nfrom celery.__main__ import main\nimport sys\nsys.argv[0] = 'celery'\nmain()"
        command = [sys.executable, "-c", program, "-A", "workers.celery", *words]
        process = subprocess.Popen(
            command,
            env=self.env | env,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
            cwd=self.home,
        )
        self.processes.append(process)
        return process

    def worker(
        self, *, pool: str = "threads", threads: int = 2, script: str = "", **env: str
    ) -> subprocess.Popen[bytes]:
        """A worker on all queues."""
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        words = ("worker", "-P", pool, "-c", str(threads), "-Q", QUEUES, *quiet)
        return self.start(*words, script=script, **env)

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat")

    def once(self, **env: str) -> int:
        """A whole round in a process of its own, with no broker; its exit code."""
        command = [
            sys.executable,
            "-c",
            "from workers.cli import main; main()",
            "run-once",
            "--json",
        ]
        done = subprocess.run(
            command,
            env=self.env | env,
            stdout=self.log,
            stderr=self.log,
            cwd=self.home,
            check=False,
        )
        return done.returncode

    def kill(self, process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
        if process.poll() is None:
            os.killpg(process.pid, how)
        process.wait(60)
        if process in self.processes:
            self.processes.remove(process)

    # --- what is true ---------------------------------------------------------------------------
    def tick(self) -> None:
        """Ring as the beat does."""
        self.bell.send_task("paperround.tick", queue="control", retry=False)

    def until(
        self, done: Callable[[], bool], *, ticking: float = 0.5, patience: float = PATIENCE_S
    ) -> None:
        """Tick until it is so."""
        deadline = time.monotonic() + patience
        rung = 0.0
        while not done():
            assert time.monotonic() < deadline, f"not within {patience} s: {self.states()}"
            if ticking and time.monotonic() - rung > ticking:
                self.tick()
                rung = time.monotonic()
            time.sleep(0.05)

    def states(self) -> dict[str, int]:
        """Digests by the state of their delivery, or by their own."""
        with self.database.read() as session:
            digests = session.exec(select(models.Digest.id, models.Digest.state)).all()
            mails = dict(
                session.exec(select(models.Delivery.digest_id, models.Delivery.state)).all()
            )
        return dict(Counter(mails.get(key, state) for key, state in digests))  # type: ignore[call-overload]

    def sent(self) -> int:
        return self.states().get("sent", 0)

    def mailbox(self) -> list[str]:
        """To whom the mails in the mailbox are."""
        found = []
        for path in (self.home / "mailbox" / "new").glob("*"):
            head = path.read_bytes().partition(b"\r\n\r\n")[0].decode()
            found += [line[4:] for line in head.split("\r\n") if line.startswith("To: ")]
        return sorted(found)

    def everybody_got_one(self, readers: int) -> bool:
        """Every reader's digest lies in the mailbox exactly once, and the database says so."""
        return self.mailbox() == sorted(f"reader{n}@readers.example" for n in range(readers)) and (
            self.states() == {"sent": readers}
        )
