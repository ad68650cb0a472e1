"""The API as programs meet it: its document, keys, refusals, tags, and what everybody may ask."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from browsing import client
from fastapi.testclient import TestClient
from papers import bring, entry, page
from programs import (
    BASE,
    ROUND_AT,
    TODAY,
    after_a_round,
    key_of,
    next_page,
    opened,
    problem,
    program,
)
from sqlmodel import select

from tasks import models
from tasks.desk import visiting
from tasks.records import Ring
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import readers
from tasks.store.search import RANKED
from workers.web import app as web
from workers.web.api.__main__ import document
from workers.web.api.careful import LARGE, SMALL
from workers.web.api.tags import Tags

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def round_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return after_a_round(migrated_file, tmp_path_factory.mktemp("round"))


@pytest.fixture(scope="module")
def looking(round_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Ada's program, for tests that change nothing."""
    home = tmp_path_factory.mktemp("looking")
    file = Path(shutil.copy(round_file, home / "paperround.db"))
    with opened(file, home, lambda: ROUND_AT) as made, program(made, 1) as ada:
        yield ada


@pytest.fixture
def context(round_file: Path, tmp_path: Path, clock: Any) -> Iterator[Context]:
    file = Path(shutil.copy(round_file, tmp_path / "paperround.db"))
    with opened(file, tmp_path / "home", clock) as made:
        yield made


@pytest.fixture
def stranger(context: Context) -> Iterator[TestClient]:
    """A program without a key."""
    with program(context) as made:
        yield made


@pytest.fixture
def ada(context: Context) -> Iterator[TestClient]:
    """A program with Ada's key."""
    with program(context, 1) as made:
        yield made


# --- the document --------------------------------------------------------------------------------
def test_the_committed_document_is_the_apps_own() -> None:
    committed = (ROOT / "docs" / "openapi.json").read_text()
    assert document() == committed, "run: python -m workers.web.api > docs/openapi.json"


def test_the_document_is_served_where_the_api_stands(looking: TestClient) -> None:
    assert looking.get("/openapi.json").json() == json.loads(document())


