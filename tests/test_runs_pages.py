"""The pages of backlog runs: who may what, every button, wrong words, and that looking changes nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from backlogs import DAY, FIRST, Backlog, body_of
from browsing import as_admin
from fastapi.testclient import TestClient
from httpx2 import Response
from mended_days import LAST, abstracts, asked, done, misread, planned, started, state, work
from sqlalchemy import update

from tasks import models
from tasks.office import runs as office
from tasks.records import Ring, SourceKind, Step
from tasks.round.backlog.question import Stage
from tasks.store import audit, sources
from workers.web.admin import run_days
from workers.web.app import make_app

HOSTILE = "<img src=x onerror=alert(1)>"
WISH = {"first": str(FIRST), "last": str(LAST), "stage": "parse", "mail": "none"}


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Backlog]:
    with misread(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def sit(found: Backlog) -> Iterator[Callable[[str], TestClient]]:
    """A browser of an admin of that role."""
    with ExitStack() as stack:
        yield lambda role: stack.enter_context(as_admin(found.context, role))


@pytest.fixture
def bo(sit: Callable[[str], TestClient]) -> TestClient:
    """An operator's browser."""
    return sit("operator")


def buttons(answer: Response) -> list[str]:
    """What can be pressed in the page's own part, but for signing out."""
    own = answer.text.partition("<main")[2]
    return [unescape(" ".join(words.split())) for words in re.findall(r"<button[^>]*>([^<]*)", own)]


def press(browser: TestClient, code: str, do: str, **fields: str) -> Response:
    return browser.post(f"/admin/runs/{code}", data={"do": do} | fields)


def acts(found: Backlog) -> list[tuple[str, str, str]]:
    with found.context.database.read() as session:
        return [(act.who, act.action, act.subject) for act in audit.rows(session, 50)]


def rows(found: Backlog) -> dict[str, str]:
    """A checksum of every table."""
    with found.context.database.engine.connect() as connection:
        named = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = [str(name) for (name,) in connection.exec_driver_sql(named)]
        return {
            name: hashlib.sha256(
                repr(
                    sorted(map(repr, connection.exec_driver_sql(f'SELECT * FROM "{name}"')))
                ).encode()
            ).hexdigest()
            for name in tables
        }


# --- asking for a plan ---------------------------------------------------------------------------
def test_a_plan_is_asked_for_by_a_form(found: Backlog, bo: TestClient) -> None:
    with found.context.database.write() as session:
        sources.internal(session, "other", SourceKind.HF, found.clock())
    more: Any = {"source": ["daily"], "readers": "1, r1@readers.example"}
    answer = bo.post("/admin/runs/new", data=WISH | more | {"mail": "next"})
    [run] = office.newest(found.context)
    assert (answer.status_code, run.state, run.asked_by) == (303, "planning", "operator")
    assert answer.headers["Location"] == f"/admin/runs/{run.code}?said=planned"
    question = run.question.to_json()
    assert (question["sources"], question["mail"]) == (["daily"], "next")
    assert question["readers"] == [1, 2]
    page = bo.get(answer.headers["Location"])
    assert "The plan is being made. Nothing is changed by that." in page.text
    assert buttons(page) == ["Drop this plan"]
    assert acts(found)[0] == ("operator", "backlog run planned", f"run {run.code}")


def test_the_form_says_what_each_choice_does_and_mails_nobody_by_itself(bo: TestClient) -> None:
    page = bo.get("/admin/runs/new").text
    checked = re.findall(r'value="(\w+)"\s+checked', page)
    assert checked == ["parse", "none"]
    assert "Nobody is mailed and no digest changes" in page
    assert 'name="first" required value="2026-09-30"' in " ".join(page.split())


def test_a_plan_asked_for_twice_in_one_breath_is_one(found: Backlog, bo: TestClient) -> None:
    first, second = (bo.post("/admin/runs/new", data=WISH) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(office.newest(found.context)) == 1
    work(found, office.newest(found.context)[0].code)
    assert bo.post("/admin/runs/new", data=WISH).headers["Location"] != first.headers["Location"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"first": "soon"}, "days are written like 2026-10-31"),
        ({"first": "2026-10-09", "last": "2026-10-05"}, "the days end before they begin"),
        ({"first": "2020-01-01"}, "a run has 366 days at most"),
        ({"first": "2026-11-05", "last": "2026-11-05"}, "has not come yet"),
        ({"source": "nowhere"}, "no source is named 'nowhere'"),
        ({"readers": "nobody@readers.example"}, "nobody@readers.example"),
        ({"stage": "fetch", "mail": "addendum"}, "fetch with --mail none"),
        ({"again": "1"}, "only a fetch asks again"),
        ({"readers": "1 " * 1001}, "1000 readers or sources at most"),
        ({"source": HOSTILE}, HOSTILE),
    ],
)
def test_what_makes_no_sense_is_told_on_the_form_which_keeps_what_was_typed(
    found: Backlog, bo: TestClient, wrong: dict[str, str], words: str
) -> None:
    answer = bo.post("/admin/runs/new", data=WISH | wrong)
    assert answer.status_code == 422
    assert HOSTILE not in answer.text
    assert words in unescape(answer.text)
    assert office.newest(found.context) == []
    for name, value in (WISH | wrong).items():
        if name in ("first", "last", "readers"):
            assert f'value="{value}"' in answer.text


