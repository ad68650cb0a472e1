"""Real pages, where `PAPERROUND_CORPUS` points to them."""

import html
import json
import os
import re
import tarfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks.parse import clean
from tasks.parse.page import parse_page
from tasks.records import ParsedPage, RawPage

CORPUS = Path(os.environ.get("PAPERROUND_CORPUS", ""))
NOW = datetime(2026, 11, 20, tzinfo=UTC)

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif("PAPERROUND_CORPUS" not in os.environ, reason="needs PAPERROUND_CORPUS"),
]


def read(body: bytes, name: str = "") -> ParsedPage:
    return parse_page(RawPage(url="", body=body, fetched_at=NOW, name=name))


def seeds() -> dict[str, bytes]:
    return {path.name[:3]: path.read_bytes() for path in (CORPUS / "seeds").glob("*.txt")}


def test_the_seeds_give_all_their_papers() -> None:
    pages = {name: read(body) for name, body in seeds().items()}
    assert {name: (page.shape, len(page.entries)) for name, page in pages.items()} == {
        "000": ("text-a", 46),
        "001": ("text-c", 230),
        "004": ("text-b", 49),
    }
    assert {name: page.day for name, page in pages.items()} == {
        "000": date(2026, 8, 7),
        "001": None,
        "004": date(2026, 3, 11),
    }
    keys = {clean.title_key(entry.title) for page in pages.values() for entry in page.entries}
    assert len(keys) == 313
    assert not any(page.rejected or page.warnings for page in pages.values())


def test_titles_of_the_seeds_are_exact_and_abstracts_but_for_backslashes() -> None:
    changed = 0
    for body in seeds().values():
        lines = re.sub(r"\nSubscribe(?=\S)", "\n", body.decode()).split("\n")
        for entry in read(body).entries:
            following = next(line for line in lines[lines.index(entry.title) + 1 :] if line)
            assert entry.abstract == following or "\\" in following
            changed += entry.abstract != following
    assert changed == 13


def test_every_address_of_the_seeds_is_found() -> None:
    address = re.compile(rb"(?:https?://|(?<![/.\w])(?:github\.com|bit\.ly)/)[^\s{}]+")
    found = [one for body in seeds().values() for one in address.findall(body)]
    elsewhere = [one for one in found if b"github.com/" not in one]
    repositories = [
        url for body in seeds().values() for entry in read(body).entries for url in entry.code_urls
    ]
    assert len(found) == 46  # one stands within the braces of another
    assert len(elsewhere) == 4
    assert len(repositories) == 42
    assert not any(url.endswith((".", ",", ")", "}", ".git")) for url in repositories)


def test_every_archived_day_of_the_api_is_read_whole() -> None:
    days, papers, seconds, repositories, odd = 0, 0, 0.0, 0, 0
    with tarfile.open(CORPUS / "hf" / "daily_2024-05_2025-12.tar.xz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None:
                continue
            body = stream.read()
            started = time.process_time()
            page = read(body, Path(member.name).name)
            seconds += time.process_time() - started
            document = json.loads(body)
            rows = document["data"] if isinstance(document, dict) else document
            assert len(page.entries) == len(rows), member.name
            assert page.rejected == (), member.name
            odd += bool(page.warnings)
            assert page.day is not None
            assert all(
                entry.arxiv_id and entry.abstract and entry.published for entry in page.entries
            )
            days, papers = days + 1, papers + len(rows)
            repositories += sum(bool(entry.code_urls) for entry in page.entries)
    assert (days, papers, odd) == (415, 6141, 22)
    assert repositories > 0.35 * papers
    assert seconds < 30


def test_a_hydrated_page_equals_its_own_json_and_its_cards() -> None:
    text = (CORPUS / "hf" / "RECONSTRUCTED_papers_date_2026-06-12.html").read_text()
    found = re.search(r'data-target="DailyPapers" data-props="([^"]*)"', text)
    assert found
    props = json.loads(html.unescape(found[1]))
    page = read(text.encode())
    cards = read(text.replace(found[0], "").encode())
    assert (page.shape, cards.shape) == ("hf-page", "hf-cards")
    assert page.entries == read(json.dumps(props["dailyPapers"]).encode()).entries
    assert page.day == date(2026, 6, 12)
    for card, entry in zip(cards.entries, page.entries, strict=True):
        assert (card.source_id, card.upvotes) == (entry.source_id, entry.upvotes)
        assert clean.title_key(card.title) == clean.title_key(entry.title)


@pytest.mark.parametrize(
    ("name", "shape", "papers"),
    [
        ("2404589803_2024-12-11_python_repr_strings.json", "hf-api", 26),
        ("2404589803_2025-10-14_organization.json", "hf-api", 39),
        ("RECONSTRUCTED_empty_day.html", "hf-page", 0),
        ("l-yohai_2025-04-01.md", "markdown-list", 50),
        ("paramita619_hf_rss_output.xml", "rss", 10),
    ],
)
def test_odd_shapes_are_read(name: str, shape: str, papers: int) -> None:
    page = read((CORPUS / "hf" / name).read_bytes(), name)
    assert (page.shape, len(page.entries)) == (shape, papers)
    assert page.rejected == ()
