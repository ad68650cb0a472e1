"""Visits, keys, pauses, leaving and coming back."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from papers import add_reader

from tasks.desk import leaving, visiting
from tasks.desk.visiting import FULL, TUNE, Visitor
from tasks.errors import LinkOver, UnknownName, UsageError
from tasks.records import Reader
from tasks.round.context import Context
from tasks.round.tick import tick
from tasks.store import readers

NOBODY = 999


@pytest.fixture
def ada(context: Context) -> Reader:
    with context.database.write() as session:
        key = add_reader(session, context.clock(), timezone="America/New_York")
        return readers.get(session, key)


def get(context: Context, reader: Reader) -> Reader:
    with context.database.read() as session:
        return readers.get(session, reader.id)


def looked_at(context: Context, reader: Reader) -> datetime | None:
    with context.database.read() as session:
        row = next(row for row in readers.rows(session) if row["id"] == reader.id)
    found: datetime | None = row["next_digest_at"]
    return found


def set_state(context: Context, reader: Reader, state: str) -> None:
    with context.database.write() as session:
        readers.change(session, reader.id, state=state)


# --- visits ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scope", "lasts"), [(FULL, timedelta(days=30)), (TUNE, timedelta(days=1))]
)
def test_a_visit_lasts_its_time_and_knows_its_scope(
    context: Context, ada: Reader, scope: str, lasts: timedelta
) -> None:
    secret = visiting.begin(context, ada.id, scope)
    assert visiting.visitor(context, secret) == Visitor(reader=ada, scope=scope)
    context.clock.moment += lasts  # type: ignore[attr-defined]
    assert visiting.visitor(context, secret) is None


def test_who_left_still_visits_and_who_never_confirmed_does_not(
    context: Context, ada: Reader
) -> None:
    secret = visiting.begin(context, ada.id, FULL)
    for state, comes in (("unsubscribed", True), ("paused", True), ("pending", False)):
        set_state(context, ada, state)
        assert (visiting.visitor(context, secret) is not None) is comes


def test_signing_out_ends_one_visit_or_all_of_a_reader(context: Context, ada: Reader) -> None:
    with context.database.write() as session:
        bo = add_reader(session, context.clock(), "bo@readers.example")
    here, there, other = (visiting.begin(context, key, FULL) for key in (ada.id, ada.id, bo))
    visiting.end(context, here)
    visiting.end(context, "no cookie of ours")
    assert [bool(visiting.visitor(context, one)) for one in (here, there, other)] == [0, 1, 1]
    assert visiting.end_all(context, ada.id) == 1
    assert [bool(visiting.visitor(context, one)) for one in (there, other)] == [0, 1]


def test_nobody_visits_as_a_reader_who_is_gone(context: Context) -> None:
    with pytest.raises(UnknownName, match="subscribe"):
        visiting.begin(context, NOBODY, FULL)


@pytest.mark.parametrize("secret", ["", "x", "s" * 43, "ü" * 43, "a\x00" + "b" * 41])
def test_a_strange_cookie_is_nobodys(context: Context, ada: Reader, secret: str) -> None:
    assert visiting.visitor(context, secret) is None


# --- keys ------------------------------------------------------------------------------------------
def test_a_key_is_shown_once_and_known_by_its_beginning(context: Context, ada: Reader) -> None:
    key, secret = visiting.make_key(context, ada.id, "  my\nscript ")
    assert re.fullmatch(r"pr_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", secret)
    assert (key.name, secret.startswith(f"{key.start}_"), key.used_at) == ("my script", True, None)
    assert visiting.key_owner(context, secret) == ada
    assert visiting.list_keys(context, ada.id) == [key], "looking is not noted"
    context.clock.moment += timedelta(hours=1)  # type: ignore[attr-defined]
    visiting.key_used(context, secret)
    assert visiting.list_keys(context, ada.id)[0].used_at == context.clock()


def test_a_key_ends_when_its_owner_revokes_it_and_only_then(context: Context, ada: Reader) -> None:
    with context.database.write() as session:
        bo = add_reader(session, context.clock(), "bo@readers.example")
    key, secret = visiting.make_key(context, ada.id, "script")
    with pytest.raises(UnknownName, match=f"no key {key.id}"):
        visiting.revoke_key(context, bo, key.id)
    assert visiting.key_owner(context, secret)
    visiting.revoke_key(context, ada.id, key.id)
    assert visiting.key_owner(context, secret) is None
    assert visiting.list_keys(context, ada.id) == []


def test_keys_are_named_and_few(context: Context, ada: Reader) -> None:
    for name in ("", " ", "n" * 61):
        with pytest.raises(UsageError, match="name of 1 to 60"):
            visiting.make_key(context, ada.id, name)
    for number in range(visiting.KEYS_MOST):
        visiting.make_key(context, ada.id, str(number))
    with pytest.raises(UsageError, match="revoke one"):
        visiting.make_key(context, ada.id, "one more")
    with pytest.raises(UnknownName):
        visiting.make_key(context, NOBODY, "nobody's")


def test_a_key_of_who_never_confirmed_opens_nothing(context: Context, ada: Reader) -> None:
    _, secret = visiting.make_key(context, ada.id, "script")
    set_state(context, ada, "pending")
    assert visiting.key_owner(context, secret) is None


# --- pausing ---------------------------------------------------------------------------------------
def test_a_pause_ends_by_itself_where_the_reader_lives(context: Context, ada: Reader) -> None:
    paused = leaving.pause(context, ada.id, date(2026, 11, 25))
    assert (paused.state, paused.back_on) == ("paused", date(2026, 11, 25))
    for moment, state in (
        (datetime(2026, 11, 25, 4, 59, tzinfo=UTC), "paused"),
        (datetime(2026, 11, 25, 5, 0, tzinfo=UTC), "active"),
    ):
        context.clock.moment = moment  # type: ignore[attr-defined]
        tick(context, moment)
        assert get(context, ada).state == state
    assert get(context, ada).back_on is None
    assert looked_at(context, ada) == datetime(2026, 11, 25, 12, 0, tzinfo=UTC), "that very morning"


def test_a_pause_without_a_day_lasts_until_it_is_ended(context: Context, ada: Reader) -> None:
    leaving.pause(context, ada.id, None)
    context.clock.moment += timedelta(days=400)  # type: ignore[attr-defined]
    tick(context, context.clock())
    assert get(context, ada).state == "paused"
    resumed = leaving.resume(context, ada.id)
    assert (resumed.state, resumed.back_on) == ("active", None)
    assert looked_at(context, ada) > context.clock()  # type: ignore[operator]


def test_a_pause_in_a_zone_that_is_not_known_ends_all_the_same(
    context: Context, ada: Reader
) -> None:
    leaving.pause(context, ada.id, date(2026, 11, 21))
    with context.database.write() as session:
        readers.change(session, ada.id, timezone="Mars/Olympus")
        assert readers.wake(session, datetime(2026, 11, 20, 23, 59, tzinfo=UTC)) == 0
        assert readers.wake(session, datetime(2026, 11, 21, tzinfo=UTC)) == 1


@pytest.mark.parametrize(
    "until", [date(2026, 11, 20), date(2026, 11, 1), date(2027, 11, 22), date.max]
)
def test_a_pause_ends_between_tomorrow_and_a_year_from_now(
    context: Context, ada: Reader, until: date
) -> None:
    with pytest.raises(UsageError, match="between tomorrow and a year"):
        leaving.pause(context, ada.id, until)
    assert get(context, ada) == ada


def test_a_pause_may_be_had_in_place_of_leaving(context: Context, ada: Reader) -> None:
    leaving.leave(context, ada.token)
    paused = leaving.pause_instead(context, ada.token, date(2026, 12, 1))
    assert (paused.state, paused.back_on) == ("paused", date(2026, 12, 1))
    set_state(context, ada, "pending")
    with pytest.raises(UsageError, match="not confirmed"):
        leaving.pause_instead(context, ada.token, date(2026, 12, 1))


def test_there_is_nothing_to_pause_where_no_digests_are_sent(context: Context, ada: Reader) -> None:
    for state in ("pending", "unsubscribed"):
        set_state(context, ada, state)
        with pytest.raises(UsageError, match="nothing to pause"):
            leaving.pause(context, ada.id, None)


def test_resuming_an_active_reader_moves_nothing(context: Context, ada: Reader) -> None:
    before = looked_at(context, ada)
    assert leaving.resume(context, ada.id) == ada
    assert looked_at(context, ada) == before
    set_state(context, ada, "pending")
    with pytest.raises(UsageError, match="not confirmed"):
        leaving.resume(context, ada.id)


def test_leaving_and_undoing_take_the_token_of_the_mails(context: Context, ada: Reader) -> None:
    assert leaving.leave(context, ada.token).state == "unsubscribed"
    assert leaving.leave(context, ada.token).state == "unsubscribed", "a second time says the same"
    assert leaving.undo(context, ada.token).state == "active"
    leaving.pause(context, ada.id, None)
    assert leaving.undo(context, ada.token).state == "paused", "there was nothing to undo"
    leaving.pause(context, ada.id, date(2026, 12, 1))
    leaving.leave(context, ada.token)
    assert leaving.undo(context, ada.token).back_on is None
    for act in (leaving.leave, leaving.undo):
        with pytest.raises(LinkOver):
            act(context, "nobody's")


def test_nothing_is_done_for_who_is_gone(context: Context) -> None:
    for act in (leaving.resume, leaving.renew_links, leaving.renew_feed):
        with pytest.raises(UnknownName, match="gone"):
            act(context, NOBODY)
    with pytest.raises(UnknownName, match="gone"):
        leaving.pause(context, NOBODY, None)
