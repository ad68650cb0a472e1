"""Kept pages by an admin's hand: what is known of one, and reading one again that was set aside."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from papers import add_page, add_source, api_json, bring, entry, page
from sqlmodel import Session, select

from tasks.errors import Conflict, PageError, UnknownName
from tasks.models import Entry, Page
from tasks.office import pages
from tasks.records import RawPage, RejectedItem, Ring, Step
from tasks.round.context import Context
from tasks.round.parsing import parse
from tasks.store import audit
from tasks.store import pages as store

WHO = "ada"


def quarantine(session: Session, key: int, now: datetime) -> None:
    store.claim(session, key, key, owner="me", now=now)
    store.quarantined(session, key, owner="me", reason="bad_json", error="it ends too early")


def test_pages_are_listed_by_source_and_state_without_a_gap(
    context: Context, now: datetime
) -> None:
    with context.database.write() as session:
        one, two = (add_source(session, now, name) for name in ("one", "two"))
        keys = [add_page(session, one, now, b"%d" % n) for n in range(5)]
        other = add_page(session, two, now, b"other")
        quarantine(session, keys[1], now)
    first = pages.last(context, 2, source="one")
    rest = pages.last(context, 9, source="one", before=first[-1].id)
    assert [row.id for row in [*first, *rest]] == keys[::-1]
    assert [row.id for row in pages.last(context, 9)] == [other, *keys[::-1]]
    (aside,) = pages.last(context, 9, state="quarantined")
    assert (aside.id, aside.source, aside.error) == (keys[1], "one", "bad_json: it ends too early")
    assert aside.packed > 0
    assert pages.last(context, 9, source="on_") == []


def test_all_that_is_known_of_a_page_is_told(context: Context, now: datetime) -> None:
    rejected = (RejectedItem(position=3, reason="no title", raw="<p>"),)
    found = page(entry(1, warnings=("odd",)), entry(2), rejected=rejected, warnings=("half",))
    with context.database.write() as session:
        bring(session, found, now)
    whole = pages.whole(context, 1)
    assert (whole.row.state, whole.row.entries, whole.row.rejected) == ("parsed", 2, 1)
    assert (whole.new, whole.merged, whole.shape, whole.warnings) == (2, 0, "hf-api", ("half",))
    assert [(one.rank, one.title, one.warnings) for one in whole.found] == [
        (1, entry(1).title, ("odd",)),
        (2, entry(2).title, ()),
    ]
    assert [(one.position, one.reason, one.raw) for one in whole.refused] == [
        (3, "no title", "<p>")
    ]
    for ask in (pages.whole, pages.text):
        with pytest.raises(UnknownName, match="no page 7"):
            ask(context, 7)


def test_a_page_that_was_set_aside_is_read_once_more(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        source = add_source(session, now)
        raw = RawPage(url="x", body=api_json(entry(1)), fetched_at=now, day=now.date())
        key = store.keep(session, source, raw)[0]
        quarantine(session, key, now)
        session.get_one(Page, key).attempts = 5
    assert pages.parse_again(context, WHO, key) == [Ring(Step.PARSE, key, key)]
    with pytest.raises(Conflict, match="waits to be parsed already"):
        pages.parse_again(context, WHO, key)
    parse(context, key, key, now)
    whole = pages.whole(context, key)
    assert (whole.row.state, whole.row.error, whole.row.entries) == ("parsed", "", 1)
    with pytest.raises(Conflict, match="is parsed, and only a quarantined one is parsed again"):
        pages.parse_again(context, WHO, key)
    with pytest.raises(UnknownName, match="no page 99"):
        pages.parse_again(context, WHO, 99)
    with context.database.read() as session:
        told = [(act.action, act.subject) for act in audit.rows(session, 9)]
    assert told == [("page parsed again", f"page {key}")]


def test_an_old_page_that_is_read_again_brings_news_of_its_own_day(
    context: Context, now: datetime
) -> None:
    old = now - timedelta(days=60)
    with context.database.write() as session:
        source = add_source(session, now)
        raw = RawPage(url="x", body=api_json(entry(1)), fetched_at=old, day=old.date())
        key = store.keep(session, source, raw)[0]
        quarantine(session, key, now)
    pages.parse_again(context, WHO, key)
    parse(context, key, key, now)
    with context.database.read() as session:
        assert session.exec(select(Entry.arrived_at)).all() == [old], "it belongs to its own day"
    assert pages.whole(context, key).row.day == old.date()


def test_every_reason_to_set_a_page_aside_has_a_remedy() -> None:
    said = PageError.__doc__ or ""
    reasons = {word.strip("`.") for word in said.partition("Reasons:")[2].split()} - {""}
    reasons = {reason.strip(",").strip("`") for reason in reasons}
    assert reasons == set(pages.REMEDIES)
    assert pages.remedy("crashed: it died") == pages.REMEDIES["crashed"]
    assert pages.remedy("something new: x") == ""