def test_every_operation_has_a_name_a_sentence_and_declared_answers() -> None:
    made = json.loads(document())
    found = [one for path in made["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in found]
    assert len(set(names)) == len(names) > 25
    for one in found:
        assert one["description"]
        assert {"422", "500", "503"} <= set(one["responses"])
        assert ("401" in one["responses"]) == ("security" in one)
        for code, said in one["responses"].items():
            assert (code < "400") or [*said["content"]] == ["application/problem+json"]


def test_the_page_for_people_shows_every_path() -> None:
    told = (ROOT / "docs" / "api.md").read_text()
    assert [path for path in json.loads(document())["paths"] if f"`{path}" not in told] == []


# --- keys ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "error"),
    [
        (None, False),
        ("Basic YTpi", False),
        ("Bearer", True),
        ("Bearer pr_00000000_" + "a" * 43, True),
        ("Bearer ' OR 1=1", True),
    ],
)
def test_without_a_key_that_opens_there_is_a_401_that_says_how(
    stranger: TestClient, said: str | None, error: bool
) -> None:
    answer = stranger.get("/me", headers={"Authorization": said} if said else {})
    assert "Bearer pr_" in problem(answer, 401)["detail"]
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="paperround"')
    assert ("invalid_token" in answer.headers["WWW-Authenticate"]) == error


def test_every_path_of_a_reader_is_shut_to_strangers(context: Context) -> None:
    paths = json.loads(document())["paths"]
    with client(context) as browser:
        for path, methods in paths.items():
            for method, operation in methods.items():
                if path.startswith("/me"):
                    parts = {"name": "x", "day": TODAY, "paper": 1, "want": "more", "key": 1}
                    url = BASE + path.format(version=1, profile=1, **parts)
                    assert browser.request(method, url).status_code == 401, (method, path)
                    assert operation["security"] == [{"key": []}]


def test_a_cookie_opens_nothing_here(context: Context, stranger: TestClient) -> None:
    secret = visiting.begin(context, 1, "full")
    assert stranger.get("/me", headers={"Cookie": f"__Host-paperround={secret}"}).status_code == 401


def test_a_stranger_is_refused_before_a_word_of_the_body_is_read(stranger: TestClient) -> None:
    answer = stranger.post("/me/preview", content=b"{" * 1000)
    problem(answer, 401)


def test_the_scheme_is_read_in_any_case(context: Context, stranger: TestClient) -> None:
    said = {"Authorization": f"bearer  {key_of(context, 1)}"}
    assert stranger.get("/me", headers=said).json()["email"] == "ada@readers.example"


def test_a_look_is_not_noted_and_a_change_is(context: Context, ada: TestClient) -> None:
    ada.get("/me")
    assert visiting.list_keys(context, 1)[0].used_at is None
    ada.post("/me/resume")
    assert visiting.list_keys(context, 1)[0].used_at == context.clock()


def test_keys_are_listed_without_their_secrets_and_may_end_themselves(
    context: Context, ada: TestClient
) -> None:
    (key,) = ada.get("/me/keys").json()["items"]
    assert set(key) == {"id", "name", "start", "created_at", "used_at"}
    assert ada.headers["Authorization"].startswith(f"Bearer {key['start']}")
    assert ada.delete(f"/me/keys/{key['id']}").status_code == 204
    problem(ada.get("/me/keys"), 401)


def test_anothers_key_is_not_there(context: Context, ada: TestClient) -> None:
    theirs = visiting.make_key(context, 2, "theirs")[0]
    problem(ada.delete(f"/me/keys/{theirs.id}"), 404)


# --- refusals ------------------------------------------------------------------------------------
def test_an_unknown_path_is_a_problem(looking: TestClient) -> None:
    assert problem(looking.get("/nowhere"), 404)["instance"] == f"{BASE}/nowhere"


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v2/me"])
def test_what_stands_beside_the_api_is_a_problem_too(context: Context, path: str) -> None:
    with client(context) as browser:
        answer = browser.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/me", "PUT", "DELETE, GET, HEAD, PATCH"),
        ("/me/profiles/x", "POST", "DELETE, GET, HEAD, PUT"),
        ("/subscriptions", "GET", "POST"),
        ("/subscriptions", "HEAD", "POST"),
        ("/editions", "OPTIONS", "GET, HEAD"),
    ],
)
def test_a_method_that_is_none_names_those_that_are(
    looking: TestClient, path: str, method: str, allowed: str
) -> None:
    answer = looking.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_head_has_the_headers_of_a_get_and_no_body(looking: TestClient) -> None:
    head, get = looking.head("/me"), looking.get("/me")
    assert head.status_code == 200
    assert (head.headers["ETag"], head.content) == (get.headers["ETag"], b"")


def test_what_is_wrong_is_named_by_its_place_and_never_said_again(looking: TestClient) -> None:
    answer = looking.post("/subscriptions", json={"email": 4711, "zone": "SECRET"})
    found = problem(answer, 422)
    assert [one["loc"] for one in found["errors"]] == [["body", "email"], ["body", "zone"]]
    assert "4711" not in answer.text
    assert "SECRET" not in answer.text


def test_of_very_many_faults_some_are_named(looking: TestClient) -> None:
    body = {"x" * 5000: 1} | {f"part{n}": 1 for n in range(1500)}
    found = problem(looking.post("/me/preview", json=body), 422)
    assert len(found["errors"]) == 20
    assert max(len(part) for one in found["errors"] for part in one["loc"]) <= 60


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nothing",
        b'{"share": NaN}',
        b'{"share": -Infinity}',
        b'{"share": 1e999}',
        b'{"share": ' + b"9" * 30 + b"}",
        b'{"share": ' + b"9" * 5000 + b"}",
        b'{"terms": ["a\\u0000b"]}',
        b'{"terms": ["\\ud800"]}',
        b'{"\\ud800": 1}',
        b'{"terms": ["\xff"]}',
        b'{"terms": ' + b"[" * 100_000,
        b"[" * 1000 + b"]" * 1000,
        b'{"weights": {' + b", ".join(b'"%d": 1' % n for n in range(2001)) + b"}}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_json_that_no_database_keeps_is_a_bad_request(looking: TestClient, body: bytes) -> None:
    for path in ("/me/preview", "/me/import"):
        answer = looking.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
        problem(answer, answer.status_code)


