"""`/metrics`: who may read it, that Prometheus can, and that every query of ours finds its series."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from browsing import as_admin, client, signed_in
from papers import add_reader
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import event
from watched import FRIDAY, MINUTE, add_page, good_service

from tasks import models
from tasks.office import admins, programs
from tasks.round.context import Context
from tasks.store import watch
from tasks.store.admins import Role
from tasks.store.database import Database

ROOT = Path(__file__).parents[1]
TOKEN = "a-token-of-good-length"
SERIES = re.compile(r"(paperround_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')
Samples = dict[str, list[dict[str, str]]]


@pytest.fixture
def good(context: Context, clock: Any) -> Context:
    """A service that has run well up to Friday noon."""
    clock.moment = FRIDAY
    with context.database.write() as session:
        good_service(session, FRIDAY)
    return context


def scraped(context: Context) -> str:
    with client(context, metrics_token=SecretStr(TOKEN)) as browser:
        answer = browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of one series by the values of their labels."""
    families = text_string_to_metric_families(text)
    samples = [one for family in families for one in family.samples if one.name == name]
    return {tuple(one.labels.values()): one.value for one in samples}


# --- what it says ------------------------------------------------------------------------------------
def test_it_says_what_the_health_page_says(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        add_page(session, 1, FRIDAY.date(), FRIDAY - 5 * MINUTE, state="fetched", entries=0)
        watch.beat(session, "transport", FRIDAY + MINUTE, "refused")
    text = scraped(good)
    assert values(text, "paperround_waiting")[("parse",)] == 1
    assert values(text, "paperround_oldest_waiting_seconds")[("parse",)] == 300
    assert values(text, "paperround_deliveries")[("sent",)] == 3
    assert values(text, "paperround_readers") == {
        ("pending",): 0,
        ("active",): 1,
        ("paused",): 0,
        ("unsubscribed",): 0,
    }
    assert values(text, "paperround_source_late") == {("arxiv",): 0, ("blog",): 0, ("daily",): 0}
    assert values(text, "paperround_processes") == {("beat",): 1, ("worker",): 1, ("web",): 1}
    assert values(text, "paperround_digests_today")[("sent",)] == 1
    assert values(text, "paperround_mail_door_closed") == {(): 1}
    assert values(text, "paperround_broker_up") == {(): 0}
    assert values(text, "paperround_database_bytes")[()] > 100_000
    tick = values(text, "paperround_last_tick_timestamp_seconds")[()]
    assert FRIDAY.timestamp() - tick == 20
    assert set(values(text, "paperround_alarms").values()) == {0}


def test_a_strange_source_name_is_a_label_and_nothing_else(good: Context) -> None:
    name = 'a"} 1\npaperround_alarms{kind="x\\'
    with good.database.write() as session:
        session.get_one(models.Source, 1).name = name
    text = scraped(good)
    assert (name,) in values(text, "paperround_source_failures")
    assert ("x\\",) not in values(text, "paperround_alarms")


def test_a_fresh_install_can_be_scraped(context: Context) -> None:
    assert values(scraped(context), "paperround_papers_total") == {(): 0}


def test_a_scrape_takes_few_queries_however_much_there_is(good: Context, clock: Any) -> None:
    counted: list[str] = []
    few = _counting(good, counted)
    with good.database.write() as session:
        for number in range(60):
            add_page(session, 1 + number % 3, FRIDAY.date(), FRIDAY - number * MINUTE)
    assert _counting(good, counted) == few
    assert few <= 25


def _counting(context: Context, counted: list[str]) -> int:
    """How many statements a scrape takes."""
    with client(context, metrics_token=SecretStr(TOKEN)) as browser:
        engine = browser.app._app.state.face.database.engine  # type: ignore[attr-defined]
        counted.clear()
        event.listen(engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
        browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    return len([one for one in counted if one.startswith("SELECT")])


# --- who may read it -----------------------------------------------------------------------------------
@pytest.fixture
def alone(sqlite_url: str, settings: Any, clock: Any) -> Iterator[Context]:
    """A context on SQLite alone: who may read does not hang on the database."""
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    yield opened
    opened.close()


@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "Bearer pra_" + "a" * 43},
    ],
)
def test_who_shows_nothing_that_fits_is_refused(
    alone: Context, token: str, headers: dict[str, str]
) -> None:
    with client(alone, metrics_token=SecretStr(token)) as browser:
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = browser.get("/metrics", headers=raw)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "paperround_" not in answer.text


