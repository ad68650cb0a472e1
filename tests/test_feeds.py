"""Strangers' feeds become clean entries, or a reason why not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.errors import PageError
from tasks.parse import dates, items
from tasks.parse.feeds import parse_feed
from tasks.records import ParsedEntry, ParsedPage, RawPage

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
PAGES = Path(__file__).parent / "pages" / "feeds"
ROOM = Path(__file__).parents[1] / "tasks"


def page(
    body: bytes | str, *, url: str = "https://feeds.example.org/f.xml", **more: str
) -> RawPage:
    data = body.encode() if isinstance(body, str) else body
    return RawPage(url=url, body=data, fetched_at=NOW, **more)


def saved(name: str, *, url: str = "https://feeds.example.org/f.xml") -> ParsedPage:
    return parse_feed(page((PAGES / name).read_bytes(), url=url))


def rss(inside: str, *, before: str = "") -> str:
    link = "<link>https://site.example.org/</link>"
    return f'{before}<rss version="2.0"><channel>{link}{inside}</channel></rss>'


def only(body: bytes | str, **more: str) -> ParsedEntry:
    (entry,) = parse_feed(page(body, **more)).entries
    return entry


def titled(title: str) -> ParsedEntry:
    return only(rss(f"<item><title>{title}</title><guid>g</guid></item>"))


def refused(body: bytes | str, **more: str) -> PageError:
    with pytest.raises(PageError) as caught:
        parse_feed(page(body, **more))
    return caught.value


# --- shapes --------------------------------------------------------------------------------------
def test_an_rss_item_becomes_a_clean_entry():
    found = saved("rss.xml")
    assert found.shape == "rss"
    assert found.entries[0] == ParsedEntry(
        title="A & B: Lanterns at Sea",
        abstract="Lanterns at sea burn longer. Code: here.",
        authors=("Ada Quill", "Bo Lantern", "Zoë Wick"),
        doi="10.9999/pier.7",
        url="https://piers.example.org/journal/papers/7?a=1&b=2",
        code_urls=("https://github.com/piers/lanterns",),
        categories=("Optics",),
        published=datetime(2026, 8, 4, 8, tzinfo=UTC),
        source_id="pier-7",
        rank=1,
    )


def test_a_link_to_arxiv_names_the_paper_and_its_version():
    second = saved("rss.xml").entries[1]
    assert (second.arxiv_id, second.arxiv_version) == ("2608.90005", 2)
    assert second.source_id == "https://piers.example.org/?p=8"


def test_one_person_with_a_comma_stays_one_and_mail_addresses_are_not_kept():
    assert saved("rss.xml").entries[1].authors == ("Pier, Mo",)


def test_a_year_alone_is_no_date():
    assert saved("rss.xml").entries[1].published is None


def test_an_item_without_title_link_and_id_is_rejected_with_its_words():
    (rejected,) = saved("rss.xml").rejected
    assert rejected.position == 3
    assert "no title, link or id" in rejected.reason
    assert rejected.raw == "It has words and no name."


def test_atom_links_follow_xml_base_and_plain_titles_keep_their_signs():
    first, second = saved("atom.xml", url="https://lab.example.org/feeds/atom.xml").entries
    assert first.title == "When a <b and c> d"
    assert first.url == "https://lab.example.org/blog/2026/first"
    assert first.authors == ("Ada Quill", "Zoë Wick")
    assert first.abstract == "On order."
    assert first.published == datetime(2026, 8, 14, 8, tzinfo=UTC)
    assert second.published == datetime(2026, 8, 13, tzinfo=UTC)


def test_an_entry_whose_id_is_an_address_is_linked_by_it():
    second = saved("atom.xml").entries[1]
    assert second.url == second.source_id == "https://lab.example.org/second"


@pytest.mark.parametrize(
    ("name", "shape", "title", "url"),
    [
        ("rdf.xml", "rdf", "Wicks of Wax", "https://letters.example.org/a1?rss=yes"),
        ("atom03.xml", "atom", "An Old Lantern", "https://old.example.org/1"),
        ("cdf.xml", "cdf", "A Channel Lantern", "https://cdf.example.org/1"),
    ],
)
def test_older_formats_are_read(name, shape, title, url):
    found = saved(name)
    assert (found.shape, found.warnings) == (shape, ())
    assert [(entry.title, entry.url) for entry in found.entries] == [(title, url)]


def test_a_publisher_s_names_and_doi_are_found_in_rss_1():
    (entry,) = saved("rdf.xml").entries
    assert entry.authors == ("Ida Cord", "Mo Pier")
    assert entry.doi == "10.9999/wax.1"
    assert entry.published == datetime(2026, 8, 4, tzinfo=UTC)


@pytest.mark.parametrize("version", ["0.91", "0.92", "2.0"])
def test_an_empty_feed_is_legal(version):
    found = parse_feed(page(f'<rss version="{version}"><channel><title>t</title></channel></rss>'))
    assert (found.shape, found.entries, found.rejected, found.warnings) == ("rss", (), (), ())


# --- what is not a feed --------------------------------------------------------------------------
def test_a_list_of_feeds_says_that_it_is_one():
    with pytest.raises(PageError, match="Add the feeds in it") as caught:
        saved("opml.xml")
    assert caught.value.reason == "list_of_feeds"


def test_a_web_page_names_the_feed_it_offers():
    error = refused(
        "<!DOCTYPE html><html><head><link rel='alternate' type='application/rss+xml' href='/rss'>"
        "<link rel='alternate' type='application/atom+xml' href='javascript:x'></head></html>"
    )
    assert error.reason == "not_a_feed"
    assert str(error).endswith("It offers a feed at https://feeds.example.org/rss")


def test_a_web_page_without_a_feed_is_shown_by_its_beginning():
    error = refused("<?xml version='1.0'?>\n<!-- x -->\n<html><body>Hello</body></html>")
    assert error.reason == "not_a_feed"
    assert "Hello" in str(error)


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf \n", b"\x00\x00"])
def test_nothing_is_empty(body):
    assert refused(body).reason == "empty"


@pytest.mark.parametrize(
    "body", ["hello", "/etc/hostname", "<note/>", "<!-- only -->", "<", "%PDF-1.7"]
)
def test_other_things_are_not_feeds(body):
    assert refused(body).reason == "not_a_feed"


def test_a_document_that_breaks_feedparser_is_named_and_contained():
    error = refused(rss("<item><x:pos xmlns:x='http://www.opengis.net/gml'>1 2</x:pos></item>"))
    assert error.reason == "crashed"
    assert "f.xml breaks the feed parser: KeyError" in str(error)


def test_a_want_of_memory_is_not_taken_for_the_feed_s_fault(monkeypatch):
    def starve(*words: object, **more: object) -> None:
        raise MemoryError

    monkeypatch.setattr("tasks.parse.feeds.feedparser.parse", starve)
    with pytest.raises(MemoryError):
        parse_feed(page(rss("")))


# --- titles and texts ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("0", "0"),
        ("<![CDATA[Using <projektor> for x]]>", "Using <projektor> for x"),
        ("A &amp;amp; B", "A & B"),
        ("<![CDATA[<img src=x onerror=alert(1)>Safe</img>]]>", "Safe"),
        ("P &lt; 0.05 and Q &gt; 3", "P < 0.05 and Q > 3"),
        ("two\n lines\t here", "two lines here"),
        ("x" * 900, "x" * 500),
    ],
)
def test_titles_are_plain_and_complete(raw, title):
    assert titled(raw).title == title


@pytest.mark.parametrize("raw", ["", "  ", "&lt;b&gt;&lt;/b&gt;"])
def test_an_item_without_a_title_is_called_by_its_first_words(raw):
    item = f"<item><title>{raw}</title><guid>g</guid><description>First words.</description></item>"
    entry = only(rss(item))
    assert entry.title == "First words."
    assert "no title" in entry.warnings[0]


def test_an_item_with_a_name_alone_is_called_by_it():
    assert only(rss("<item><guid isPermaLink='false'>1234</guid></item>")).title == "1234"


def test_unescaped_signs_and_html_entities_survive_broken_xml():
    found = parse_feed(
        page(
            rss(
                "<item><title>A & B&nbsp;caf&eacute;</title>"
                "<link>https://e.example.org/?a=1&b=2</link></item>"
            )
        )
    )
    assert found.entries[0].title == "A & B café"
    assert found.entries[0].url == "https://e.example.org/?a=1&b=2"
    assert "not well-formed" in found.warnings[0]


@pytest.mark.parametrize(
    "sign",
    [
        "\x0b",
        "\x00",
        "&#0;",
        "&#xB;",
        "&#xD800;",
        "&#57343;",
        "&#x110000;",
        "&#99999999999;",
        "\ufffe",
    ],
)
def test_signs_that_are_in_no_xml_are_dropped(sign):
    found = parse_feed(page(rss(f"<item><title>A{sign}B&#228;</title><guid>g</guid></item>")))
    assert found.entries[0].title == "ABä"
    assert found.warnings == ()


def test_a_long_summary_is_preferred_to_the_content_and_a_teaser_is_not():
    for summary, wanted in (("s" * 250, "s" * 250), ("teaser", "c" * 300)):
        body = (
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>t</title><id>i</id>'
            f"<summary>{summary}</summary><content>{'c' * 300}</content></entry></feed>"
        )
        assert only(body).abstract == wanted


# --- encodings -----------------------------------------------------------------------------------
def document(title: str, encoding: str) -> str:
    item = f"<item><title>{title}</title><guid>g</guid></item>"
    return rss(item, before=f'<?xml version="1.0" encoding="{encoding}"?>\n')


@pytest.mark.parametrize(
    ("title", "declared", "really", "content_type"),
    [
        ("Schrödinger", "utf-8", "latin-1", ""),
        ("Schrödinger “quoted”", "iso-8859-1", "cp1252", ""),
        ("Schrödinger 🎉", "iso-8859-1", "utf-8", ""),
        ("Schrödinger 🎉", "utf-8", "utf-8", "text/xml; charset=iso-8859-1"),
        ("Schrödinger 🎉", "utf-8", "utf-8", "text/xml"),
        ("Schrödinger 🎉", "utf-8", "utf-8-sig", "text/plain"),
        ("Schrödinger 🎉", "utf-16", "utf-16", "application/rss+xml"),
        ("Schrödinger 🎉", "utf-16", "utf-16-le", ""),
        ("Schrödinger 🎉", "utf-16", "utf-16-be", ""),
        ("Schrödinger 🎉", "utf-32", "utf-32", ""),
        ("Schrödinger 🎉", "x-bogus", "utf-8", ""),
        ("Schrödinger", "x-bogus", "latin-1", "text/xml; charset=bogus"),
        ("Schrödinger", "rot13", "latin-1", ""),
        ("Привет", "koi8-r", "koi8-r", ""),
        ("Привет", "utf-8", "koi8-r", "application/xml;charset=KOI8-R"),
        ("量子灯笼", "gb2312", "gb18030", ""),
    ],
)
def test_the_bytes_decide_what_the_declarations_mean(title, declared, really, content_type):
    body = document(title, declared).encode(really)
    assert only(body, content_type=content_type).title == title


def test_one_broken_byte_does_not_spoil_a_page_of_utf_8():
    body = document("Schrödinger, Gödel, Erdős and Ørsted X", "utf-8").encode()
    assert "Gödel, Erdős and Ørsted" in only(body.replace(b" X", b"\xff")).title


# --- links, ids and repeats ----------------------------------------------------------------------
@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
def test_a_link_that_is_no_web_address_is_dropped(link):
    entry = only(rss(f"<item><title>t</title><link>{link}</link></item>"))
    assert entry.url is None
    assert entry.source_id == "title:t"


def test_an_item_known_by_its_title_alone_says_so():
    entry = only(rss("<item><title>Known by Title</title></item>"))
    assert entry.source_id == "title:known by title"
    assert "no id and no link" in entry.warnings[0]


def test_a_bare_guid_is_no_link():
    entry = titled("t")
    assert (entry.url, entry.source_id) == (None, "g")


def test_one_guid_with_two_links_is_two_entries():
    item = "<item><title>t</title><guid isPermaLink='false'>same</guid><link>{}</link></item>"
    one, two = item.format("https://e.example.org/1"), item.format("https://e.example.org/2")
    found = parse_feed(page(rss(one + two + one)))
    assert [entry.url[-1] for entry in found.entries if entry.url] == ["1", "2"]
    assert len({entry.source_id for entry in found.entries}) == 2
    assert found.warnings == ("Items that stood on the page twice: 1.",)


def test_a_name_too_long_to_be_a_key_is_hashed():
    long = "g" * 5000
    body = rss(f"<item><title>t</title><guid isPermaLink='false'>{long}</guid></item>")
    assert re.fullmatch("[0-9a-f]{64}", only(body).source_id)


def test_code_that_every_item_links_to_is_the_feed_s_own():
    item = (
        "<item><guid isPermaLink='false'>{0}</guid><title>{0}</title>"
        "<description>https://github.com/me/feed {1}</description></item>"
    )
    papers = ["https://github.com/you/one", "", ""]
    found = parse_feed(page(rss("".join(item.format(f"t{n}", p) for n, p in enumerate(papers)))))
    assert [entry.code_urls for entry in found.entries] == [("https://github.com/you/one",), (), ()]


def test_relative_links_without_a_channel_link_belong_to_the_page():
    body = "<rss><channel><item><title>t</title><link>a/b</link></item></channel></rss>"
    assert only(body, url="https://e.example.org/x/feed").url == "https://e.example.org/x/a/b"
    assert only(body, url="").url is None


def test_a_withdrawn_paper_is_flagged():
    item = "<item><title>t</title><guid>g</guid><description>{}</description></item>"
    assert only(rss(item.format("This paper has been withdrawn by its author."))).withdrawn
    assert not only(rss(item.format("We study withdrawn papers."))).withdrawn


# --- damaged and odd documents -------------------------------------------------------------------
ITEMS = "".join(
    f"<item><title>Title {n}</title><link>https://e.example.org/{n}</link></item>" for n in range(3)
)


@pytest.mark.parametrize(
    "cut", ["</title><link>https://e.example.org/2</li", "itle 2", "le>Title 2"]
)
def test_a_cut_feed_keeps_its_complete_items(cut):
    text = rss(ITEMS)
    found = parse_feed(page(text[: text.index(cut) + len(cut) - 2]))
    assert [entry.title for entry in found.entries] == ["Title 0", "Title 1"]
    assert found.warnings == ("The feed is cut off; the item it ends in was left out.",)


def test_a_feed_cut_after_an_item_keeps_it():
    text = rss(ITEMS)
    found = parse_feed(page(text[: text.index("</channel>")]))
    assert len(found.entries) == 3
    assert "not well-formed" in found.warnings[0]


def test_text_behind_the_end_is_left_out():
    for more in ("<html><body>an advertisement</body></html>", rss(ITEMS)):
        found = parse_feed(page(rss("<item><title>First</title></item>") + more))
        assert [entry.title for entry in found.entries] == ["First"]
        assert found.warnings == ("Text behind the end of the feed was left out.",)


def test_a_late_or_doubled_declaration_and_a_foreign_prefix_are_read():
    body = rss(ITEMS).replace("<", "<rss:").replace("<rss:/", "</rss:").replace("<rss:rss", "<rss")
    body = body.replace("</rss:rss>", "</rss>")
    found = parse_feed(page(f"<!-- c -->\n<?xml?xml version='1.0' ??>\n{body}"))
    assert [entry.title for entry in found.entries] == ["Title 0", "Title 1", "Title 2"]


def test_at_most_two_thousand_items_are_read():
    item = "<item><title>t{0}</title><link>https://e.example.org/{0}</link></item>"
    found = parse_feed(page(rss("".join(item.format(n) for n in range(2003)))))
    assert len(found.entries) == items.MOST_ITEMS == 2000
    assert found.entries[-1].rank == 2000
    assert found.warnings == ("The page has 2003 items; the first 2000 were read.",)


def test_a_prologue_made_to_stall_does_not():
    body = "<!DOCTYPE " + "[]" * 30_000 + "<!--" * 10_000 + "[x" * 30_000
    assert refused(body).reason == "not_a_feed"


# --- dates ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Tue, 04 Aug 2026 10:00:00 GMT", datetime(2026, 8, 4, 10, tzinfo=UTC)),
        ("Tue, 04 Aug 2026 10:00:00 CEST", datetime(2026, 8, 4, 8, tzinfo=UTC)),
        ("4 Aug 26 10:00 EST", datetime(2026, 8, 4, 15, tzinfo=UTC)),
        ("4 Aug 99", datetime(1999, 8, 4, tzinfo=UTC)),
        ("Tue, 04 Aug 2026 23:59:60 -0130", datetime(2026, 8, 5, 1, 29, 59, tzinfo=UTC)),
        ("2026-08-04T10:00:00.123Z", datetime(2026, 8, 4, 10, tzinfo=UTC)),
        ("2026-08-04 10:00:00+02:00", datetime(2026, 8, 4, 8, tzinfo=UTC)),
        ("20260804", datetime(2026, 8, 4, tzinfo=UTC)),
        ("August 4, 2026", datetime(2026, 8, 4, tzinfo=UTC)),
        ("Tuesday, August 4, 2026 10:00 XYZ", datetime(2026, 8, 4, 10, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2026-08-16T11:00:00Z", datetime(2026, 8, 16, 11, tzinfo=UTC)),
    ],
)
def test_dates_are_read_as_feeds_write_them(text, wanted):
    assert dates.published(text, NOW) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-08", "Aug 2026", "yesterday-ish", "Sat, 32 Aug 2026", "2026-02-29", "10:00",
     "1785000000", "4 Foo 2026", "2026-13-01", "2026-08-04T25:00:00Z", "2026-08-04T10:00:00+99:00",
     "0000-01-01"],
)  # fmt: skip
def test_what_is_no_whole_date_is_none(text):
    assert dates.published(text, NOW) is None


def test_the_zero_of_a_clock_is_none_and_the_far_future_is_now():
    assert dates.published("Thu, 01 Jan 1970 00:00:00 GMT", NOW) is None
    assert dates.published("2099-01-01", NOW) == NOW
    assert dates.published((NOW + timedelta(hours=25)).isoformat(), NOW) == NOW


# --- authors -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ada Quill", ["Ada Quill"]),
        ("Ada Quill, Bo Lantern, and Zoë Wick", ["Ada Quill", "Bo Lantern", "Zoë Wick"]),
        ("Ada Quill, Jr., Bo Lantern", ["Ada Quill Jr.", "Bo Lantern"]),
        ("Quill, Ada", ["Quill, Ada"]),
        ("Quill, Ada; Lantern, Bo", ["Quill, Ada", "Lantern, Bo"]),
        ("Ada; Bo", ["Ada", "Bo"]),
        ("Madonna", ["Madonna"]),
        ("ada@example.org", []),
    ],
)
def test_joined_names_are_told_apart_where_that_is_certain(text, wanted):
    names = items.people([text])
    assert [name.strip() for name in names] == wanted


def test_names_that_come_one_by_one_are_not_split():
    names = ("Ada Quill", "The Lantern and Lamp Collaboration")
    assert items.people(names) == names


# --- hostile documents ---------------------------------------------------------------------------
def test_feedparser_is_called_in_one_place_and_always_with_a_stream():
    calls = {
        path.name: re.findall(r"feedparser\.parse\(\s*([\w.]+)", path.read_text())
        for path in ROOM.rglob("*.py")
    }
    assert {name: found for name, found in calls.items() if found} == {"feeds.py": ["io.BytesIO"]}


def test_a_body_that_is_a_path_or_an_address_is_read_as_a_body(tmp_path):
    secret = tmp_path / "secret.xml"
    secret.write_text(rss("<item><title>stolen</title></item>"))
    for body in (str(secret), secret.as_uri()):
        assert refused(body).reason == "not_a_feed"
