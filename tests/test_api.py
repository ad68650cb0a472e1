"""The API as programs meet it: keys, refusals, tags, pages, and the same desk as the pages have."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from browsing import client
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_folder, add_reader, api_json, bring, entry, page
from sqlmodel import select

from tasks import models
from tasks.desk import leaving, visiting
from tasks.records import Ring
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import profiles, readers
from tasks.store.database import Database
from tasks.store.search import RANKED
from workers.web import app as web
from workers.web.api.__main__ import document
from workers.web.api.careful import LARGE, SMALL
from workers.web.api.tags import Tags

ROOT = Path(__file__).parents[1]
BASE = "/api/v1"
ROUND_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # what the fixture `now` says
TODAY = "2026-11-20"
Ask = Callable[..., Response]


@pytest.fixture(scope="module")
def round_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file after one round: a day of papers, two readers, one of them with a mail."""
    home = tmp_path_factory.mktemp("round")
    file = Path(shutil.copy(migrated_file, home / "round.db"))
    (home / "pages").mkdir()
    (home / "pages" / f"{TODAY}.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: ROUND_AT)
    with database.write() as session:
        add_folder(session, home / "pages", ROUND_AT)
        add_reader(session, ROUND_AT, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, ROUND_AT, "cy@readers.example", terms=["medieval poetry"])
    run_once(made, ROUND_AT)
    made.close()
    return file


@pytest.fixture
def context(round_file: Path, tmp_path: Path, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    file = shutil.copy(round_file, tmp_path / "paperround.db")
    opened = Context(settings=settings, database=Database(f"sqlite:///{file}"), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def stranger(context: Context) -> Iterator[TestClient]:
    """A program without a key."""
    with client(context) as opened:
        opened.base_url = f"http://localhost{BASE}"
        yield opened


@pytest.fixture
def ada(context: Context, stranger: TestClient) -> TestClient:
    """A program with Ada's key."""
    stranger.headers["Authorization"] = f"Bearer {key_for(context, 1)}"
    return stranger


def key_for(context: Context, reader_id: int) -> str:
    return visiting.make_key(context, reader_id, "a script")[1]


def problem(answer: Response, status: int) -> dict[str, Any]:
    """The problem that an answer is, which must be a whole one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["title"]
    assert found["instance"].startswith(BASE)
    return found


def tag(ada: TestClient, path: str = "/me") -> dict[str, str]:
    return {"If-Match": ada.get(path).headers["ETag"]}


# --- the document --------------------------------------------------------------------------------
def test_the_committed_document_is_the_apps_own() -> None:
    committed = (ROOT / "docs" / "openapi.json").read_text()
    assert document() == committed, "run: python -m workers.web.api > docs/openapi.json"


def test_the_document_is_served_where_the_api_stands(stranger: TestClient) -> None:
    assert stranger.get("/openapi.json").json() == json.loads(document())


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
                    url = BASE + path.format(name="x", day=TODAY, paper=1, want="more", key=1)
                    assert browser.request(method, url).status_code == 401, (method, path)
                    assert operation["security"] == [{"key": []}]


def test_a_cookie_opens_nothing_here(context: Context, stranger: TestClient) -> None:
    secret = visiting.begin(context, 1, "full")
    assert stranger.get("/me", headers={"Cookie": f"__Host-paperround={secret}"}).status_code == 401


def test_a_stranger_is_refused_before_a_word_of_the_body_is_read(stranger: TestClient) -> None:
    answer = stranger.post("/me/preview", content=b"{" * 1000)
    problem(answer, 401)


def test_the_scheme_is_read_in_any_case(context: Context, stranger: TestClient) -> None:
    said = {"Authorization": f"bearer  {key_for(context, 1)}"}
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
def test_an_unknown_path_is_a_problem(stranger: TestClient) -> None:
    assert problem(stranger.get("/nowhere"), 404)["instance"] == f"{BASE}/nowhere"


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
    ada: TestClient, path: str, method: str, allowed: str
) -> None:
    answer = ada.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_head_has_the_headers_of_a_get_and_no_body(ada: TestClient) -> None:
    head, get = ada.head("/me"), ada.get("/me")
    assert head.status_code == 200
    assert (head.headers["ETag"], head.content) == (get.headers["ETag"], b"")


def test_what_is_wrong_is_named_by_its_place_and_never_said_again(stranger: TestClient) -> None:
    answer = stranger.post("/subscriptions", json={"email": 4711, "zone": "SECRET"})
    found = problem(answer, 422)
    assert [one["loc"] for one in found["errors"]] == [["body", "email"], ["body", "zone"]]
    assert "4711" not in answer.text
    assert "SECRET" not in answer.text


def test_of_very_many_faults_some_are_named(ada: TestClient) -> None:
    body = {"x" * 5000: 1} | {f"part{n}": 1 for n in range(1500)}
    found = problem(ada.post("/me/preview", json=body), 422)
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
def test_json_that_no_database_keeps_is_a_bad_request(ada: TestClient, body: bytes) -> None:
    for path in ("/me/preview", "/me/import"):
        answer = ada.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
        problem(answer, answer.status_code)


def test_a_backslash_before_u0000_is_only_text(ada: TestClient) -> None:
    body = b'{"terms": ["\\\\u0000", "\\u00e9"]}'
    answer = ada.post("/me/preview", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


def test_a_body_of_another_kind_is_refused(ada: TestClient) -> None:
    problem(ada.post("/me/preview", data={"terms": "x"}), 422)


def test_each_path_takes_bodies_of_its_own_size(ada: TestClient) -> None:
    long = json.dumps({"email": "x" * SMALL})
    answer = ada.post("/subscriptions", content=long, headers={"Content-Type": "application/json"})
    problem(answer, 413)
    long = json.dumps({"terms": ["x" * SMALL]})
    answer = ada.post("/me/preview", content=long, headers={"Content-Type": "application/json"})
    problem(answer, 422)


@pytest.mark.parametrize(
    "headers", [{"Content-Length": str(LARGE + 1)}, {"Transfer-Encoding": "chunked"}]
)
def test_what_the_guard_refuses_is_a_problem_too(ada: TestClient, headers: dict[str, str]) -> None:
    answer = ada.post("/me/import", content=b"{}", headers=headers)
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
def test_a_parameter_that_cannot_be_is_a_422(ada: TestClient, path: str) -> None:
    assert problem(ada.get(path), 422)["errors"]


def test_the_largest_number_is_only_unknown(ada: TestClient) -> None:
    problem(ada.get("/papers/9223372036854775807"), 404)
    problem(ada.put("/me/feedback/9223372036854775807/more"), 404)


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


def test_every_answer_carries_the_security_headers(ada: TestClient) -> None:
    for path in ("/me", "/nowhere", "/papers/x"):
        headers = ada.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


# --- for everybody -------------------------------------------------------------------------------
def test_the_days_are_listed_with_their_numbers(stranger: TestClient) -> None:
    assert stranger.get("/editions").json() == {
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


def next_page(answer: Response) -> str:
    """The path that the Link header leads to, as the client asks for it."""
    link = answer.links["next"]["url"]
    assert link.startswith(BASE)
    assert f"cursor={answer.json()['next']}" in link
    return link.removeprefix(BASE)


def test_with_no_papers_there_are_no_days(context: Context, stranger: TestClient) -> None:
    assert stranger.get("/editions?cursor=0001-01-01").json() == {"items": [], "next": None}


def test_the_papers_of_a_day_come_in_pages_best_first(stranger: TestClient) -> None:
    first = stranger.get(f"/editions/{TODAY}?limit=6")
    votes = [one["paper"]["upvotes"] for one in first.json()["items"]]
    rest = stranger.get(next_page(first)).json()
    votes += [one["paper"]["upvotes"] for one in rest["items"]]
    assert votes == list(range(9, -1, -1))
    assert rest["next"] is None
    assert first.json()["items"][0]["sources"] == ["folder"]
    past = stranger.get(f"/editions/{TODAY}?cursor=10").json()
    assert past == {"items": [], "next": None}


@pytest.mark.parametrize("day", ["2026-11-19", "2026-11-21", "9999-12-31", "0001-01-01"])
def test_a_day_without_papers_is_not_there(stranger: TestClient, day: str) -> None:
    problem(stranger.get(f"/editions/{day}"), 404)


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


def test_papers_are_found_by_words_and_by_name(stranger: TestClient) -> None:
    first = stranger.get("/search", params={"q": "protein folding", "limit": 1})
    rest = stranger.get(next_page(first)).json()
    titles = [one["title"] for one in first.json()["items"] + rest["items"]]
    assert sorted(titles) == ["Study 1 of protein folding", "Study 6 of protein folding"]
    (named,) = stranger.get("/search?q=arXiv:2611.00003").json()["items"]
    assert named["arxiv_id"] == "2611.00003"
    assert stranger.get("/search?q=%00%ff").json()["items"] == []


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


# --- you -----------------------------------------------------------------------------------------
def test_preferences_are_changed_by_who_saw_them(ada: TestClient) -> None:
    seen = tag(ada)
    changed = ada.patch("/me", json={"hour": 6, "days": [5, 1], "language": "de"}, headers=seen)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["hour"], changed.json()["days"]) == (6, [1, 5])
    assert ada.get("/me").json() == changed.json()
    assert tag(ada)["If-Match"] == changed.headers["ETag"] != seen["If-Match"]
    problem(ada.patch("/me", json={"hour": 8}, headers=seen), 412)
    problem(ada.patch("/me", json={"hour": 8}), 428)
    assert ada.get("/me").json()["hour"] == 6


@pytest.mark.parametrize(
    "body",
    [
        {"hour": 24},
        {"hour": "7"},
        {"hour": None},
        {"days": []},
        {"days": [0]},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"language": "tlh"},
        {"about": 51},
        {"length": "endless"},
        {"explore": "yes"},
        {"email": "other@readers.example"},
        {"state": "active"},
        [],
        "hour",
    ],
)
def test_a_preference_that_cannot_be_is_refused(ada: TestClient, body: object) -> None:
    problem(ada.patch("/me", json=body, headers={"If-Match": "*"}), 422)


def test_what_is_known_already_is_not_sent_again(ada: TestClient) -> None:
    known = tag(ada)["If-Match"]
    for said in (known, f"W/{known}", f'"other", {known}', "*"):
        answer = ada.get("/me", headers={"If-None-Match": said})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == known
    for said in ('"other"', known.strip('"'), ""):
        assert ada.get("/me", headers={"If-None-Match": said}).status_code == 200


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


def test_a_pause_has_an_end_and_may_be_ended(context: Context, ada: TestClient) -> None:
    paused = ada.post("/me/pause", json={"until": "2026-12-01"}).json()
    assert (paused["state"], paused["back_on"]) == ("paused", "2026-12-01")
    problem(ada.post("/me/pause", json={"until": "2026-11-01"}), 422)
    problem(ada.post("/me/pause", json={"until": 1700000000}), 422)
    assert ada.post("/me/pause", json={}).json()["back_on"] is None
    assert ada.post("/me/resume").json()["state"] == "active"


def test_who_left_may_look_and_come_back(context: Context, ada: TestClient) -> None:
    with context.database.read() as session:
        token = readers.get(session, 1).token
    leaving.leave(context, token)
    assert ada.get("/me").json()["state"] == "unsubscribed"
    problem(ada.post("/me/pause", json={}), 422)
    assert ada.post("/me/resume").json()["state"] == "active"


def test_data_goes_out_and_comes_back_to_another_account(context: Context, ada: TestClient) -> None:
    ada.put("/me/feedback/3/save")
    whole = ada.get("/me/export").json()
    assert whole["account"]["email"] == "ada@readers.example"
    ada.headers["Authorization"] = f"Bearer {key_for(context, 2)}"
    brought = ada.post("/me/import", json=whole)
    assert brought.status_code == 200, brought.text
    assert brought.json()["counts"]["feedback"] == 1
    assert brought.json()["unknown"] == []
    assert [one["paper"]["id"] for one in ada.get("/me/saved").json()["items"]] == [3]
    for bad in ({}, {"version": 2}, [], whole | {"profiles": {"a": 1}}):
        problem(ada.post("/me/import", json=bad), 422)


def test_deleting_asks_for_what_was_seen_and_leaves_nothing(
    context: Context, ada: TestClient
) -> None:
    problem(ada.delete("/me"), 428)
    problem(ada.delete("/me", headers={"If-Match": "*"}), 428)
    problem(ada.delete("/me", headers={"If-Match": '"other"'}), 412)
    answer = ada.delete("/me?suppress=true", headers=tag(ada))
    assert "keyed hash" in answer.json()["kept"]
    problem(ada.get("/me"), 401)
    with context.database.read() as session:
        assert readers.seek(session, 1) is None


# --- profiles ------------------------------------------------------------------------------------
def test_a_profile_is_made_saved_over_renamed_and_removed(ada: TestClient) -> None:
    path, made = "/me/profiles/Graphs%2Ftrees", {"If-None-Match": "*"}
    problem(ada.get(path), 404)
    problem(ada.put(path, json={"terms": ["tree"]}), 428)
    problem(ada.put(path, json={"terms": ["tree"]}, headers={"If-Match": "*"}), 412)
    first = ada.put(path, json={"terms": ["tree"]}, headers=made)
    assert first.status_code == 201
    assert first.json()["name"] == "Graphs/trees"
    problem(ada.put(path, json={"terms": ["graph"]}, headers=made), 412)
    seen = {"If-Match": first.headers["ETag"]}
    second = ada.put(path, json=ada.get(path).json() | {"share": 2}, headers=seen)
    assert second.status_code == 200
    assert second.headers["ETag"] == ada.get(path).headers["ETag"]
    problem(ada.put(path, json={}, headers=seen), 412)
    problem(ada.delete(path, headers=seen), 412)
    renamed = ada.put(path, json=second.json() | {"name": "Trees"}, headers={"If-Match": "*"})
    assert renamed.json() == second.json() | {"name": "Trees"}
    rows = ada.get("/me/profiles").json()["items"]
    assert [(one["name"], one["version"]) for one in rows] == [("main", 1), ("Trees", 3)]
    assert rows[1]["etag"] == renamed.headers["ETag"]
    assert (
        ada.delete("/me/profiles/Trees", headers={"If-Match": rows[1]["etag"]}).status_code == 204
    )
    problem(ada.delete("/me/profiles/Trees"), 404)


def test_of_two_who_save_at_once_one_is_told(
    context: Context, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tag(ada, "/me/profiles/main")
    whole = profiles.saved

    def meanwhile(session: Any, reader_id: int) -> Any:
        found = whole(session, reader_id)
        monkeypatch.setattr(profiles, "saved", whole)
        with context.database.write() as other:
            profiles.save(other, reader_id, "main", {"terms": ["theirs"]}, ROUND_AT)
        return found

    monkeypatch.setattr(profiles, "saved", meanwhile)
    problem(ada.put("/me/profiles/main", json={"terms": ["mine"]}, headers=seen), 412)
    assert ada.get("/me/profiles/main").json()["terms"] == ["theirs"]


@pytest.mark.parametrize(
    "body",
    [
        {"terms": "tree"},
        {"terms": [1]},
        {"terms": ["x"] * 2001},
        {"term": ["x"]},
        {"share": 0},
        {"weights": {"tree": 11}},
        {"examples": [{"title": "x", "given": "soon"}]},
        {"examples": ["x"]},
        {"description": "x" * 20_001},
    ],
    ids=lambda body: repr(body)[:24],
)
def test_a_profile_that_cannot_be_is_refused(ada: TestClient, body: object) -> None:
    problem(ada.put("/me/profiles/main", json=body, headers={"If-Match": "*"}), 422)
    problem(ada.post("/me/preview", json=body), 422)


def test_a_preview_shows_picks_with_reasons_that_add_up_and_keeps_nothing(
    context: Context, ada: TestClient
) -> None:
    before = ada.get("/me/profiles").json()
    found = ada.post("/me/preview?profile=main", json={"terms": ["tidal energy"]}).json()
    titles = [pick["paper"]["title"] for pick in found["after"]]
    assert "Study 2 of tidal energy" in titles
    assert [pick["paper"]["id"] for pick in found["entering"]]
    for pick in found["after"]:
        raw = sum(reason["value"] for reason in pick["score"]["reasons"])
        assert raw == pytest.approx(pick["score"]["raw"])
    assert ada.get("/me/profiles").json() == before
    problem(ada.post("/me/preview?profile=none", json={}), 404)


def test_a_librarys_papers_become_examples_once(ada: TestClient, quiet: None) -> None:
    text = "arXiv:2611.00003\n10.5555/unknown\nnothing at all"
    asked = {"text": text, "profile": "Mine"}
    first = ada.post("/me/papers", json=asked).json()
    assert (first["matched"], first["added"], first["version"]) == (1, 1, 1)
    assert first["unmatched"] == ["10.5555/unknown"]
    assert [one["label"] for one in first["refused"]] == ["nothing at all"]
    again = ada.post("/me/papers", json=asked).json()
    assert (again["matched"], again["added"], again["version"]) == (1, 0, 1)
    (example,) = ada.get("/me/profiles/Mine").json()["examples"]
    assert example["title"] == "Study 3 of graph kernels"


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """arXiv is not asked."""
    monkeypatch.setattr("tasks.desk.collecting._ask_arxiv", lambda *_: ({}, []))


# --- digests -------------------------------------------------------------------------------------
def test_a_digest_is_shown_as_it_was_sent(ada: TestClient) -> None:
    (row,) = ada.get("/me/digests").json()["items"]
    assert (row["day"], row["papers"], row["state"]) == (TODAY, 2, "rendered")
    picks = ada.get(f"/me/digests/{TODAY}").json()["picks"]
    assert {pick["paper"]["title"] for pick in picks} == {
        "Study 0 of sparse attention",
        "Study 5 of sparse attention",
    }
    problem(ada.get("/me/digests/2026-11-19"), 404)


def test_digests_come_in_pages_the_newest_first(context: Context, ada: TestClient) -> None:
    with context.database.write() as session:
        row = session.exec(select(models.Digest).where(models.Digest.reader_id == 1)).one()
        for back in (1, 2):
            copy = row.model_dump(exclude={"id"}) | {"day": row.day - timedelta(days=back)}
            session.add(models.Digest(**copy | {"state": "empty", "reason": "nothing new"}))
    first = ada.get("/me/digests?limit=2")
    rest = ada.get(next_page(first)).json()
    days = [one["day"] for one in first.json()["items"] + rest["items"]]
    assert days == ["2026-11-20", "2026-11-19", "2026-11-18"]
    assert rest["items"][0]["reason"] == "nothing new"


def test_the_next_digest_is_foretold(ada: TestClient) -> None:
    found = ada.get("/me/outlook").json()
    assert (found["picks"], found["considered"]) == ([], 0)
    assert found["reason"]


# --- feedback ------------------------------------------------------------------------------------
def test_feedback_is_given_once_and_taken_back_once(ada: TestClient) -> None:
    for new in (True, False):
        assert ada.put("/me/feedback/1/more").json() == {"paper": 1, "want": "more", "new": new}
    ada.put("/me/feedback/2/save")
    assert answers(ada, "/me/feedback") == [(2, "save"), (1, "more")]
    assert answers(ada, "/me/feedback?want=more") == [(1, "more")]
    for _ in range(2):
        assert ada.delete("/me/feedback/1/more").status_code == 204
    assert answers(ada, "/me/feedback") == [(2, "save")]
    problem(ada.put("/me/feedback/1/much"), 422)
    problem(ada.put("/me/feedback/4711/more"), 404)


def answers(ada: TestClient, path: str) -> list[tuple[int, str]]:
    return [(one["paper"]["id"], one["want"]) for one in ada.get(path).json()["items"]]


def test_answers_come_in_pages_that_nothing_shifts(ada: TestClient) -> None:
    for paper in range(1, 6):
        ada.put(f"/me/feedback/{paper}/save")
    first = ada.get("/me/saved?limit=2")
    assert answers(ada, "/me/saved?limit=2") == [(5, "save"), (4, "save")]
    ada.delete("/me/feedback/4/save")
    assert answers(ada, next_page(first)) == [(3, "save"), (2, "save")]


def test_saved_papers_come_as_other_programs_want_them(ada: TestClient) -> None:
    ada.put("/me/feedback/3/save")
    bibtex = ada.get("/me/saved?format=bibtex")
    assert bibtex.headers["Content-Type"].startswith("application/x-bibtex")
    assert "Study 2 of tidal energy" in bibtex.text
    ris = ada.get("/me/saved?format=ris")
    assert ris.headers["Content-Type"].startswith("application/x-research-info-systems")
    assert ris.text.startswith("TY  - ")


def test_an_answers_effect_is_told_before_it_is_given(ada: TestClient) -> None:
    found = ada.get("/me/effect?paper=3&want=more").json()
    assert found["paper"]["id"] == 3
    assert answers(ada, "/me/feedback") == []
    problem(ada.get("/me/effect?paper=4711&want=more"), 404)


def test_what_was_learned_is_told_and_forgotten(ada: TestClient) -> None:
    ada.put("/me/feedback/3/more")
    ada.put("/me/feedback/4/save")
    (lesson,) = ada.get("/me/learned").json()["items"]
    assert lesson["profile_name"] == "main"
    assert {one["paper"]["id"] for one in lesson["papers"]} == {3, 4}
    assert ada.delete("/me/learned/3").json() == {"forgotten": 1}
    assert ada.delete("/me/learned").json() == {"forgotten": 1}
    assert ada.get("/me/learned").json() == {"items": []}
    assert answers(ada, "/me/saved") == [(4, "save")]


# --- looking changes nothing ---------------------------------------------------------------------
def test_no_get_changes_a_row(context: Context, ada: TestClient) -> None:
    ada.put("/me/feedback/3/save")
    before = dump(context)
    fill = {"name": "main", "day": TODAY, "paper": 3, "want": "more", "key": 1}
    for path, methods in json.loads(document())["paths"].items():
        if "get" in methods:
            asked = {"q": "x", "paper": 3, "want": "more"}
            for method in ("GET", "HEAD"):
                answer = ada.request(method, path.format(**fill), params=asked)
                assert answer.status_code == 200, (path, answer.text)
    assert dump(context) == before


def dump(context: Context) -> list[str]:
    with context.database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        return list(raw.iterdump())