@pytest.mark.parametrize(
    "made_up",
    [{"stage": "all"}, {"mail": "everybody"}, {"readers": "1\x00"}, {"source": ["x"] * 1001}],
)
def test_what_no_form_of_ours_sends_is_no_plan(
    found: Backlog, bo: TestClient, made_up: dict[str, Any]
) -> None:
    assert bo.post("/admin/runs/new", data=WISH | made_up).status_code == 400
    assert office.newest(found.context) == []


# --- one run -------------------------------------------------------------------------------------
def test_a_plan_is_shown_before_anything_is_done(found: Backlog, bo: TestClient) -> None:
    before = abstracts(found)
    code = planned(found, mail="addendum")
    page = bo.get(f"/admin/runs/{code}")
    text = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))
    assert buttons(page) == ["Start exactly this plan", "Drop this plan"]
    assert "Papers changed 84" in text
    assert "Mails that go out 2" in text
    assert f"{FIRST} daily 1 29 28 0 28 0 1 0" in text
    assert 'role="img"' in page.text
    assert abstracts(found) == before


def test_each_button_does_what_it_says(found: Backlog, bo: TestClient) -> None:
    code = planned(found, mail="addendum")
    steps = (
        ("start", "checking", ["Drop this plan"]),
        (1, "running", ["Pause", "Cancel: begin nothing more", STOP]),
        ("pause", "paused", ["Resume", "Cancel: begin nothing more", STOP]),
        ("resume", "running", ["Pause", "Cancel: begin nothing more", STOP]),
        ("cancel", "cancelled", ["Run again what failed or was cancelled", "Undo"]),
        ("again", "running", ["Pause", "Cancel: begin nothing more", STOP]),
        ("stop", "cancelled", ["Run again what failed or was cancelled", "Undo"]),
        ("again", "running", ["Pause", "Cancel: begin nothing more", STOP]),
        (0, "done", ["Undo"]),
        ("undo", "undoing", []),
        (0, "undone", []),
    )
    for do, becomes, then in steps:
        if isinstance(do, int):
            work(found, code, pieces=do)
        else:
            answer = press(bo, code, do)
            assert answer.status_code == 303, do
            assert 'role="status"' in bo.get(answer.headers["Location"]).text
        assert state(found, code) == becomes, do
        shown = buttons(bo.get(f"/admin/runs/{code}"))
        assert [words.partition(" (")[0] for words in shown] == then, do
    assert {act for who, act, _ in acts(found) if who == "operator"} >= {
        "backlog run started",
        "backlog run paused",
        "backlog run resumed",
        "backlog run cancelled",
        "backlog run begun again",
        "backlog run undone",
    }


STOP = "Stop now: give up what is under way too"


def test_a_plan_can_be_dropped(found: Backlog, bo: TestClient) -> None:
    code = planned(found)
    assert press(bo, code, "drop").status_code == 303
    assert state(found, code) == "dropped"
    assert "Plan the same again" in bo.get(f"/admin/runs/{code}").text


def test_a_button_pressed_twice_acts_once_and_says_so(found: Backlog, bo: TestClient) -> None:
    code = planned(found)
    assert press(bo, code, "start").status_code == 303
    again = press(bo, code, "start")
    assert again.status_code == 409
    assert f"run {code} is checking: only a plan can be started" in again.text
    assert state(found, code) == "checking"
    assert [act for _, act, _ in acts(found)].count("backlog run started") == 1


def test_what_cannot_be_done_now_is_refused(found: Backlog, bo: TestClient) -> None:
    code = done(found)
    for do in ("start", "pause", "resume", "cancel", "stop", "again", "drop"):
        assert press(bo, code, do).status_code == 409, do
    assert state(found, code) == "done"
    assert press(bo, code, "explode").status_code == 400
    assert press(bo, "run-nobody", "start").status_code == 404
    assert bo.get("/admin/runs/run-nobody").status_code == 404
    assert bo.get("/admin/runs/RUN").status_code == 400


