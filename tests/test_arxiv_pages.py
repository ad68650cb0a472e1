"""arXiv's feeds, its API's answers and its listings, with the traps of each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks.errors import PageError
from tasks.parse.arxiv import looks_like_arxiv, parse_arxiv
from tasks.records import ParsedEntry, ParsedPage, RawPage

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
PAGES = Path(__file__).parent / "pages" / "arxiv"


def body(name: str) -> bytes:
    return (PAGES / name).read_bytes()


def parse(content: bytes | str) -> ParsedPage:
    data = content.encode() if isinstance(content, str) else content
    return parse_arxiv(RawPage(url="https://rss.arxiv.org/rss/cs.XX", body=data, fetched_at=NOW))


def refused(content: bytes | str) -> PageError:
    with pytest.raises(PageError) as caught:
        parse(content)
    return caught.value


# --- RSS and Atom --------------------------------------------------------------------------------
def test_a_new_paper_in_rss_is_complete():
    found = parse(body("rss.xml"))
    assert (found.shape, found.warnings, found.rejected) == ("arxiv-rss", (), ())
    assert found.entries[0] == ParsedEntry(
        title="Counting Lanterns with Sparse Lamps",
        abstract="We count lanterns where a < b and c > d, at 5% of the usual cost.",
        authors=("Ada Quill", "Bo Lantern Jr.", "Madonna", "Zoë Wick"),
        arxiv_id="2608.90001",
        arxiv_version=1,
        url="https://arxiv.org/abs/2608.90001",
        categories=("cs.LG", "stat.ML"),
        published=datetime(2026, 8, 14, 4, tzinfo=UTC),
        source_id="2608.90001",
        rank=1,
    )


def test_the_day_is_the_day_of_announcement_in_the_feed_s_own_zone():
    assert parse(body("rss.xml")).day == date(2026, 8, 14)
    late = body("rss.xml").replace(b"00:00:00 -0400", b"23:30:00 -0400")
    assert parse(late).day == date(2026, 8, 14)
    built = body("rss.xml").replace(b"<pubDate>", b"<other>").replace(b"</pubDate>", b"</other>")
    assert parse(built).day == date(2026, 8, 14)
    assert parse(body("atom.xml")).day == date(2026, 8, 14)


def test_a_paper_titled_zero_is_kept_with_its_doi():
    second = parse(body("rss.xml")).entries[1]
    assert (second.title, second.doi) == ("0", "10.9999/nought.7")


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
def test_what_was_there_before_has_no_day_of_publication(name):
    first, *older = parse(body(name)).entries
    assert first.published == datetime(2026, 8, 14, 4, tzinfo=UTC)
    assert [entry.published for entry in older] == [None] * len(older)


def test_a_withdrawn_replacement_is_flagged_with_its_version():
    last = parse(body("rss.xml")).entries[-1]
    assert (last.arxiv_id, last.arxiv_version, last.withdrawn) == ("2501.90003", 4, True)
    assert last.abstract.startswith("This paper has been withdrawn")


def test_atom_says_the_same_as_rss():
    found = parse(body("atom.xml"))
    assert found.shape == "arxiv-atom"
    assert [(e.arxiv_id, e.arxiv_version, e.abstract) for e in found.entries] == [
        ("2608.90001", 1, "We count lanterns."),
        ("2501.90003", 4, "We look at them again."),
    ]
    assert found.entries[0].authors == ("Ada Quill", "Zoë Wick")


def test_a_weekend_is_empty_and_legal():
    found = parse(body("rss_weekend.xml"))
    assert (found.entries, found.warnings, found.day) == ((), (), date(2026, 8, 16))


# --- API -----------------------------------------------------------------------------------------
def test_an_api_entry_is_complete():
    found = parse(body("api.xml"))
    assert (found.shape, found.day) == ("arxiv-api", None)
    first = found.entries[0]
    assert first.title.startswith("Tides of the ")
    assert "\n" not in first.title
    assert first == ParsedEntry(
        title=first.title,
        abstract="We measure tides, cite arXiv:1706.03762 and compare P < 0.05 with Q > 3 & more.",
        authors=("Mo Pier", "The Lantern and Lamp Collaboration"),
        arxiv_id="2604.90004",
        arxiv_version=3,
        doi="10.9999/tides.1",
        url="https://arxiv.org/abs/2604.90004",
        code_urls=("https://github.com/harbour-lab/tides",),
        categories=("cs.CE", "physics.ao-ph"),
        published=datetime(2026, 4, 2, 8, tzinfo=UTC),
        source_id="2604.90004",
        rank=1,
    )


def test_an_old_id_is_canonical_and_a_comment_can_withdraw():
    second = parse(body("api.xml")).entries[1]
    assert (second.arxiv_id, second.arxiv_version) == ("hep-th/9901001", 2)
    assert second.url == "https://arxiv.org/abs/hep-th/9901001"
    assert second.withdrawn


def test_an_entry_without_an_arxiv_id_is_rejected():
    (rejected,) = parse(body("api.xml")).rejected
    assert (rejected.position, rejected.raw) == (3, "A Stranger")
    assert "no arXiv id" in rejected.reason


def test_an_error_entry_is_never_a_paper():
    broken = body("api_error.xml").replace(b"incorrect id", b"incorrect & id")
    for content in (body("api_error.xml"), broken):
        error = refused(content)
        assert error.reason == "error_page"
        assert "id format for lantern" in str(error)


def test_an_answer_of_the_old_api_is_known_without_its_namespace():
    content = body("api_error.xml").replace(b"arxiv.org/schemas/atom", b"example.org/none")
    assert looks_like_arxiv(content)
    assert refused(content).reason == "error_page"


def test_an_unknown_id_is_empty_and_legal():
    text = body("api_error.xml").decode()
    empty = text[: text.index("<entry>")] + text[text.index("</entry>") + len("</entry>") :]
    assert parse(empty).entries == ()


def test_a_refusal_in_plain_words_is_an_error_page():
    assert refused("Rate exceeded.").reason == "error_page"


# --- listings ------------------------------------------------------------------------------------
def test_a_listing_gives_its_day_and_every_paper():
    found = parse(body("list_new.html"))
    assert (found.shape, found.day, found.warnings) == ("arxiv-list", date(2026, 8, 14), ())
    assert [(e.arxiv_id, e.arxiv_version) for e in found.entries] == [
        ("2608.90001", 1),
        ("hep-th/9901001", None),
        ("2501.90003", 4),
    ]
    assert found.entries[0] == ParsedEntry(
        title="Counting Lanterns with Sparse Lamps",
        abstract="We count lanterns where a < b, unlike arXiv:1706.03762.",
        authors=("Ada Quill", "Zoë Wick"),
        arxiv_id="2608.90001",
        arxiv_version=1,
        url="https://arxiv.org/abs/2608.90001",
        code_urls=("https://github.com/quill/lanterns",),
        categories=("cs.LG", "cond-mat.mtrl-sci"),
        source_id="2608.90001",
        rank=1,
    )
    assert [entry.withdrawn for entry in found.entries] == [False, True, False]


def test_a_listing_that_announces_more_than_it_has_warns():
    found = parse(body("list_new.html").replace(b"showing 2 of 2", b"showing 79 of 79"))
    assert found.warnings == ("The listing announces 80 papers and has 3.",)


def test_a_cut_listing_says_how_to_see_all():
    found = parse(body("list_new.html").replace(b"showing 2 of 2", b"showing first 2 of 79"))
    assert found.warnings == ("The listing shows 3 of 80 papers; ask for ?show=2000.",)


def test_a_listing_without_updates_is_legal():
    found = parse(body("list_none.html"))
    assert (found.entries, found.day) == ((), date(2026, 8, 15))


def test_a_listing_that_has_nothing_and_does_not_say_so_is_refused():
    assert refused("<html>arXiv<dl id='articles'></dl></html>").reason == "not_a_page"


# --- recognition and damage ----------------------------------------------------------------------
@pytest.mark.parametrize("path", sorted(PAGES.iterdir()), ids=lambda path: path.name)
def test_arxiv_s_pages_are_recognised(path):
    assert looks_like_arxiv(path.read_bytes())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<rss><channel><item><link>https://arxiv.org/abs/2608.90001</link></item></channel></rss>",
        b"<html><a href='https://arxiv.org/abs/2608.90001'>arXiv</a></html>",
        b"http://arxiv.org/schemas/atom",
    ],
)
def test_pages_that_only_link_to_arxiv_are_not_arxiv_s(content):
    assert not looks_like_arxiv(content)


def test_broken_xml_goes_the_slow_way_and_says_the_same():
    whole = parse(body("rss.xml"))
    broken = parse(body("rss.xml").replace(b"usual cost", b"usual & cost"))
    assert broken.shape == "arxiv-rss"
    assert "not well-formed" in broken.warnings[0]
    for one, other in zip(whole.entries, broken.entries, strict=True):
        assert (one.arxiv_id, one.arxiv_version, one.title, one.published, one.url) == (
            other.arxiv_id,
            other.arxiv_version,
            other.title,
            other.published,
            other.url,
        )
    assert broken.entries[0].abstract.endswith("of the usual & cost.")


def test_a_truncated_feed_keeps_its_complete_papers():
    content = body("atom.xml")
    found = parse(content[: content.index(b"We look at")])
    assert [entry.arxiv_id for entry in found.entries] == ["2608.90001"]
    assert "cut off" in found.warnings[0]


def test_a_page_that_is_no_feed_is_refused():
    assert refused("<html><body>Sorry</body></html>").reason == "not_a_feed"
    assert refused("<?xml version='1.0'?><note>Sorry</note>").reason == "not_a_feed"


def test_entities_are_not_expanded_and_no_file_is_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("stolen")
    doctype = (
        f'<!DOCTYPE rss [<!ENTITY file SYSTEM "{secret.as_uri()}"><!ENTITY big "{"x" * 1000}">]>'
        "<rss"
    )
    content = body("rss.xml").decode().replace("<rss", doctype, 1)
    content = content.replace("Harbour Lights Revisited", "Lights &file;&big;")
    title = parse(content).entries[-1].title
    assert "stolen" not in title
    assert "xxx" not in title
