"""Whatever a parser misread: after a run the store is as if a sound one had read every page."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from misread import (
    DAY,
    FIRST,
    LAST,
    Fault,
    Pages,
    World,
    advert,
    at_random,
    cut,
    halves,
    nameless,
    paper,
    sound,
    spoiled,
    weeks_at_random,
)
from sqlmodel import select

from tasks import models
from tasks.errors import PageError
from tasks.office import runs
from tasks.office.runs import Standing
from tasks.records import ParsedEntry, ParsedPage, RawPage
from tasks.round.backlog.question import Question
from tasks.settings import Settings
from tasks.store.database import Database

ONE, TWO, THREE, FOUR = (paper(number) for number in range(1, 5))
PLAIN: Pages = [(0, "daily", [ONE, TWO, THREE]), (1, "daily", [TWO, FOUR])]
KEYLESS: Pages = [(0, "daily", [nameless(n) for n in (1, 2, 3)]), (1, "daily", [nameless(2)])]
SHARED: Pages = [
    (0, "daily", [ONE, TWO, THREE]),
    (0, "other", [replace(TWO, source_id="", upvotes=None), FOUR]),
    (1, "daily", [THREE, TWO]),
]
GROWING: Pages = [
    (0, "daily", [replace(ONE, upvotes=votes), replace(TWO, upvotes=9 * votes)])
    for votes in (1, 4, 9)
]
REVISED = replace(TWO, arxiv_version=2, abstract=f"{TWO.abstract} Now with a proof.")
VERSIONS: Pages = [
    (0, "daily", [ONE, replace(TWO, arxiv_version=1)]),
    (1, "other", [REVISED]),
    (2, "daily", [replace(TWO, arxiv_version=1), THREE]),
]
Found = list[ParsedEntry]


def each(change: Any) -> Fault:
    return lambda found: [change(one) for one in found]


def split_second(found: Found, *, key: bool = False) -> Found:
    if len(found) < 2:
        return found
    whole, half = halves(found[1], key=key)
    return [found[0], whole, *found[2:], half]


def glued(found: Found) -> Found:
    first, second, *others = found
    return [replace(first, abstract=f"{first.abstract} {second.abstract}"), *others]


CASES: dict[str, tuple[Pages, Fault]] = {
    "last sentences dropped": (PLAIN, each(cut)),
    "a paper in two": (PLAIN, split_second),
    "a paper in two by its key": (PLAIN, lambda found: split_second(found, key=True)),
    "a nameless paper in two": (KEYLESS, split_second),
    "a paper in two on pages of two sources": (SHARED, split_second),
    "two papers in one": (PLAIN, glued),
    "wrong titles": (PLAIN, each(lambda one: replace(one, title=f"Page of {one.title} (PDF)"))),
    "wrong titles of nameless papers": (KEYLESS, each(lambda o: replace(o, title=o.title[:7]))),
    "one title for all that are nameless": (KEYLESS, each(lambda o: replace(o, title="Papers"))),
    "lost arXiv ids": (SHARED, each(lambda one: replace(one, arxiv_id=None, url=None))),
    "lost arXiv ids and titles": (
        SHARED,
        each(lambda one: replace(one, arxiv_id=None, url=None, title=f"{one.title} …")),
    ),
    "wrong authors": (PLAIN, each(lambda one: replace(one, authors=("Nobody",)))),
    "no categories": (SHARED, each(lambda one: replace(one, categories=()))),
    "papers dropped": (PLAIN, lambda found: found[1:]),
    "all papers dropped": (PLAIN, lambda _: []),
    "papers invented": (PLAIN, lambda found: [advert(1), *found, advert(len(found))]),
    "in another order": (SHARED, lambda found: found[::-1]),
    "lost votes": (GROWING, each(lambda one: replace(one, upvotes=None))),
    "growing votes, cut": (GROWING, each(cut)),
    "a later version split": (VERSIONS, split_second),
    "versions cut": (VERSIONS, each(cut)),
    "lost versions": (VERSIONS, each(lambda one: replace(one, arxiv_version=None))),
    "invented versions": (VERSIONS, each(lambda one: replace(one, arxiv_version=7))),
    "withdrawn by mistake": (SHARED, each(lambda one: replace(one, withdrawn=True))),
}


@pytest.fixture
def soundly(migrated_file: Path, tmp_path: Path) -> Iterator[World]:
    """A world with a sound parser from the start."""
    database = Database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'sound.db')}")
    yield world_of(database, tmp_path / "sound")
    database.close()


@pytest.fixture
def misread(database: Database, tmp_path: Path) -> World:
    """A world on each kind of database, whose parser is to have a fault."""
    return world_of(database, tmp_path / "misread")


@pytest.fixture
def misread_here(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """The same, on SQLite alone."""
    database = Database(sqlite_url)
    yield world_of(database, tmp_path / "misread")
    database.close()


def world_of(database: Database, home: Path) -> World:
    return World(database, Settings(home=home, _env_file=None), sound)  # type: ignore[call-arg]


def counted(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """What became of the papers, from their rows."""
    was, now = before["entries"], after["entries"]
    alive = [key for key in was if now[key][1] is None]
    gone = {key for key in alive if now[key][0]["withdrawn"] and not stands(after, key)}
    return {
        "added": len(now) - len(was),
        "changed": sum(was[key][0] != now[key][0] for key in alive if key not in gone),
        "merged": len({now[key][1] for key in was if now[key][1] and not was[key][1]}),
        "gone": len(gone),
    }


def stands(rows: dict[str, Any], key: int) -> bool:
    return any(place[0] == key for place in rows["sightings"])


@pytest.mark.parametrize("case", CASES)
def test_what_was_misread_comes_right(case: str, misread_here: World, soundly: World) -> None:
    comes_right(misread_here, soundly, *CASES[case])


@pytest.mark.parametrize(
    "case", ["a paper in two on pages of two sources", "papers dropped", "growing votes, cut"]
)
def test_what_was_misread_comes_right_on_both_databases(
    case: str, misread: World, soundly: World
) -> None:
    comes_right(misread, soundly, *CASES[case])


def comes_right(misread: World, soundly: World, some: Pages, fault: Fault) -> None:
    misread.read_by(spoiled(fault))
    for world in (misread, soundly):
        world.fill(some)
    before = misread.rows()
    assert misread.known() != soundly.known()
    planned = misread.plan()
    assert misread.rows() == before, "a plan changes nothing"
    done = misread.start(planned.code)
    assert (done.state, done.error, done.report["conflicts"]) == ("done", "", [])
    assert misread.known() == soundly.known()
    assert done.report["papers"] == planned.plan["papers"]
    real = counted(before, misread.rows())
    assert {kind: done.report["papers"][kind] for kind in real} == real
    assert misread.plan().plan["work"] == {}, "once mended, nothing is left to be mended"


@pytest.mark.parametrize("seed", range(12))
def test_whatever_was_misread_comes_right(seed: int, misread_here: World, soundly: World) -> None:
    misread_here.read_by(spoiled(at_random(seed)))
    for world in (misread_here, soundly):
        world.fill(weeks_at_random(seed))
    assert soundly.plan().plan["work"] == {}, "a healthy store plans nothing"
    done = misread_here.mend()
    assert (done.state, done.report["papers"]) == ("done", done.plan["papers"])
    assert misread_here.known() == soundly.known()
    assert misread_here.plan().plan["work"] == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 116))
def test_days_mended_one_by_one_in_any_order_come_right(
    seed: int, misread_here: World, soundly: World
) -> None:
    misread_here.read_by(spoiled(at_random(seed)))
    for world in (misread_here, soundly):
        world.fill(weeks_at_random(seed))
    for number in Random(seed).sample(range(3), 3):
        misread_here.clock.moment += DAY
        done = misread_here.mend(FIRST + number * DAY, FIRST + number * DAY)
        assert (done.state, done.report["conflicts"]) == ("done", [])
    assert misread_here.known() == soundly.known()


@pytest.mark.parametrize("some", [PLAIN, KEYLESS, SHARED, GROWING, VERSIONS])
def test_a_healthy_store_plans_nothing_for_any_range(some: Pages, misread_here: World) -> None:
    misread_here.fill(some)
    for first, last in ((FIRST, LAST), (FIRST, FIRST), (FIRST + DAY, FIRST + DAY)):
        plan = misread_here.plan(first, last).plan
        assert (plan["work"], set(plan["papers"].values())) == ({}, {0})


def test_entries_that_were_joined_by_a_later_page_are_no_fault(misread: World) -> None:
    alone = replace(ONE, arxiv_id=None, url=None, source_id="")
    other = replace(ONE, title="The same paper by its other title", source_id="")
    misread.bring(FIRST, [alone, other])
    misread.bring(FIRST + DAY, [ONE])
    assert misread.plan().plan["work"] == {}


def test_a_plan_made_twice_is_the_same_plan(misread_here: World) -> None:
    misread_here.read_by(spoiled(split_second))
    misread_here.fill(SHARED)
    codes = [misread_here.plan().code for _ in range(2)]
    first, second = (pieces(misread_here, code) for code in codes)
    assert first == second
    assert {kind for kind, _, _ in first} >= {"pages", "papers"}


def pieces(world: World, code: str) -> list[tuple[str, int, dict[str, Any]]]:
    with world.context.database.read() as session:
        run = session.exec(select(models.Run).where(models.Run.code == code)).one()
        rows = session.exec(
            select(models.RunItem)
            .where(models.RunItem.run_id == run.id, models.RunItem.kind != "plan")
            .order_by(models.RunItem.position)  # type: ignore[arg-type]
        )
        return [(row.kind, row.size, row.payload) for row in rows]


def test_a_report_tells_each_day_as_it_was_and_as_it_is(misread: World) -> None:
    misread.read_by(spoiled(split_second))
    misread.fill(SHARED)
    before = standing(misread)
    done = misread.mend()
    assert done.plan["days"] == [
        {name: told for name, told in row.items() if name != "not_done"}
        for row in done.report["days"]
    ]
    told = {(row["source"], row["day"]): row for row in done.report["days"]}
    after = standing(misread)
    assert {place: (row["before"], row["after"]) for place, row in told.items()} == {
        place: (before[place], after[place]) for place in before
    }
    assert before["daily", "2026-10-05"] == 4


def standing(world: World) -> Counter[tuple[str, str]]:
    """How many papers stand on the pages of each source and day."""
    with world.context.database.read() as session:
        rows = session.exec(
            select(models.Source.name, models.Page.day, models.Sighting.entry_id)
            .join(models.Page, models.Page.source_id == models.Source.id)  # type: ignore[arg-type]
            .join(models.Sighting, models.Sighting.page_id == models.Page.id)  # type: ignore[arg-type]
            .join(models.Entry, models.Entry.id == models.Sighting.entry_id)  # type: ignore[arg-type]
            .where(models.Entry.merged_into == None)  # noqa: E711  (SQL's IS NULL)
            .distinct()
        ).all()
    return Counter((name, str(day)) for name, day, _ in rows)


def test_a_page_that_was_set_aside_is_read_now(misread: World, soundly: World) -> None:
    def refuses(page: RawPage) -> ParsedPage:
        if page.url.endswith("/2"):
            raise PageError("not_a_page", "what is this?")
        return sound(page)

    misread.read_by(refuses)
    for world in (misread, soundly):
        world.bring(FIRST, [ONE, TWO])
        world.bring(FIRST, [TWO, THREE], rejected=[7])
    done = misread.mend()
    assert (done.plan["pages"]["mended"], done.report["papers"]["added"]) == (1, 1)
    assert misread.known() == soundly.known()


def test_a_page_that_can_no_longer_be_read_is_left_as_it_is(misread: World) -> None:
    misread.read_by(spoiled(each(cut)))
    misread.bring(FIRST, [ONE, TWO])
    broken = misread.bring(FIRST, [TWO, THREE])
    before = misread.rows()

    def refuses(page: RawPage) -> ParsedPage:
        if page.url.endswith("/2"):
            raise PageError("not_a_page", "what is this?")
        return sound(page)

    done = mended_by(misread, refuses)
    assert [one["page"] for one in done.plan["pages"]["unreadable"]] == [broken]
    assert "what is this?" in done.plan["pages"]["unreadable"][0]["why"]
    after = misread.rows()
    changed = [key for key in before["entries"] if after["entries"][key] != before["entries"][key]]
    assert [after["entries"][key][0]["title"] for key in changed] == [ONE.title]
    assert after["pages"] == before["pages"]
    assert {one for one in after["sightings"] if one[1] == broken} == {
        one for one in before["sightings"] if one[1] == broken
    }
    assert after["names"] == before["names"]


def mended_by(world: World, read: Any) -> Standing:
    """A run by another parser than the sound one."""
    world.read_by(read)
    question = Question(first=FIRST, last=LAST)
    code, _ = runs.plan(world.context, question, "ada")
    world.work()
    return world.start(code)


def test_what_pages_of_other_days_say_of_a_paper_counts(misread: World, soundly: World) -> None:
    misread.read_by(spoiled(each(cut)))
    some: Pages = [(0, "daily", [ONE, replace(TWO, abstract="", authors=())]), (3, "daily", [TWO])]
    for world in (misread, soundly):
        world.fill(some)
    done = misread.mend(FIRST, FIRST)
    assert done.plan["pages"] == {"read": 1, "beside": 1, "mended": 0, "unreadable": []}
    assert misread.known()["papers"] == soundly.known()["papers"]


def test_only_the_sources_asked_for_are_looked_at(misread_here: World) -> None:
    misread_here.read_by(spoiled(each(cut)))
    misread_here.bring(FIRST, [ONE])
    misread_here.bring(FIRST, [TWO], source="other")
    done = misread_here.mend(sources=("other",))
    assert (done.plan["pages"]["read"], done.report["papers"]["changed"]) == (1, 1)
    assert [row["source"] for row in done.report["days"]] == ["other"]


def test_what_never_was_a_paper_stands_in_no_papers_way(misread: World, soundly: World) -> None:
    ghost = replace(advert(1), arxiv_id=FOUR.arxiv_id)
    misread.read_by(spoiled(lambda found: [*found, ghost]))
    for world in (misread, soundly):
        world.bring(FIRST, [ONE, TWO])
    done = misread.mend()
    assert done.report["papers"]["gone"] == 1
    for world in (misread, soundly):
        world.bring(FIRST + DAY, [FOUR])
    assert misread.known() == soundly.known()


def test_a_paper_of_these_days_that_was_dropped_is_news_now(misread_here: World) -> None:
    misread_here.read_by(spoiled(lambda found: found[1:]))
    misread_here.bring(FIRST, [ONE, TWO])
    misread_here.clock.moment += 2 * DAY
    misread_here.mend()
    arrived = {told[0]["title"]: told[2] for told in misread_here.rows()["entries"].values()}
    assert arrived[ONE.title] == misread_here.clock()


def test_a_paper_of_old_days_that_was_dropped_is_known_and_no_news(misread_here: World) -> None:
    misread_here.read_by(spoiled(lambda found: found[1:]))
    misread_here.bring(FIRST, [ONE, TWO])
    misread_here.clock.moment += 20 * DAY
    misread_here.mend()
    arrived = {told[0]["title"]: told[2] for told in misread_here.rows()["entries"].values()}
    assert arrived[ONE.title] is None
