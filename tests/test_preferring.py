"""Preferences: each is checked, and the next digest is looked for at the new hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from papers import add_reader

from tasks.desk import preferring
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.records import Reader
from tasks.round.context import Context
from tasks.store import readers


@pytest.fixture
def ada(context: Context, now: datetime) -> Reader:
    """A reader in Rome whose next digest comes tomorrow at seven."""
    with context.database.write() as session:
        key = add_reader(session, now, timezone="Europe/Rome")
        readers.change(session, key, next_digest_at=datetime(2026, 11, 21, 6, tzinfo=UTC))
        return readers.get(session, key)


def looked_at(context: Context, reader_id: int) -> datetime | None:
    with context.database.read() as session:
        return readers.looked_at(session, reader_id)


def test_everything_that_may_be_set_is_kept(context: Context, ada: Reader) -> None:
    changes: dict[str, Any] = {
        "name": " Ada\x00  Byron ",
        "timezone": "Asia/Kolkata",
        "days": [5, 1, 5],
        "hour": 18,
        "language": "de",
        "about": 2.5,
        "most": 4,
        "threshold": 0.1,
        "length": "short",
        "explore": False,
        "text_only": True,
    }
    assert set(changes) == set(preferring.RULES)
    after = preferring.prefer(context, ada.id, **changes)
    kept = {name: getattr(after, name) for name in changes}
    assert kept == changes | {"name": "Ada Byron", "days": (1, 5)}
    with context.database.read() as session:
        assert readers.get(session, ada.id) == after


def test_what_is_not_named_stays(context: Context, ada: Reader) -> None:
    after = preferring.prefer(context, ada.id, hour=9)
    assert (after.timezone, after.about, after.hour) == ("Europe/Rome", 5.0, 9)
    assert preferring.prefer(context, ada.id) == after


def test_who_saw_something_else_changes_nothing(context: Context, ada: Reader) -> None:
    seen = preferring.prefer_as_seen(context, ada, hour=9)
    assert seen.hour == 9
    with pytest.raises(Conflict):
        preferring.prefer_as_seen(context, ada, hour=10)
    assert preferring.prefer(context, ada.id) == seen


@pytest.mark.parametrize(
    ("changes", "coming"),
    [
        ({"hour": 12}, datetime(2026, 11, 20, 11, tzinfo=UTC)),  # today still, in Rome
        ({"hour": 8}, datetime(2026, 11, 21, 7, tzinfo=UTC)),
        ({"days": [1]}, datetime(2026, 11, 23, 6, tzinfo=UTC)),
        ({"timezone": "America/New_York"}, datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ({"name": "Ada", "about": 1}, datetime(2026, 11, 21, 6, tzinfo=UTC)),
    ],
)
def test_the_next_digest_is_looked_for_at_the_new_hour(
    context: Context, ada: Reader, changes: dict[str, Any], coming: datetime
) -> None:
    preferring.prefer(context, ada.id, **changes)
    assert looked_at(context, ada.id) == coming


def test_a_digest_that_is_due_already_is_not_lost(
    context: Context, ada: Reader, clock: Any
) -> None:
    clock.moment += timedelta(days=1)
    preferring.prefer(context, ada.id, hour=6)
    assert looked_at(context, ada.id) == datetime(2026, 11, 21, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "x" * 81),
        ("name", None),
        ("timezone", "Rome"),
        ("timezone", "../../etc/passwd"),
        ("timezone", "x" * 5000),
        ("timezone", 3),
        ("days", []),
        ("days", [0]),
        ("days", [8]),
        ("days", "123"),
        ("days", [True]),
        ("hour", 24),
        ("hour", -1),
        ("hour", 7.5),
        ("hour", True),
        ("hour", None),
        ("language", "xx"),
        ("language", ["en"]),
        ("about", -1),
        ("about", 51),
        ("about", float("nan")),
        ("about", "5"),
        ("most", 0),
        ("most", 51),
        ("most", 2.5),
        ("threshold", 1.1),
        ("length", "longest"),
        ("explore", "on"),
        ("text_only", 1),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_nothing_is_set(
    context: Context, ada: Reader, name: str, value: object
) -> None:
    assert set(preferring.faults({name: value, "most": 3} | {name: value})) == {name}
    with pytest.raises(UsageError, match=f"^{name}: [A-Z].*\\.$"):
        preferring.prefer(context, ada.id, **({"most": 3} | {name: value}))
    with context.database.read() as session:
        assert readers.get(session, ada.id) == ada


def test_what_is_no_preference_is_refused(context: Context, ada: Reader) -> None:
    with pytest.raises(UsageError, match="there is no preference email, token"):
        preferring.prefer(context, ada.id, token="x", email="eve@readers.example")


def test_a_reader_who_is_gone_is_told_so(context: Context) -> None:
    with pytest.raises(UnknownName, match="this reader is gone"):
        preferring.prefer(context, 99, hour=7)
