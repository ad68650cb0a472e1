"""The page that tells why a paper came or did not: what it shows, and that its proposal can be taken."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import html5lib
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_reader, bring, entry, page
from sqlmodel import select, update

from tasks import models
from tasks.desk import interests, preferring, teaching, visiting
from tasks.desk.visiting import FULL
from tasks.records import ParsedEntry, Want
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import readers
from tasks.store.database import Database
from workers.web.app import make_app
from workers.web.page import COOKIE

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
OURS = {"Sec-Fetch-Site": "same-origin"}
SMALL = 60_000  # bytes


class Clock:
    moment = AT

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Ada:
    """The first reader, signed in."""

    context: Context
    clock: Clock
    browser: TestClient

    def get(self, path: object, **options: bool) -> Response:
        return self.browser.get(f"/my/why{path}", **options)

    def post(self, entry_id: int, **typed: object) -> Response:
        fields = {name: str(value) for name, value in typed.items()}
        return self.browser.post(
            f"/my/why/{entry_id}/apply", data=fields, headers=OURS, follow_redirects=False
        )

    def number(self, number: int) -> int:
        """The entry that `entry(number)` became."""
        named = models.Entry.arxiv_id == f"2611.{number:05d}"
        with self.context.database.read() as session:
            return session.exec(select(models.Entry.id).where(named)).one() or 0

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the form on the page that is open."""
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.shown.text))

    shown: Response = None  # type: ignore[assignment]

    def see(self, entry_id: int) -> str:
        """What a person reads on the page of that entry."""
        self.shown = self.get(f"/{entry_id}")
        assert self.shown.status_code == 200
        html5lib.HTMLParser(strict=True).parse(self.shown.text)
        assert len(self.shown.content) < SMALL
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.shown.text))


def arrive(context: Context, at: datetime, *found: ParsedEntry) -> None:
    with context.database.write() as session:
        bring(session, page(*found, day=at.date()), at, body=f"{at}".encode())
        session.execute(update(models.Source).values(state="paused"))