def test_two_runs_over_the_same_days_refuse_or_queue(found: Backlog, bo: TestClient) -> None:
    first, second = started(found), asked(found, mail="next")
    work(found, second, pieces=1)
    answer = press(bo, second, "start")
    assert answer.status_code == 409
    assert f"{first} is running over some of these days" in answer.text
    assert press(bo, second, "start", queue="1").status_code == 303
    assert state(found, second) == "queued"
    assert "It waits for another run" in bo.get(f"/admin/runs/{second}").text


def test_a_plan_is_refused_once_a_page_has_come_and_says_which(
    found: Backlog, bo: TestClient
) -> None:
    code = planned(found)
    key = found.bring(FIRST, body_of(FIRST + 40 * DAY))
    work(found, code)
    before = abstracts(found)
    press(bo, code, "start")
    work(found, code)
    page = bo.get(f"/admin/runs/{code}")
    assert state(found, code) == "stale"
    assert f"a page has come: daily {FIRST}" in page.text
    assert f"(page {key})" in page.text
    assert abstracts(found) == before
    again = re.search(r'href="(/admin/runs/new\?[^"]+)"', page.text)
    assert again
    form = bo.get(unescape(again[1])).text
    assert f'value="{FIRST}"' in form
    assert f'value="{LAST}"' in form


def test_what_failed_is_told_and_run_again(found: Backlog, bo: TestClient) -> None:
    code = started(found)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("tasks.store.claims.ATTEMPTS_MOST", 1)
        broken.setattr("tasks.store.mends.mark_page", raise_)
        work(found, code)
    page = bo.get(f"/admin/runs/{code}")
    assert "the disk is full &lt;b&gt;" in page.text
    assert "Run again what failed or was cancelled (3)" in buttons(page)
    press(bo, code, "again")
    work(found, code)
    assert state(found, code) == "done"
    assert "the disk is full" not in bo.get(f"/admin/runs/{code}").text


def raise_(*_: object) -> None:
    raise OSError("the disk is full <b>")


def test_a_report_says_what_was_done_by_day(found: Backlog, bo: TestClient) -> None:
    code = done(found, mail="addendum")
    page = bo.get(f"/admin/runs/{code}").text
    text = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))
    assert "Papers changed 84 Papers merged 3 Mails 2 Its mails now 2 sent" in text
    assert "hx-get" not in page


