"""Telling of alarms: once by mail and once by webhook, when they are raised and when they are cleared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from planted import dead, late, unsure
from pydantic import SecretStr
from sqlmodel import select, update
from watched import (
    DAY,
    FRIDAY,
    HOUR,
    MINUTE,
    ONE,
    a_minute_later,
    add_page,
    good_service,
)

from tasks import models
from tasks.office.watching import watch
from tasks.records import Step
from tasks.round.context import Context
from tasks.round.delivering import deliver
from tasks.settings import Settings
from tasks.store import alarms as store


@pytest.fixture
def good(context: Context, clock: Any) -> Context:
    """A service that has run well up to Friday noon."""
    clock.moment = FRIDAY
    with context.database.write() as session:
        good_service(session, FRIDAY)
    return context


def told(context: Context) -> list[str]:
    """Every mail to an admin that was kept: its bytes as text."""
    with context.database.read() as session:
        found = session.exec(select(models.Delivery).where(models.Delivery.letter == "alarm"))
        return [row.body.decode() for row in found.all()]


# --- mails -----------------------------------------------------------------------------------------
@pytest.fixture
def mailed(good: Context) -> Context:
    """The same, where two admins are told by mail."""
    values = {
        "alarm_mail": "ops@admins.example, on-call@admins.example",
        "base_url": "https://p.example",
    }
    return Context(
        settings=good.settings.model_copy(update=values), database=good.database, clock=good.clock
    )


def test_each_admin_gets_one_mail_when_it_is_raised_and_one_when_it_is_cleared(
    mailed: Context, clock: Any
) -> None:
    with mailed.database.write() as session:
        unsure(session, clock())
        dead(session, clock() + DAY)
    rings = watch(mailed)
    assert [bell.step for bell in rings] == [Step.DELIVER, Step.DELIVER]
    first, second = told(mailed)
    assert "Subject: Alarm: Mails may or may not have arrived (and 1 more)" in first
    assert "To: ops@admins.example" in first
    assert "To: on-call@admins.example" in second
    for words in (
        "1 mail may or may not have arrived",
        "https://p.example/admin/dead",
        "What to do:",
    ):
        assert words in first.replace("=\r\n", "").replace("\r\n", " ")
    assert "List-Unsubscribe" not in first
    clock.moment += MINUTE
    assert watch(mailed) == []
    with mailed.database.write() as session:
        session.execute(update(models.Delivery).values(state="sent"))
        session.execute(update(models.Digest).values(state="rendered"))
    clock.moment += MINUTE
    watch(mailed)
    mails = told(mailed)
    assert len(mails) == 4
    assert "Subject: Cleared: Mails may or may not have arrived (and 1 more)" in mails[2]
    with mailed.database.read() as session:
        assert all(row.told_at == row.cleared_at for row in store.history(session, 9))


def test_a_letter_to_an_admin_goes_out_by_the_ordinary_ledger(mailed: Context, clock: Any) -> None:
    with mailed.database.write() as session:
        unsure(session, clock())
    for bell in watch(mailed):
        deliver(mailed, bell.first, bell.last, clock())
    with mailed.database.read() as session:
        kept = select(models.Delivery.state, models.Delivery.reader_id)
        letters = session.exec(kept.where(models.Delivery.letter == "alarm")).all()
    assert [tuple(one) for one in letters] == [("sent", None)] * 2


@ONE
def test_an_address_that_no_header_can_hold_keeps_nobody_else_from_being_told(
    mailed: Context, clock: Any
) -> None:
    values = {"alarm_mail": "a..b@admins.example,ops@admins.example"}
    strange = Context(
        settings=mailed.settings.model_copy(update=values),
        database=mailed.database,
        clock=mailed.clock,
    )
    with strange.database.write() as session:
        unsure(session, clock())
    assert len(watch(strange)) == 1
    assert "To: ops@admins.example" in told(strange)[0]


# --- webhook ---------------------------------------------------------------------------------------
class Hook:
    """A server that takes what it is told, or answers with another status."""

    def __init__(self) -> None:
        hook = self
        self.status = 204
        self.asked: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.asked.append(json.loads(body) | {"type": self.headers["Content-Type"]})
                self.send_response(hook.status)
                if hook.status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{hook.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    opened = Hook()
    yield opened
    opened.close()


@pytest.fixture
def hooked(good: Context, hook: Hook) -> Context:
    """The same, where a webhook is told."""
    url = SecretStr(f"http://127.0.0.1:{hook.port}/T000/notforlogs")
    values = {"alarm_webhook": url, "allow_private": True, "base_url": "https://p.example"}
    return Context(
        settings=good.settings.model_copy(update=values), database=good.database, clock=good.clock
    )


def test_a_webhook_is_told_once_when_it_is_raised_and_once_when_it_is_cleared(
    hooked: Context, hook: Hook, clock: Any
) -> None:
    with hooked.database.write() as session:
        late(session, clock())
    for _ in range(3):
        watch(hooked)
        a_minute_later(hooked, clock)
    [asked] = hook.asked
    assert asked.pop("words").startswith("The source daily has brought no papers")
    assert "paperround reprocess --from 2026-11-20" in asked.pop("remedy")
    assert asked == {
        "type": "application/json",
        "key": "late:daily",
        "kind": "late",
        "state": "raised",
        "raised_at": "2026-11-20T12:00:00+00:00",
        "at": "2026-11-20T12:00:00+00:00",
        "url": "https://p.example/admin/sources/daily",
    }
    with hooked.database.write() as session:
        add_page(session, 1, FRIDAY.date(), clock())
    for _ in range(2):
        watch(hooked)
        a_minute_later(hooked, clock)
    assert [(one["state"], one["at"]) for one in hook.asked[1:]] == [
        ("cleared", "2026-11-20T12:03:00+00:00")
    ]


@ONE
def test_a_webhook_that_is_down_is_asked_again_less_and_less_often(
    hooked: Context, hook: Hook, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = 503
    with hooked.database.write() as session:
        unsure(session, clock())
        dead(session, clock() + DAY)
    begin = clock.moment
    tried = []
    for _ in range(12):
        before = len(hook.asked)
        watch(hooked)
        if len(hook.asked) > before:
            tried.append((clock.moment - begin) // MINUTE)
        a_minute_later(hooked, clock)
    assert tried == [0, 2, 5, 10], "after 1, 2, 4 minutes of rest and more"
    hook.status = 200
    for _ in range(10):
        watch(hooked)
        a_minute_later(hooked, clock)
    assert [one["key"] for one in hook.asked[-2:]] == ["unsure", "dead"]
    assert len(hook.asked) == len(tried) + 2
    assert "notforlogs" not in caplog.text
    assert "127.0.0.1 answers 503" in caplog.text


@ONE
def test_a_redirect_of_a_webhook_is_not_followed(hooked: Context, hook: Hook, clock: Any) -> None:
    hook.status = 302
    with hooked.database.write() as session:
        unsure(session, clock())
    watch(hooked)
    assert len(hook.asked) == 1
    with hooked.database.read() as session:
        assert store.standing(session)[0].told_at is None


@ONE
def test_a_private_address_is_not_dialled_unless_it_is_allowed(
    hooked: Context, hook: Hook, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    careful = Context(
        settings=hooked.settings.model_copy(update={"allow_private": False}),
        database=hooked.database,
        clock=hooked.clock,
    )
    with careful.database.write() as session:
        unsure(session, clock())
    watch(careful)
    assert hook.asked == []
    assert "the webhook is not told" in caplog.text
    assert "notforlogs" not in caplog.text


@ONE
def test_however_a_webhook_is_written_its_address_stands_in_no_log(
    hooked: Context, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"alarm_webhook": SecretStr("HTTP://LocalHost:1/x/../T000/notforlogs")}
    odd = replace(hooked, settings=hooked.settings.model_copy(update=values))
    with odd.database.write() as session:
        unsure(session, clock())
    watch(odd)
    assert "the webhook is not told: localhost cannot be fetched" in caplog.text
    assert "notforlogs" not in caplog.text


def test_what_was_raised_and_cleared_while_the_webhook_was_down_is_told_as_cleared(
    hooked: Context, hook: Hook, clock: Any
) -> None:
    hook.status = 500
    with hooked.database.write() as session:
        late(session, clock())
    watch(hooked)
    with hooked.database.write() as session:
        add_page(session, 1, FRIDAY.date(), clock())
    a_minute_later(hooked, clock)
    watch(hooked)
    hook.status = 200
    hook.asked.clear()
    for _ in range(5):
        a_minute_later(hooked, clock)
        watch(hooked)
    assert [(one["key"], one["state"]) for one in hook.asked] == [("late:daily", "cleared")]


@ONE
def test_a_webhook_that_is_set_up_later_is_not_told_of_long_ago(
    hooked: Context, hook: Hook, clock: Any
) -> None:
    with hooked.database.write() as session:
        moment = FRIDAY - 2 * DAY
        for cleared in (None, moment + HOUR):
            row = {"raised_at": moment, "cleared_at": cleared, "words": "w", "remedy": "r"}
            session.add(models.Alarm(key="dead", kind="dead", **row))
        dead(session, clock())
    watch(hooked)
    assert hook.asked == []


# --- settings --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"alarm_mail": "ops"}, "PAPERROUND_ALARM_MAIL must be bare addresses"),
        ({"alarm_webhook": "hooks.example/x"}, "PAPERROUND_ALARM_WEBHOOK must be a url"),
        ({"alarm_webhook": "file:///etc/passwd"}, "PAPERROUND_ALARM_WEBHOOK must be a url"),
        ({"metrics_token": "short"}, "PAPERROUND_METRICS_TOKEN must have at least 16"),
        ({"metrics_token": "ünicode is not ascii"}, "PAPERROUND_METRICS_TOKEN"),
        ({"log_format": "xml"}, "'text' or 'json'"),
    ],
)
def test_settings_that_nobody_could_be_told_by_are_refused(values: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings(**values, _env_file=None)


def test_who_is_told_is_read_from_the_settings() -> None:
    made = Settings(alarm_mail=" a@b.example ,,c@d.example", _env_file=None)  # type: ignore[call-arg]
    assert made.alarm_addresses == ("a@b.example", "c@d.example")
    assert Settings(_env_file=None).alarm_addresses == ()  # type: ignore[call-arg]
