"""Each kind of source goes its own way, and comes back in the same form."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from web_server import Site, reply

from tasks.fetch import source as room
from tasks.fetch.http import Http
from tasks.records import Source, SourceKind

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "path", "days"),
    [
        (SourceKind.HF, "", [date(2026, 3, 3), date(2026, 3, 4)]),
        (SourceKind.ARXIV, "/rss/cs.CL", [None]),
        (SourceKind.FEED, "/feed", [None]),
    ],
)
def test_a_source_on_the_web_is_fetched_by_its_kind(
    kind: SourceKind, path: str, days: list[date | None]
) -> None:
    with Site() as site, Http(allow_private=True) as http:
        site.otherwise = reply(200, b"[]" if kind is SourceKind.HF else b"<feed/>")
        source = Source(id=1, kind=kind, name="a source", address=site.url + path)
        fetched = room.fetch(source, at=AT, since=date(2026, 3, 3), http=http)
    assert [page.day for page in fetched.pages] == days
    assert {page.kind for page in fetched.pages} == {kind.value}


def test_a_folder_is_read_without_the_web(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    source = Source(id=1, kind=SourceKind.FOLDER, name="saved", address=str(tmp_path))
    with Http() as http:
        fetched = room.fetch(source, at=AT, since=None, http=http)
    assert [(page.name, page.kind) for page in fetched.pages] == [("a.txt", "auto")]