def test_a_backslash_before_u0000_is_only_text(looking: TestClient) -> None:
    body = b'{"terms": ["\\\\u0000", "\\u00e9"]}'
    answer = looking.post("/me/preview", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


def test_a_body_of_another_kind_is_refused(looking: TestClient) -> None:
    problem(looking.post("/me/preview", data={"terms": "x"}), 422)


def test_each_path_takes_bodies_of_its_own_size(looking: TestClient) -> None:
    long = json.dumps({"email": "x" * SMALL})
    answer = looking.post(
        "/subscriptions", content=long, headers={"Content-Type": "application/json"}
    )
    problem(answer, 413)
    long = json.dumps({"terms": ["x" * SMALL]})
    answer = looking.post("/me/preview", content=long, headers={"Content-Type": "application/json"})
    problem(answer, 422)


@pytest.mark.parametrize(
    "headers", [{"Content-Length": str(LARGE + 1)}, {"Transfer-Encoding": "chunked"}]
)
def test_what_the_guard_refuses_is_a_problem_too(
    looking: TestClient, headers: dict[str, str]
) -> None:
    answer = looking.post("/me/import", content=b"{}", headers=headers)
    problem(answer, 413)


@pytest.mark.parametrize(
    "path",
    [
        "/papers/0",
        "/papers/-1",
        "/papers/9223372036854775808",
        "/papers/" + "9" * 5000,
        "/papers/x",
        "/papers/1.5",
        "/editions/yesterday",
        "/editions/2026-02-30",
        "/editions/1700000000",
        "/editions?cursor=x",
        "/editions?limit=0",
        "/editions?limit=101",
        "/search",
        "/search?q=" + "x" * 301,
        "/search?q=x&cursor=-1",
        f"/search?q=x&cursor={RANKED + 1}",
        "/me/feedback?cursor=1",
        "/me/feedback?want=nothing",
        "/me/saved?format=docx",
        "/me/effect?paper=1",
        "/me/effect?paper=99999999999999999999&want=more",
        "/me/digests?cursor=0",
    ],
)
def test_a_parameter_that_cannot_be_is_a_422(looking: TestClient, path: str) -> None:
    assert problem(looking.get(path), 422)["errors"]


def test_the_largest_number_is_only_unknown(looking: TestClient) -> None:
    problem(looking.get("/papers/9223372036854775807"), 404)
    problem(looking.put("/me/feedback/9223372036854775807/more"), 404)


def test_while_the_database_is_away_it_says_so(context: Context, ada: TestClient) -> None:
    with context.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE sighting")
        connection.exec_driver_sql("DROP TABLE apikey")
    for path in ("/me", "/editions"):
        answer = ada.get(path)
        assert "database" in problem(answer, 503)["detail"]
        assert answer.headers["Retry-After"] == "30"


def test_a_fault_of_ours_tells_nothing_of_itself(
    ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visiting, "list_keys", lambda *_: 1 / 0)
    answer = ada.get("/me/keys")
    assert "division" not in str(problem(answer, 500))


def test_a_strange_host_is_told_so_as_a_problem(looking: TestClient) -> None:
    problem(looking.get("/me", headers={"Host": "rebound.example"}), 400)


def test_every_answer_carries_the_security_headers(looking: TestClient) -> None:
    for path in ("/me", "/nowhere", "/papers/x"):
        headers = looking.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("said", "strongly", "weakly"),
    [
        ('"a"', True, True),
        ('W/"a"', False, True),
        ('"b", "a"', True, True),
        (' , "b",,W/"a" ', False, True),
        ("*", True, True),
        ("a", False, False),
        ('"b"', False, False),
        ('"b" "a"', False, False),
        ('"a, b"', False, False),
        ("", False, False),
    ],
)
def test_tags_are_read_as_the_standard_has_it(said: str, strongly: bool, weakly: bool) -> None:
    assert Tags(said).name('"a"') == strongly
    assert Tags(said).name('"a"', weakly=True) == weakly


# --- for everybody -------------------------------------------------------------------------------
def test_the_days_are_listed_with_their_numbers(looking: TestClient) -> None:
    assert looking.get("/editions").json() == {
        "items": [{"day": TODAY, "papers": 10}],
        "next": None,
    }