# --- progress ------------------------------------------------------------------------------------
def test_the_page_asks_how_far_it_is_until_the_run_has_ended(
    found: Backlog, bo: TestClient
) -> None:
    code = started(found)
    page = bo.get(f"/admin/runs/{code}").text
    path = f"/admin/runs/{code}/progress?state=running"
    assert f'data-hx-get="{path}"' in page
    work(found, code, pieces=1)
    part = bo.get(path, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    far = office.look(found.context, code).progress
    assert 0 < far.done < far.total
    assert f'<progress id="bar" max="{far.total}" value="{far.done}">' in part.text
    assert f'data-hx-get="{path}"' in part.text
    assert "HX-Redirect" not in part.headers
    work(found, code)
    ended = bo.get(path, headers={"HX-Request": "true"})
    assert ended.headers["HX-Redirect"] == f"/admin/runs/{code}"
    assert "data-hx-get" not in ended.text


def test_a_part_that_is_opened_as_a_page_leads_to_the_page(found: Backlog, bo: TestClient) -> None:
    code = asked(found)
    answer = bo.get(f"/admin/runs/{code}/progress")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/admin/runs/{code}")


def test_whose_visit_is_over_is_led_out_of_the_page_and_not_into_a_part_of_it(
    found: Backlog, bo: TestClient
) -> None:
    code = started(found)
    bo.headers["Cookie"] = ""
    answer = bo.get(f"/admin/runs/{code}/progress", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/admin/sign-in")


# --- roles and looking ---------------------------------------------------------------------------
def test_a_viewer_sees_it_all_and_no_button(
    found: Backlog, sit: Callable[[str], TestClient]
) -> None:
    cy = sit("viewer")
    code = started(found)
    assert "/admin/runs/new" not in cy.get("/admin/runs").text
    page = cy.get(f"/admin/runs/{code}")
    assert buttons(page) == []
    assert "Steering a run takes an operator." in page.text
    assert "takes an operator" in cy.get("/admin/runs/new").text
    before = rows(found)
    for do in ("start", "pause", "resume", "cancel", "stop", "again", "undo", "drop"):
        assert press(cy, code, do).status_code == 403
    assert cy.post("/admin/runs/new", data=WISH).status_code == 403
    assert rows(found) == before


def test_an_owner_may_do_it_too(found: Backlog, sit: Callable[[str], TestClient]) -> None:
    assert press(sit("owner"), planned(found), "start").status_code == 303


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(found: Backlog, bo: TestClient, method: str) -> None:
    codes = [done(found, mail="addendum"), planned(found, mail="next")]
    before = rows(found)
    paths = ["/admin/runs", "/admin/runs?before=2", "/admin/runs/new?first=x&source=y&stage=score"]
    for code in codes:
        paths += [f"/admin/runs/{code}", f"/admin/runs/{code}?from=40"]
        paths += [f"/admin/runs/{code}/progress?do=start", f"/admin/runs/{code}?do=start"]
    for path in paths:
        answer = bo.request(method, path, headers={"HX-Request": "true"})
        assert answer.status_code == 200, path
    assert rows(found) == before


def test_a_form_of_another_site_does_nothing(found: Backlog, bo: TestClient) -> None:
    code = planned(found)
    bo.headers["Sec-Fetch-Site"] = "cross-site"
    assert press(bo, code, "start").status_code == 403
    assert state(found, code) == "planned"


def test_what_is_begun_wakes_the_workers(found: Backlog, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[Ring] = []
    monkeypatch.setattr("browsing.web.make_app", partial(make_app, ring=rung.extend))
    with as_admin(found.context, "operator") as bo:
        bo.post("/admin/runs/new", data=WISH)
        run = office.newest(found.context)[0]
        work(found, run.code)
        press(bo, run.code, "start")
    assert rung == [Ring(Step.BACKLOG, run.id, run.id)] * 2


def test_strangers_words_are_shown_and_not_obeyed(found: Backlog, bo: TestClient) -> None:
    with found.context.database.write() as session:
        session.execute(update(models.Source).values(name=HOSTILE))
    code = planned(found, sources=(HOSTILE,))
    with found.context.database.write() as session:
        session.execute(
            update(models.Run).values(
                asked_by=HOSTILE, error=HOSTILE, state="failed", report={"done": 1, "of": 2}
            )
        )
        session.execute(
            update(models.RunItem)
            .where(models.RunItem.kind == "plan")  # type: ignore[arg-type]
            .values(state="failed", error=HOSTILE)
        )
    for path in ("/admin/runs", f"/admin/runs/{code}", "/admin/runs/new"):
        page = bo.get(path)
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert HOSTILE in unescape(page.text)


# --- all of them ---------------------------------------------------------------------------------
def test_the_list_tells_what_came_of_each_by_pages(
    found: Backlog, bo: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There were none yet." in bo.get("/admin/runs").text
    monkeypatch.setattr("workers.web.admin.runs.PER_PAGE", 2)
    first, second, third = done(found), planned(found, mail="next"), asked(found, mail="next")
    page = bo.get("/admin/runs")
    assert [third, second] == re.findall(r'<a href="/admin/runs/(run-\w+)">', page.text)[-2:]
    assert f"{third}</a> is planning" in page.text
    older = re.search(r'href="(/admin/runs\?before=\d+)"', page.text)
    assert older
    rest = bo.get(older[1]).text
    assert first in rest
    assert "84 papers changed, 3 papers merged" in rest
    assert "There are no older ones." in bo.get("/admin/runs?before=1").text


def test_a_fetch_says_which_days_of_which_sources(found: Backlog, bo: TestClient) -> None:
    with found.context.database.write() as session:
        sources.set_state(session, "daily", "active")
        session.execute(update(models.Source).values(address="https://papers.example", attempts=0))
        session.execute(update(models.Source).values(next_attempt_at=found.clock() + DAY))
    code = planned(found, stage=Stage.FETCH, again=True)
    page = bo.get(f"/admin/runs/{code}").text
    assert "from fetch on · also days that came · no mail" in page
    assert f"{FIRST} to {LAST}" in page
    assert "3 days of sources" in page
    assert 'role="img"' not in page


def row(day: int, **more: int) -> dict[str, Any]:
    empty = dict.fromkeys(("pages", "before", "after", *run_days.KINDS), 0)
    return empty | {"day": str(FIRST + day * DAY), "source": "daily"} | more


def test_many_days_are_shown_a_part_at_a_time() -> None:
    some = [row(day, changed=day % 2) for day in range(200)]
    first, last = run_days.part(some, 0), run_days.part(some, 80)
    assert (len(first.rows), first.number, first.same) == (40, 100, 100)
    assert (first.before, first.after) == (None, 40)
    assert (len(last.rows), last.before, last.after) == (20, 40, None)
    beyond = run_days.part(some, 4000)
    assert (list(beyond.rows), beyond.after) == ([], None)


def test_days_without_a_page_are_gaps_in_the_plot() -> None:
    assert run_days.plotted([]) is None
    made = run_days.plotted([row(0, before=4, after=2), row(2, before=1, after=4)])
    assert made
    assert (made.width, made.most) == (30, 4)
    assert made.bars == "M2 100V50h6V100zM22 100V0h6V100z"
    assert made.steps == "M0 0h10M20 75h10"