@pytest.fixture(scope="module")
def built(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week of papers; Ada had a digest this morning; then more came."""
    home = tmp_path_factory.mktemp("why-pages")
    file = Path(shutil.copy(migrated_file, home / "built.db"))
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    clock = Clock()
    context = Context(settings=settings, database=Database(f"sqlite:///{file}"), clock=clock)
    for back in range(7, 0, -1):
        arrive(context, AT - back * DAY, *(entry(back * 10 + n) for n in range(10)))
    hostile = entry(500, title=HOSTILE, authors=(HOSTILE, "Ada Author500"))
    found = (hostile, *(entry(500 + n) for n in range(1, 30)))
    arrive(context, AT.replace(hour=6), *found)
    with context.database.write() as session:
        add_reader(session, AT, about=2, most=2, terms=["graph kernels"])
    run_once(context, AT)
    arrive(context, AT + HOUR, *(entry(600 + n) for n in range(10)))
    context.close()
    return file


@pytest.fixture
def ada(built: Path, tmp_path: Path) -> Iterator[Ada]:
    """Ada at her browser, in the afternoon."""
    shutil.copy(built, tmp_path / "paperround.db")
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]
    clock = Clock()
    clock.moment = AT + timedelta(hours=5)
    context = Context(settings=settings, database=Database(settings.database), clock=clock)
    app = make_app(settings, clock=clock)
    with TestClient(app, "https://localhost", client=("127.0.0.1", 5)) as browser:
        browser.cookies.set(COOKIE, visiting.begin(context, 1, FULL))
        yield Ada(context, clock, browser)
    context.close()


def sent(ada: Ada) -> int:
    with ada.context.database.read() as session:
        first = select(models.Pick.entry_id).order_by(models.Pick.place)  # type: ignore[arg-type]
        return session.exec(first).first() or 0


def test_a_question_leads_to_the_paper_or_to_papers_to_choose_from(ada: Ada) -> None:
    for asked in ("2611.00501", "https://arxiv.org/abs/2611.00501", str(ada.number(501))):
        answer = ada.get(f"?q={asked}", follow_redirects=False)
        assert answer.headers["location"] == f"/my/why/{ada.number(501)}"
    several = ada.get("?q=graph kernels")
    assert several.text.count('href="/my/why/') == 10
    assert "Which of these?" in several.text


def test_an_unknown_paper_is_told_with_what_to_do(ada: Ada) -> None:
    for asked in ("2611.99999", "zebra", f"{HOSTILE} zebra", "x" * 2000):
        answer = ada.browser.get("/my/why", params={"q": asked})
        assert "We do not have this paper" in answer.text
        assert "<script>alert" not in answer.text
    assert "We do not have" not in ada.get("").text
    assert "We do not have" not in ada.get("?q=%20").text


@pytest.mark.parametrize("name", ["0", "x", "1e3", "9" * 19, "²", "987654"])
def test_what_is_no_entry_is_not_found(ada: Ada, name: str) -> None:
    assert ada.get(f"/{name}").status_code == 404
    assert ada.browser.post(f"/my/why/{name}/apply", headers=OURS).status_code == 404


def test_nobody_sees_it_who_has_not_signed_in(ada: Ada) -> None:
    ada.browser.cookies.clear()
    answer = ada.get(f"/{ada.number(501)}", follow_redirects=False)
    assert answer.headers["location"] == "/sign-in"
    assert ada.post(ada.number(501)).status_code == 401


def test_a_form_of_another_site_takes_nothing(ada: Ada) -> None:
    path = f"/my/why/{ada.number(501)}/apply"
    theirs = {"Sec-Fetch-Site": "cross-site"}
    assert ada.browser.post(path, headers=theirs).status_code == 403


def test_a_paper_that_came_shows_its_way_its_sum_and_what_would_keep_it_out(ada: Ada) -> None:
    teaching.give(ada.context, 1, sent(ada), Want.SAVE)
    seen = ada.see(sent(ada))
    for words in (
        "Why did I get this? ", "You got it on 20 Nov 2026, at place 1 of 2.", "Seen in daily",
        "It came in as news", "Digest of 20 Nov 2026: chosen", "Your mail was handed over",
        "You saved it", "How it adds up", "together, a match of", "What would have kept it out",
        "In your last 7 days",
    ):  # fmt: skip
        assert words in seen, words
    assert (
        seen.index("Seen in daily") < seen.index("It came in as news") < seen.index("Digest of 20")
    )


def test_the_numbers_of_a_sent_paper_are_those_that_were_mailed(ada: Ada) -> None:
    with ada.context.database.read() as session:
        pick = session.exec(select(models.Pick).order_by(models.Pick.place)).first()  # type: ignore[arg-type]
        assert pick is not None
        shown, raw = f"Its match: {pick.value:.2f}", f"+{pick.raw:.2f}"
    seen = ada.see(sent(ada))
    assert shown in seen
    assert raw.replace("+-", "−") in seen


def test_a_paper_that_did_not_come_shows_the_edit_that_would_have_brought_it(ada: Ada) -> None:
    seen = ada.see(ada.number(501))
    assert "Why did I not get this?" in seen
    assert "It did not reach the line of “main”" in seen
    assert "What would have brought it" in seen
    assert {"kind", "text", "profile", "version"} <= ada.fields.keys()


def test_a_proposal_is_taken_as_the_next_version_of_the_profile(ada: Ada) -> None:
    ada.see(ada.number(501))
    fields = ada.fields
    answer = ada.post(ada.number(501), **fields)
    assert answer.headers["location"] == "/my/profiles?said=saved"
    saved = interests.find(ada.context, 1, "main")
    assert saved.version == 2
    assert fields["text"] in str(saved.body)


def test_a_proposal_for_another_version_is_refused_and_said_so(ada: Ada) -> None:
    ada.see(ada.number(501))
    fields = ada.fields
    interests.save(ada.context, 1, "main", {"terms": ["graph kernels", "x"]}, expected=1)
    answer = ada.post(ada.number(501), **fields)
    assert answer.status_code == 409
    assert "The profile was changed meanwhile" in answer.text
    gone = ada.post(ada.number(501), **(fields | {"profile": "77"}))
    assert gone.status_code == 422
    assert "not there any more" in gone.text
    assert interests.find(ada.context, 1, "main").version == 2


def test_more_room_is_asked_for_in_the_preferences(ada: Ada) -> None:
    fields = {"kind": "most", "before": "2", "after": "3", "profile": "1", "version": "1"}
    answer = ada.post(ada.number(501), **fields)
    assert answer.headers["location"] == "/my/preferences?said=saved"
    with ada.context.database.read() as session:
        assert readers.get(session, 1).most == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "all"}, {"profile": "x"}, {"version": ""}, {"after": "1e9"}, {"before": "nan"},
        {"text": "x" * 201}, {"after": "9" * 40},
    ],
)  # fmt: skip
def test_a_form_that_no_page_of_ours_sends_is_not_understood(
    ada: Ada, wrong: dict[str, str]
) -> None:
    fields = {"kind": "term", "text": "x", "after": "1", "profile": "1", "version": "1"}
    assert ada.post(ada.number(501), **(fields | wrong)).status_code == 400


def test_an_edit_that_no_profile_may_have_is_refused(ada: Ada) -> None:
    fields = {"kind": "weight", "text": "x", "after": "999", "profile": "1", "version": "1"}
    assert ada.post(ada.number(501), **fields).status_code == 422
    fields = {"kind": "most", "after": "999", "profile": "1", "version": "1"}
    assert ada.post(ada.number(501), **fields).status_code == 422


def test_a_changed_profile_is_told_to_be_another_by_now(ada: Ada) -> None:
    ada.clock.moment = AT + timedelta(hours=6)
    interests.save(ada.context, 1, "main", {"terms": ["graph kernels", "codecs"]}, expected=1)
    seen = ada.see(ada.number(501))
    assert "You changed this profile since that day" in seen
    interests.remove(ada.context, 1, "main")
    seen = ada.see(ada.number(501))
    assert "What would have brought it" in seen
    assert "Make this change" not in seen


def test_what_waits_is_shown_with_the_digest_to_come(ada: Ada) -> None:
    seen = ada.see(ada.number(600))
    assert "It is new. As things stand" in seen
    assert "Your next digest" in seen


def test_titles_and_names_of_strangers_are_text(ada: Ada) -> None:
    preferring.prefer(ada.context, 1, about=2, most=2, name=HOSTILE[:40])
    ada.see(ada.number(500))
    assert "<script>alert" not in ada.shown.text
    assert "<img" not in ada.shown.text


def test_another_entry_that_is_the_same_leads_to_the_paper(ada: Ada) -> None:
    with ada.context.database.write() as session:
        lost = session.get_one(models.Entry, ada.number(502))
        lost.merged_into, lost.arrived_at, lost.arrival = ada.number(501), None, None
    answer = ada.get(f"/{ada.number(502)}", follow_redirects=False)
    assert answer.headers["location"] == f"/my/why/{ada.number(501)}"
    assert "Known under a second entry" in ada.see(ada.number(501))


def test_digests_and_papers_lead_there(ada: Ada) -> None:
    digest = ada.browser.get("/my/digests/2026-11-20").text
    assert f'href="/my/why/{sent(ada)}"' in digest
    assert 'href="/my/why"' in digest
    assert f'href="/my/why/{sent(ada)}"' in ada.browser.get(f"/papers/{sent(ada)}").text
    ada.browser.cookies.clear()
    assert "/my/why" not in ada.browser.get(f"/papers/{sent(ada)}").text
