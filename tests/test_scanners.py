"""Whoever only looks changes nothing: mail scanners that open every link, crawlers, prefetching browsers.

What proves it is a checksum of every table, the search index included, before and after.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from urllib.parse import urlsplit

import httpx2
import pytest
from busy_office import OWNER
from every_page import looked_at
from journey import ADA, SOURCE, House, known
from lived_in import Settled, settle
from playwright.sync_api import Browser
from reading_mail import links, way_out

from tasks.desk import visiting
from tasks.store import admin_visits, admins
from workers.web.admin import door
from workers.web.api.app import BASE, SUBJECTS
from workers.web.app import FACES
from workers.web.page import COOKIE

MAILS = ("digest", "confirm", "sign_in")
LINGERS = 300  # milliseconds at the first page of each kind, in which a page's scripts may do what they do
FILLED = {
    "{day}": "2026-11-20",
    "{name:path}": "main",
    "{want}": "less",
    "{key}": "1",
    "{which}": "1",
    "{key_id}": "1",
    "{version}": "1",
    "{profile}": "1",
    "{number}": "1",
    "{kind}": "delivery",
    "{visit}": "1",
    "{reader_id}": "1",
    "{act}": "start",
}
QUERIES = {
    "/search": "?q=attention",
    "/me/effect": "?paper={paper}&want=less",
    "/me/why": "?paper={paper}",
    "/me/versions": "?profile=main",
    "/me/versions/{version}": "?profile=main",
    "/me/versions/{version}/difference": "?profile=main",
}


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    with House(tmp_path_factory.mktemp("scanned") / "home", known()) as house:
        yield settle(house)


def ours(settled: Settled, mail: EmailMessage) -> list[str]:
    """Every link of a mail that leads to us: of its headers and both bodies."""
    every = [url for part in links(mail) for url in part]
    if mail["List-Unsubscribe"]:
        every.append(way_out(mail))
    return list(dict.fromkeys(url for url in every if url.startswith(settled.house.url)))


@pytest.mark.parametrize("name", MAILS)
def test_asking_for_every_link_of_a_mail_changes_nothing(settled: Settled, name: str) -> None:
    found = ours(settled, getattr(settled, name))
    assert found
    before = settled.house.rows()
    with httpx2.Client(timeout=20) as client:
        for url in found:
            assert client.head(url).status_code == client.get(url).status_code == 200, url
    assert settled.house.rows() == before


@pytest.mark.browser
@pytest.mark.parametrize("name", MAILS)
def test_a_scanner_that_runs_scripts_changes_nothing(
    settled: Settled, browser: Browser, name: str
) -> None:
    found = ours(settled, getattr(settled, name))
    before = settled.house.rows()
    opened = settled.house.open(browser)
    lingered = set()
    for url in found:
        answer = opened.page.goto(url)
        assert answer
        assert answer.ok
        kind = urlsplit(url).path.split("/")[1]
        if kind not in lingered:
            lingered.add(kind)
            opened.page.wait_for_timeout(LINGERS)
    assert settled.house.rows() == before
    opened.close()


def test_the_checksum_would_have_shown_it(settled: Settled) -> None:
    before = settled.house.rows()
    give = next(url for url in ours(settled, settled.digest) if "want=more" in url)
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = httpx2.post(give.partition("?")[0], data={"want": "hide"}, headers=headers)
    assert answer.status_code == 200
    after = settled.house.rows()
    assert {name for name in after if after[name] != before[name]} >= {"feedback"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("scope", ["full", "tune", OWNER])
def test_looking_at_every_address_with_every_right_changes_nothing(
    settled: Settled, method: str, scope: str
) -> None:
    rights = _admins(settled) if scope == OWNER else _readers(settled, scope)
    paths = _paths(settled) if scope != "tune" else [p for p in _paths(settled) if "/my" in p]
    before = settled.house.rows()
    with httpx2.Client(base_url=settled.house.url, timeout=20, headers=rights) as client:
        for path in paths:
            answer = client.request(method, path)
            assert answer.status_code < 500 or path == "/readyz", (path, answer.text)
    assert settled.house.rows() == before


def test_an_owner_is_refused_nothing_on_the_admins_side(settled: Settled) -> None:
    """So that what is looked at above are pages, and not refusals."""
    paths = [path for path in _paths(settled) if "/admin" in path or path == "/metrics"]
    rights = _admins(settled)
    with httpx2.Client(base_url=settled.house.url, timeout=20, headers=rights) as client:
        codes = {path: client.get(path).status_code for path in paths}
    assert [path for path, code in codes.items() if code in (401, 403)] == []
    there = {path: code for path, code in codes.items() if path.startswith(BASE) and code != 405}
    assert set(there.values()) == {200}, there
    assert len(there) >= 15


def test_every_route_of_the_api_is_looked_at(settled: Settled) -> None:
    """What takes no GET is looked at too: it must refuse, and must do nothing."""
    assert all("{" not in path for path in _paths(settled))
    assert len(_of_the_api(settled)) >= 20


def _readers(settled: Settled, scope: str) -> dict[str, str]:
    """What a reader's browser and program show."""
    visit = visiting.begin(settled.house.context, settled.ids[ADA], scope)
    return {"Cookie": f"{COOKIE}={visit}", "Authorization": f"Bearer {settled.key}"}


def _admins(settled: Settled) -> dict[str, str]:
    """What an owner's do."""
    with settled.house.context.database.write() as session:
        owner = admins.find(session, OWNER)
        visit = admin_visits.begin(session, owner, now=settled.house.clock())
    return {
        "Cookie": f"{door.COOKIE}={visit}",
        "Authorization": f"Bearer {settled.office.key}",
    }


def _paths(settled: Settled) -> list[str]:
    """Every address: those of the pages, those that take forms alone, and those of the API."""
    return list(dict.fromkeys([*looked_at(settled), *_posts(settled), *_of_the_api(settled)]))


def _posts(settled: Settled) -> list[str]:
    """The paths that take forms."""
    routes = [route for face in FACES for route in face.router.routes if "POST" in route.methods]
    return [_filled(settled, route.path) for route in routes]


def _of_the_api(settled: Settled) -> list[str]:
    paths = {route.path for subject in SUBJECTS for route in subject.router.routes}
    return [BASE + _filled(settled, path + QUERIES.get(path, "")) for path in sorted(paths)]


def _filled(settled: Settled, path: str) -> str:
    """The template of a path with what it asks for."""
    if path.startswith("/admin/sources"):
        path = path.replace("{name:path}", SOURCE).replace("{name}", SOURCE)
    path = path.replace("/admin/admins/{name}", f"/admin/admins/{OWNER}")
    values = FILLED | {
        "{token}": settled.token,
        "{paper}": str(settled.papers[0]),
        "{name}": str(settled.papers[0]),
        "{code}": settled.office.done,
        "{page_id}": str(settled.office.page),
        "{secret}": settled.link(settled.sign_in, "/in/").removeprefix("/in/"),
        "{mark}": settled.link(settled.digest, "/tune/").removeprefix("/tune/"),
    }
    for name, value in values.items():
        path = path.replace(name, value)
    return path
