"""The page of advice: faults with their mends, suggestions, papers to judge, each by one press."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import weeks
from browsing import signed_in
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_reader

from tasks.desk import interests
from tasks.desk.tuning.advice import advice_words
from tasks.round.context import Context

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def house(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Six weeks of papers, and readers with a sound profile each."""
    opened = weeks.opened(migrated_file, tmp_path_factory.mktemp("weeks"))
    with opened.database.write() as session:
        for number in range(1, 8):
            add_reader(session, weeks.NOW, f"reader{number}@readers.example", about=4)
    yield opened
    opened.close()


def save(house: Context, key: int, name: str = "main", **body: Any) -> int:
    known = {one.name: one.version for one in interests.list_profiles(house, key)}
    return interests.save(house, key, name, body, expected=known.get(name))


def body(house: Context, key: int) -> Any:
    return interests.find(house, key, "main").body


def at(key: int) -> str:
    return f"/my/profiles/{key}/advice"


def words(answer: Response) -> str:
    """What a person reads of it."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def button(answer: Response, label: str) -> str:
    """What the button of that name sends."""
    found = re.search(rf'value="([^"]*)"\s+dir="auto">{re.escape(label)}</button>', answer.text)
    assert found, label
    return unescape(found[1])


def press(browser: TestClient, key: int, do: str, version: int = 1) -> Response:
    return browser.post(at(key), data={"do": do, "version": str(version)})


def test_a_sound_profile_is_told_gladly(house: Context) -> None:
    with signed_in(house, 1) as ada:
        answer = ada.get(at(1))
    assert answer.status_code == 200
    assert advice_words.GLAD in words(answer)
    assert "Add the term" in words(answer)
    assert "come in" in words(answer)
    assert len(answer.content) < 60_000


def test_a_fault_is_mended_by_one_press_and_undone_by_another(house: Context) -> None:
    save(house, 2, terms=["sparse attention", "video difusion"])
    with signed_in(house, 2) as bo:
        answer = bo.get(at(2))
        assert "“video difusion” stands in none of 1,176 papers" in words(answer)
        do = button(answer, "Write “video diffusion”")
        done = press(bo, 2, do, 2)
        assert (done.status_code, done.headers["location"]) == (303, f"{at(2)}?said=taken")
        assert body(house, 2)["terms"] == ["sparse attention", "video diffusion"]
        after = bo.get(done.headers["location"])
        assert advice_words.GLAD in words(after)
        assert 'href="/my/profiles/2/versions"' in after.text
        again = press(bo, 2, do, 3)
        assert again.status_code == 409
        assert "has changed since" in words(again)


def test_another_version_in_force_is_told_and_nothing_changes(house: Context) -> None:
    save(house, 3, terms=["sparse attention", "zebra"])
    with signed_in(house, 3) as cy:
        do = button(cy.get(at(3)), "Remove “zebra”")
        for sent in (do, "terms:speech"):
            assert press(cy, 3, sent, 1).status_code == 409
    assert body(house, 3)["terms"] == ["sparse attention", "zebra"]


def test_a_suggestion_is_taken_by_one_press(house: Context) -> None:
    with signed_in(house, 4) as dee:
        answer = dee.get(at(4))
        found = re.findall(r'value="((?:terms|authors|examples):[^"]*)"', answer.text)
        assert {one.partition(":")[0] for one in found} == {"terms", "authors", "examples"}
        for version, do in enumerate(found[:3], start=1):
            assert press(dee, 4, unescape(do), version).status_code == 303
    assert interests.find(house, 4, "main").version == 4


def test_what_cannot_be_taken_is_told(house: Context) -> None:
    with signed_in(house, 5) as eve:
        for do in ("colours:red", "terms:" + "x" * 201):
            assert press(eve, 5, do).status_code == 422
        assert press(eve, 5, "examples:99999").status_code == 404
        assert press(eve, 5, "x" * 401).status_code == 400
        assert eve.post(at(5), data={"do": "terms:red"}).status_code == 400
    assert interests.find(house, 5, "main").version == 1


def test_a_twin_is_removed_by_one_press(house: Context) -> None:
    save(house, 6, "twin", terms=["sparse attentions"])
    twin = interests.find(house, 6, "twin").id
    with signed_in(house, 6) as flo:
        answer = flo.get(at(6))
        assert "bring the same" in words(answer)
        done = press(flo, 6, button(answer, "Remove the profile “twin”"))
        assert done.headers["location"] == "/my/profiles?said=removed"
        assert flo.get(at(twin)).status_code == 404


def test_many_remarks_have_pages_and_what_was_typed_is_text(house: Context) -> None:
    save(house, 7, terms=["sparse attention", *(f"{HOSTILE}{n}" for n in range(20))])
    with signed_in(house, 7) as gil:
        answer = gil.get(at(7))
        assert "14 more remarks" in words(answer)
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert len(answer.content) < 60_000
        rest = gil.get(f"{at(7)}?from=18")
        assert "The first remarks" in words(rest)
        assert "more remarks" not in words(rest)
        assert gil.get(f"{at(7)}?from=99").status_code == 200


def test_what_was_not_tried_out_is_tried_when_asked(house: Context) -> None:
    save(house, 1, "second", authors=["Seebohm", "Allardyce"])
    key = interests.find(house, 1, "second").id
    with signed_in(house, 1) as ada:
        answer = ada.get(at(key))
        asked = re.findall(r'href="([^"]*&amp;try=\w+)"', answer.text)
        assert asked
        more = ada.get(unescape(asked[0]))
        assert len(re.findall(r"&amp;try=", more.text)) == len(asked) - 1
        judged = re.findall(r'value="(dislikes:\d+)"', answer.text)
        assert not re.search('action="/my/feedback"', answer.text), "that would teach the first one"
        for do in judged[:1]:
            assert press(ada, key, do).status_code == 303


def test_nobody_reaches_the_advice_of_another(house: Context) -> None:
    with signed_in(house, 2) as bo:
        for path in (at(1), "/my/profiles/new/advice", "/my/profiles/x/advice"):
            assert bo.get(path).status_code == 404
        assert press(bo, 1, "terms:red").status_code == 404
    assert body(house, 1)["terms"] == ["sparse attention"]
