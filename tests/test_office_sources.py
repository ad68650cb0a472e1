"""Sources by an admin's hand: each change once, told in the audit, and never on top of somebody else's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from papers import api_json, entry
from sqlmodel import select

from tasks import models
from tasks.errors import Conflict, TooMany, UnknownName, UsageError
from tasks.office import sources, trying
from tasks.records import Fetched, SourceKind, Step
from tasks.round.context import Context
from tasks.store import audit
from tasks.store import sources as store
from tasks.store.source_rows import Plan

WHO = "ada"
FEED = "https://1.1.1.1/feed"  # a number asks no name server


def add(context: Context, name: str = "news", address: str = FEED) -> sources.SourceRow:
    return sources.add(context, WHO, SourceKind.FEED, address, name=name)


def acts(context: Context) -> list[tuple[str, str]]:
    with context.database.read() as session:
        return [(act.action, act.subject) for act in reversed(audit.rows(session, 50))]


def row(context: Context, name: str = "news") -> models.Source:
    with context.database.write() as session:  # what is only looked at is empty when it is let go
        return session.exec(select(models.Source).where(models.Source.name == name)).one()


# --- adding --------------------------------------------------------------------------------------
def test_a_source_is_added_once_and_due_at_once(context: Context) -> None:
    made = add(context)
    assert (made.name, made.state, made.plan.address) == ("news", "active", FEED)
    with pytest.raises(UsageError, match="'news' is there already"):
        add(context)
    assert acts(context) == [("source added", "source news")]


def test_a_source_without_a_name_gets_one_that_fits_an_address(context: Context) -> None:
    made = sources.add(context, WHO, SourceKind.FEED, "https://1.1.1.1/a/feed?all=1&x=2")
    assert made.name == "feed-feed-all-1-x-2"
    assert sources.add(context, WHO, SourceKind.HF, "").name == "hf"
    assert sources.add(context, WHO, SourceKind.ARXIV, "cs.CL+cs.LG").name == "arxiv-cs.cl+cs.lg"


@pytest.mark.parametrize("name", ["a/b", "..", "new", "x" * 81, "a\nb", "New", "a\\b"])
def test_a_name_that_could_stand_in_no_address_is_refused(context: Context, name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a source"):
        add(context, name)
    assert acts(context) == []


@pytest.mark.parametrize(
    ("kind", "address", "words"),
    [
        (SourceKind.FEED, "", "needs an address"),
        (SourceKind.FEED, "http://127.0.0.1/feed", "no public address"),
        (SourceKind.FEED, "http://[::1]/feed", "no public address"),
        (SourceKind.FEED, "http://169.254.169.254/latest", "no public address"),
        (SourceKind.FEED, "http://2130706433/", "no public address"),
        (SourceKind.FEED, "https://1.1.1.1:8443/feed", "port 8443 is not dialled"),
        (SourceKind.FEED, "file:///etc/passwd", "no http or https url"),
        (SourceKind.FEED, "/etc/passwd", "no http or https url"),
        (SourceKind.FEED, "https://ada:secret@1.1.1.1/", "credentials in urls"),
        (SourceKind.FEED, "https://[oops/", "no url"),
        (SourceKind.FEED, "https://1.1.1.1/\x07", "printable"),
        (SourceKind.ARXIV, "not categories", "neither an arXiv url nor categories"),
        (SourceKind.HF, "http://10.0.0.1/", "no public address"),
    ],
)
def test_an_address_that_would_not_be_fetched_is_refused_at_once(
    context: Context, kind: SourceKind, address: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        sources.add(context, WHO, kind, address, name="x")
    assert sources.listed(context) == []


def test_a_private_address_is_taken_where_they_are_allowed(context: Context) -> None:
    settings = context.settings.model_copy(update={"allow_private": True})
    allowed = replace(context, settings=settings)
    assert add(allowed, address="http://127.0.0.1:9999/feed").plan.address.startswith("http://127")


def test_a_folder_is_named_at_the_machine_alone(context: Context, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="named at the machine alone"):
        sources.add(context, WHO, SourceKind.FOLDER, str(tmp_path), name="x")
    with pytest.raises(UsageError, match="named at the machine alone"):
        trying.try_address(context, WHO, SourceKind.FOLDER, "/etc/passwd")
    made = sources.add(context, WHO, SourceKind.FOLDER, str(tmp_path), name="x", here=True)
    plan = replace(made.plan, address="/etc")
    with pytest.raises(UsageError, match="named at the machine alone"):
        sources.replan(context, WHO, "x", plan, seen=made.plan)
    with pytest.raises(UsageError, match="there is no such file"):
        sources.add(context, WHO, SourceKind.FOLDER, "/no/such", name="y", here=True)


# --- states --------------------------------------------------------------------------------------
def test_what_was_done_to_a_source_can_be_undone(context: Context) -> None:
    add(context)
    for state, was in (("paused", "active"), ("active", "paused"), ("removed", "active")):
        assert sources.set_state(context, WHO, "news", state, was=was).state == state
    assert sources.set_state(context, WHO, "news", "active", was="removed").state == "active"
    done = ["added", "paused", "resumed", "removed", "brought back"]
    assert [action for action, _ in acts(context)] == [f"source {one}" for one in done]


def test_pressing_twice_changes_once(context: Context) -> None:
    add(context)
    sources.set_state(context, WHO, "news", "paused", was="active")
    sources.set_state(context, WHO, "news", "paused", was="active")
    assert acts(context) == [("source added", "source news"), ("source paused", "source news")]


def test_a_button_of_an_old_page_undoes_nobody_elses_work(context: Context) -> None:
    add(context)
    sources.set_state(context, WHO, "news", "removed", was="active")
    with pytest.raises(UnknownName, match="was removed"):
        sources.set_state(context, WHO, "news", "paused", was="active")
    sources.set_state(context, WHO, "news", "paused", was="removed")
    with pytest.raises(Conflict, match="is paused by now"):
        sources.set_state(context, WHO, "news", "removed", was="active")
    with pytest.raises(UsageError, match="never 'sold'"):
        sources.set_state(context, WHO, "news", "sold")
    with pytest.raises(UsageError, match="never 'lost"):
        sources.set_state(context, WHO, "news", "paused", was="lost\0")
    with pytest.raises(UnknownName, match="known: news"):
        sources.get(context, "weekly")


def test_a_name_that_no_database_takes_is_nobodys(context: Context) -> None:
    add(context)
    for ask in (
        lambda: sources.get(context, "ne\0ws"),
        lambda: sources.fetch_now(context, WHO, "ne\0ws"),
        lambda: sources.set_state(context, WHO, "ne\0ws", "paused"),
        lambda: trying.try_source(context, WHO, "ne\0ws"),
    ):
        with pytest.raises(UnknownName, match="known: news"):
            ask()


def test_the_source_of_pages_brought_by_hand_is_never_fetched(
    context: Context, now: datetime
) -> None:
    with context.database.write() as session:
        store.internal(session, "saved", SourceKind.FOLDER, now)
    with pytest.raises(UsageError, match="brought by hand"):
        sources.set_state(context, WHO, "saved", "active", was="paused")


# --- schedules -----------------------------------------------------------------------------------
def test_a_schedule_is_kept_in_its_one_form(context: Context) -> None:
    seen = add(context).plan
    plan = Plan(
        address=seen.address,
        every_minutes=120,
        days="5531",
        holidays=(" 12-24", "2026-12-31", "12-24", ""),
    )
    made = sources.replan(context, WHO, "news", plan, seen=seen).plan
    assert (made.every_minutes, made.days) == (120, "135")
    assert made.holidays == ("12-24", "2026-12-31")
    with context.database.read() as session:
        act = audit.rows(session, 1)[0]
    assert act.detail == {"every_minutes": 120, "days": "135", "holidays": 2}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"every_minutes": 4}, "every 5 to 1440"),
        ({"every_minutes": 1441}, "every 5 to 1440"),
        ({"days": "8"}, "weekdays are digits"),
        ({"holidays": ("02-30",)}, "'02-30' is no day"),
        ({"holidays": ("2026-W01-1",)}, "is no day"),
        ({"holidays": ("20261224",)}, "is no day"),
        ({"holidays": tuple(f"{year}-01-01" for year in range(1500, 1901))}, "400 holidays"),
        ({"address": "http://127.0.0.1/"}, "no public address"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(
    context: Context, changes: dict[str, Any], words: str
) -> None:
    seen = add(context).plan
    with pytest.raises(UsageError, match=words):
        sources.replan(context, WHO, "news", replace(seen, **changes), seen=seen)
    assert sources.get(context, "news").plan == seen


def test_of_two_who_edit_at_once_the_second_is_told(context: Context) -> None:
    seen = add(context).plan
    sources.replan(context, WHO, "news", replace(seen, every_minutes=30), seen=seen)
    with pytest.raises(Conflict, match="was changed meanwhile"):
        sources.replan(context, "bo", "news", replace(seen, days="1"), seen=seen)
    same = replace(seen, every_minutes=30)
    assert sources.replan(context, "bo", "news", same, seen=seen).plan == same, "it is as wanted"
    assert len(acts(context)) == 2


def test_a_new_address_forgets_what_the_old_one_said_and_ends_its_turn(
    context: Context, now: datetime
) -> None:
    made = add(context)
    with context.database.write() as session:
        store.claim(session, 1, 99, owner="me", at=now, now=now)
        store.fetched(session, made.id, Fetched(etag='"old"'), owner="me", at=now)
        later = now + timedelta(days=1)
        store.claim(session, 1, 99, owner="me", at=later, now=later)
    sources.replan(context, WHO, "news", replace(made.plan, address=f"{FEED}/2"), seen=made.plan)
    kept = row(context)
    assert (kept.etag, kept.owner, kept.lease_until, kept.next_attempt_at) == ("", "", None, None)


def test_a_source_that_is_added_again_has_no_schedule_of_before(context: Context) -> None:
    seen = add(context).plan
    sources.replan(context, WHO, "news", replace(seen, days="1", holidays=("12-24",)), seen=seen)
    sources.set_state(context, WHO, "news", "removed", was="active")
    with pytest.raises(UnknownName, match="was removed"):
        sources.replan(context, WHO, "news", seen, seen=sources.get(context, "news").plan)
    assert add(context).plan == seen


# --- fetching now ----------------------------------------------------------------------------------
def test_a_failing_source_has_its_turn_when_somebody_says_so(
    context: Context, now: datetime
) -> None:
    made = add(context)
    with context.database.write() as session:
        store.claim(session, 1, 99, owner="me", at=now, now=now)
        store.failed(session, made.id, "closed", owner="me", at=now, wait=None)
        assert store.due(session, now, now) == []
    rings = sources.fetch_now(context, WHO, "news")
    assert [(ring.step, ring.first) for ring in rings] == [(Step.FETCH, made.id)]
    with context.database.read() as session:
        assert store.due(session, now, now) == [made.id]


def test_all_active_sources_have_their_turn_at_once(context: Context) -> None:
    keys = [add(context, name).id for name in ("a", "b", "c")]
    sources.set_state(context, WHO, "c", "paused", was="active")
    assert [ring.first for ring in sources.fetch_now(context, WHO)] == keys[:2]
    with pytest.raises(UsageError, match="c is paused: resume it"):
        sources.fetch_now(context, WHO, "c")
    assert acts(context)[-1] == ("fetched now", "2 sources")


# --- trying out ------------------------------------------------------------------------------------
class Server:
    """A server on this machine that answers as a function says."""

    def __init__(self) -> None:
        self.answer: Callable[[str], tuple[int, bytes]] = lambda _: (200, b"")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = outer.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def near(context: Context) -> Iterator[Context]:
    """The context, where sources may lie on this machine."""
    settings = context.settings.model_copy(update={"allow_private": True})
    opened = replace(context, settings=settings)
    yield opened
    opened.parser.close()


def nothing_kept(context: Context) -> bool:
    with context.database.read() as session:
        return not session.exec(select(models.Page)).all()


def test_trying_shows_what_a_turn_would_bring_and_keeps_nothing(
    near: Context, server: Server
) -> None:
    body = api_json(*(entry(n) for n in range(7)))
    server.answer = lambda _: (200, body)
    trial = trying.try_address(near, WHO, SourceKind.HF, server.url)
    (answer,) = trial.answers
    assert (answer.status, answer.size) == (200, len(body))
    (page,) = trial.pages
    assert (page.shape, page.entries, len(page.titles)) == ("hf-api", 7, 5)
    assert trial.went_well
    assert trial.seconds > 0
    assert nothing_kept(near)
    assert acts(near) == [("source tried", f"hf {server.url}")]


def test_trying_a_source_leaves_its_turns_as_they_were(near: Context, server: Server) -> None:
    server.answer = lambda _: (200, b"[{")
    made = sources.add(near, WHO, SourceKind.FEED, f"{server.url}/feed", name="news")
    before = row(near).model_dump()
    trial = trying.try_source(near, WHO, "news")
    assert trial.pages[0].error.startswith("not_a_page: ")
    assert not trial.went_well
    assert row(near).model_dump() == before
    assert trying.try_either(near, WHO, "news").source == made.name
    with pytest.raises(UnknownName):
        trying.try_source(near, WHO, "weekly")


def test_a_server_that_fails_is_told_with_its_answer(near: Context, server: Server) -> None:
    server.answer = lambda _: (503, b"busy")
    trial = trying.try_either(near, WHO, f"{server.url}/feed")
    assert trial.kind is SourceKind.FEED
    assert [answer.status for answer in trial.answers] == [503]
    assert "answered 503" in trial.error
    assert not trial.went_well


def test_a_trial_ends_however_much_there_is(
    near: Context, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = api_json(*(entry(n) for n in range(100)))
    monkeypatch.setattr(trying, "ANSWERS_MOST", 3)
    server.answer = lambda path: (200, body[:-1] + b" " * int(path.rpartition("=")[2] or 0) + b"]")
    trial = trying.try_address(near, WHO, SourceKind.HF, server.url)
    assert len(trial.answers) == 3
    monkeypatch.setattr(trying, "PAGES_MOST", 1)
    monkeypatch.setattr(trying, "ANSWERS_MOST", 12)
    trial = trying.try_address(near, WHO, SourceKind.HF, server.url)
    assert len(trial.pages) <= 1
    monkeypatch.setattr(trying, "SECONDS_MOST", -1.0)
    assert "a trial ends there" in trying.try_address(near, WHO, SourceKind.HF, server.url).error


def test_two_trials_at_a_time_are_enough(near: Context, server: Server) -> None:
    inside, go_on = threading.Semaphore(0), threading.Event()

    def answer(_: str) -> tuple[int, bytes]:
        inside.release()
        go_on.wait(10)
        return 404, b""

    server.answer = answer
    threads = [
        threading.Thread(target=trying.try_either, args=(near, WHO, f"{server.url}/feed"))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=10)
    with pytest.raises(TooMany, match="two sources are being tried"):
        trying.try_either(near, WHO, f"{server.url}/feed")
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert trying.try_either(near, WHO, f"{server.url}/feed").error


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("https://export.arxiv.org/rss/cs.CL", "arxiv"),
        ("https://huggingface.co", "hf"),
        ("https://blog.example/feed", "feed"),
        ("cs.CL+cs.LG", "arxiv"),
        ("./saved", "folder"),
    ],
)
def test_the_kind_of_an_address_is_guessed(address: str, kind: str) -> None:
    assert trying.guessed(address) == kind


def test_what_is_neither_a_name_nor_an_address_is_said_to_be_so(context: Context) -> None:
    with pytest.raises(UsageError, match="looks like no address: say its --kind"):
        trying.try_either(context, WHO, "weekly")