def test_days_come_in_pages(context: Context, stranger: TestClient) -> None:
    with context.database.write() as session:
        for day in (11, 19):
            found = page(entry(1), day=date(2026, 11, day))
            bring(session, found, ROUND_AT, body=f"page {day}".encode())
    days, path = [], "/editions?limit=2"
    for _ in range(3):
        found = stranger.get(path)
        days.append([one["day"] for one in found.json()["items"]])
        if found.json()["next"] is None:
            break
        path = next_page(found)
    assert days == [["2026-11-20", "2026-11-19"], ["2026-11-11"]]


def test_with_no_papers_there_are_no_days(looking: TestClient) -> None:
    assert looking.get("/editions?cursor=0001-01-01").json() == {"items": [], "next": None}


def test_the_papers_of_a_day_come_in_pages_best_first(looking: TestClient) -> None:
    first = looking.get(f"/editions/{TODAY}?limit=6")
    votes = [one["paper"]["upvotes"] for one in first.json()["items"]]
    rest = looking.get(next_page(first)).json()
    votes += [one["paper"]["upvotes"] for one in rest["items"]]
    assert votes == list(range(9, -1, -1))
    assert rest["next"] is None
    assert first.json()["items"][0]["sources"] == ["folder"]
    past = looking.get(f"/editions/{TODAY}?cursor=10").json()
    assert past == {"items": [], "next": None}


@pytest.mark.parametrize("day", ["2026-11-19", "2026-11-21", "9999-12-31", "0001-01-01"])
def test_a_day_without_papers_is_not_there(looking: TestClient, day: str) -> None:
    problem(looking.get(f"/editions/{day}"), 404)


def test_a_paper_is_shown_with_where_it_stood(context: Context, stranger: TestClient) -> None:
    with context.database.write() as session:
        row = session.get_one(models.Entry, 1)
        row.url, row.code_urls = (
            "javascript:alert(1)",
            ["https://code.example/x", "data:text/html,x"],
        )
    found = stranger.get("/papers/1").json()
    assert found["sights"] == [{"day": TODAY, "source": "folder", "rank": 1, "votes": 0}]
    assert found["paper"]["url"] is None
    assert found["paper"]["code_urls"] == ["https://code.example/x"]
    assert (found["withdrawn"], found["became"]) == (False, None)


def test_papers_are_found_by_words_and_by_name(looking: TestClient) -> None:
    first = looking.get("/search", params={"q": "protein folding", "limit": 1})
    rest = looking.get(next_page(first)).json()
    titles = [one["title"] for one in first.json()["items"] + rest["items"]]
    assert sorted(titles) == ["Study 1 of protein folding", "Study 6 of protein folding"]
    (named,) = looking.get("/search?q=arXiv:2611.00003").json()["items"]
    assert named["arxiv_id"] == "2611.00003"
    assert looking.get("/search?q=%00%ff").json()["items"] == []


def test_who_asks_for_digests_always_gets_the_same_answer(context: Context, clock: Any) -> None:
    rings: list[Ring] = []
    secret = Settings(database_url=context.database.url).database_url  # type: ignore[arg-type]
    settings = context.settings.model_copy(update={"database_url": secret})
    made = web.make_app(settings, clock=clock, ring=rings.extend)
    with TestClient(made, "http://localhost") as program:
        answers = [
            program.post(f"{BASE}/subscriptions", json={"email": email})
            for email in ("new@readers.example", "ada@readers.example", "new@readers.example")
        ]
    assert {(one.status_code, one.content) for one in answers} == {(202, answers[0].content)}
    assert len(rings) == 3
    with context.database.read() as session:
        letters = session.exec(select(models.Delivery.letter).where(models.Delivery.letter != ""))
        assert sorted(letters) == ["confirm", "known"]
        assert readers.find(session, "new@readers.example").state == "pending"


def test_what_is_no_address_is_refused_and_floods_are_slowed_down(stranger: TestClient) -> None:
    assert problem(stranger.post("/subscriptions", json={"email": "nobody"}), 422)["detail"]
    answers = [
        stranger.post("/subscriptions", json={"email": f"a{n}@readers{n}.example"})
        for n in range(11)
    ]
    assert [one.status_code for one in answers] == [202] * 10 + [429]
    problem(answers[-1], 429)
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3601
