"""Previews: the mails that an invented reader would get, by the round's own functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from papers import add_folder, add_reader, api_json, entry
from sqlmodel import select

from tasks import models
from tasks.errors import UsageError
from tasks.office import preview
from tasks.office.preview import Invented
from tasks.records import LetterKind
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.sealing import facts
from tasks.settings import Settings
from tasks.store.database import Database


@pytest.fixture
def context(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def filled(context: Context, tmp_path: Path, clock: Any) -> Context:
    """Two days of papers, and a public address."""
    clock.moment -= timedelta(days=1)
    for first in (0, 20):
        folder = tmp_path / f"{first}"
        folder.mkdir()
        papers = [entry(n) for n in range(first, first + 20)]
        (folder / f"{clock().date()}.json").write_bytes(api_json(*papers))
        with context.database.write() as session:
            add_folder(session, folder, clock(), f"folder{first}")
        run_once(context, clock())
        if not first:
            clock.moment += timedelta(days=1)
    settings = context.settings.model_copy(update={"base_url": "https://papers.example"})
    return replace(context, settings=settings)


def rows(context: Context) -> int:
    with context.database.read() as session:
        return sum(
            len(session.exec(select(model)).all())
            for model in (
                models.Reader,
                models.Profile,
                models.Digest,
                models.Delivery,
                models.Pick,
            )
        )


def test_a_preview_is_what_a_reader_of_these_terms_would_get(
    filled: Context, now: datetime
) -> None:
    shown = preview.preview(filled, Invented(terms=("protein folding",)))
    assert shown.rendered is not None
    assert shown.day == now.date()
    assert "protein folding" in shown.rendered.subject
    assert 0 < shown.picks <= shown.considered
    with filled.database.write() as session:
        add_reader(session, now, terms=["protein folding"])
    run_once(filled, now)
    with filled.database.read() as session:
        digest = session.exec(select(models.Digest)).one()
        assert digest.subject == shown.rendered.subject


def test_a_preview_of_a_day_holds_what_had_come_by_then(filled: Context, now: datetime) -> None:
    yesterday = now.date() - timedelta(days=1)
    shown = preview.preview(filled, Invented(day=yesterday, terms=("tidal energy",)))
    assert shown.rendered is not None
    assert shown.day == yesterday
    numbers = {int(n) for n in re.findall(r"Study (\d+) of", shown.rendered.text)}
    assert numbers
    assert max(numbers) < 20
    far = preview.preview(filled, Invented(day=date(2999, 1, 1)))
    assert far.day == now.date(), "the newest there is"
    none = preview.preview(filled, Invented(day=now.date() - timedelta(days=9)))
    assert (none.rendered, none.reason) == (None, "No paper had come by then.")


def test_terms_that_nothing_fits_bring_no_mail_and_say_so(filled: Context) -> None:
    shown = preview.preview(filled, Invented(terms=("medieval poetry",)))
    assert shown.rendered is None
    assert shown.reason


def test_a_preview_keeps_nothing(filled: Context) -> None:
    before = rows(filled)
    for mail in preview.MAILS:
        assert preview.preview(filled, Invented(mail=mail)).rendered is not None
    assert rows(filled) == before


def test_the_links_of_a_preview_open_nothing(filled: Context) -> None:
    shown = preview.preview(filled, Invented())
    assert shown.rendered is not None
    marks = re.findall(r"https://papers\.example/(tune|view|give)/([^\"?\s]+)", shown.rendered.html)
    assert {purpose for purpose, _ in marks} == {"tune", "view", "give"}
    for purpose, mark in marks:
        numbers = facts(mark)
        assert numbers is not None
        assert numbers[0] == 0, "of a reader that is none"
        assert not filled.seal.holds(purpose, mark, epoch=0)


@pytest.mark.parametrize("kind", [*LetterKind])
@pytest.mark.parametrize("language", ["en", "de"])
def test_letters_are_shown_too(filled: Context, kind: LetterKind, language: str) -> None:
    shown = preview.preview(filled, Invented(mail=kind.value, language=language))
    assert shown.rendered is not None
    assert "paperround.invalid" in shown.rendered.text
    assert f'lang="{language}"' in shown.rendered.html


@pytest.mark.parametrize("length", preview.LENGTHS)
def test_a_reader_of_plain_text_gets_no_html(filled: Context, length: str) -> None:
    html = preview.preview(filled, Invented(length=length))
    text = preview.preview(filled, Invented(length=length, text_only=True))
    assert html.rendered is not None
    assert text.rendered is not None
    assert html.rendered.html
    assert text.rendered.html == ""
    assert text.rendered.text == html.rendered.text


def test_what_is_typed_becomes_terms(filled: Context) -> None:
    said = preview.invented(terms=" sparse  attention,\nfolding, ,folding\n", day="2026-11-20")
    assert said.terms == ("sparse attention", "folding")
    assert said.day == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mail": "spam"}, "there is no 'spam'"),
        ({"language": "xx"}, "there is no 'xx'"),
        ({"length": "endless"}, "there is no 'endless'"),
        ({"day": "yesterday"}, "'yesterday' is no day"),
        ({"terms": ",".join(map(str, range(31)))}, "30 terms at most"),
        ({"terms": "x" * 201}, "200 characters at most"),
        ({"terms": "a\x07b"}, "characters that nobody can see"),
    ],
)
def test_a_reader_who_cannot_be_is_refused(values: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        preview.invented(**values)  # type: ignore[arg-type]