def test_an_admins_key_and_a_signed_in_admin_of_any_role_may_read(alone: Context) -> None:
    with as_admin(alone, "viewer") as browser:
        assert browser.get("/metrics").status_code == 200
    admins.create(alone, "test", "program", "a long enough passphrase", role=Role.VIEWER)
    _, secret = programs.make(alone, "test", "program", "prometheus", role=Role.VIEWER)
    with client(alone) as browser:
        shown = {"Authorization": f"Bearer {secret}"}
        assert browser.get("/metrics", headers=shown).status_code == 200
        assert browser.head("/metrics", headers=shown).status_code == 200


def test_a_readers_key_and_visit_open_nothing(alone: Context, now: datetime) -> None:
    with alone.database.write() as session:
        reader = add_reader(session, now)
    with signed_in(alone, reader) as browser:
        assert browser.get("/metrics").status_code == 401


# --- every query finds its series ----------------------------------------------------------------------
def dashboard_queries() -> list[str]:
    found = json.loads((ROOT / "docker" / "grafana-dashboard.json").read_text())
    return [target["expr"] for panel in found["panels"] for target in panel["targets"]]


def rule_queries() -> list[str]:
    found = yaml.safe_load((ROOT / "docker" / "prometheus-rules.yml").read_text())
    return [rule["expr"] for group in found["groups"] for rule in group["rules"]]


def series(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def missing(query: str, there: Samples) -> list[str]:
    """What a query asks for that no series has."""
    asked = SERIES.findall(query)
    assert asked, query
    return [
        f"{name}{{{labels}}}"
        for name, labels in asked
        if not any(_fits(MATCHER.findall(labels), one) for one in there.get(name, ()))
    ]


def _fits(matchers: list[tuple[str, str, str]], labels: dict[str, str]) -> bool:
    return all(
        (labels.get(name) == value) if sign == "=" else re.fullmatch(value, labels.get(name, ""))
        for name, sign, value in matchers
    )


def test_every_query_of_the_dashboard_and_the_rules_finds_its_series(
    good: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.queues.lengths", lambda _: {"control": 0, "fetch": 2})
    there = series(scraped(good))
    queries = dashboard_queries() + rule_queries()
    assert len(queries) > 30
    assert [found for query in queries for found in missing(query, there)] == []
    asked = {name for query in queries for name, _ in SERIES.findall(query)}
    unseen = {"paperround_version_info", "paperround_process_seen_timestamp_seconds"}
    assert set(there) - asked - unseen == {"paperround_version"}, "a series that nobody looks at"


def test_a_query_for_what_is_not_there_would_be_found() -> None:
    there: Samples = {"paperround_alarms": [{"kind": "dead"}]}
    assert missing('sum(paperround_alarms{kind="ded"})', there) == ['paperround_alarms{kind="ded"}']
    assert missing('paperround_alarms{kind=~"dead|late"} > 0', there) == []
    assert missing("paperround_alarm", there) == ["paperround_alarm{}"]


def test_every_legend_of_the_dashboard_names_a_label(good: Context) -> None:
    there = series(scraped(good))
    found = json.loads((ROOT / "docker" / "grafana-dashboard.json").read_text())
    for panel in found["panels"]:
        for target in panel["targets"]:
            name = SERIES.findall(target["expr"])[0][0]
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert name == "paperround_broker_messages" or label in there[name][0]
