from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from lxml import etree
from sample_digest import LETTERHEAD, TOKEN, digest, marks, pick, popular, speaking

import templates
from tasks.records import Letterhead, Pick
from tasks.render.digest import LARGEST, render
from tasks.render.links import safe_url
from tasks.render.plan import Shape, shapes
from tasks.render.text import COLUMNS, clean, cut, cut_at_sentence, fill, script, width

BODY = Path(templates.__file__).parent / "email/digest/body.html"
VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE_URLS = (
    "javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "//evil.example/x",
    "https://arxiv.org@evil.example/",
    "https://evil.example\\@arxiv.org/",
    "https://",
    "https://[::1",
    "https://a..b/",
    "https://host:port/",
    "https://host/with space",
    "https://host/" + "a" * 3000,
    "",
)


class Page(HTMLParser):
    """An html page read strictly: what is opened is closed, in order, and no attribute twice."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self.feed(html)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"style", "title"} & set(self.open):
            self.words.append((self.open[-1], " ".join(data.split())))

    def every(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(words for _, words in self.words)

    @property
    def hrefs(self) -> list[str]:
        return [link["href"] for link in self.every("a")]


def read(html: str) -> Page:
    """The page, after every check that holds for any mail."""
    page = Page(html)
    assert page.faults == []
    parser = etree.HTMLParser(recover=True)
    etree.fromstring(html, parser)
    assert [e.message for e in parser.error_log] == []
    ids = [tag["id"] for _, tag in page.tags if "id" in tag]
    assert len(ids) == len(set(ids))
    assert not {"script", "img", "iframe", "form", "link", "object"} & {tag for tag, _ in page.tags}
    assert len(html.encode()) <= LARGEST
    return page


GOLDEN = {
    "one": digest(count=1),
    "two": digest(count=2),
    "ten": digest(count=10),
    "twenty": digest(count=20),
    "a right-to-left paper": digest(pick(5, authors=("ليلى حداد",))),
    "a Chinese paper": digest(pick(4)),
    "a title of 400 letters": digest(pick(1, title="Learning to route " * 22 + "well")),
    "a title of one word": digest(pick(1, title="x" * 400)),
    "200 authors": digest(pick(1, authors=tuple(f"Author {n}" for n in range(200)))),
    "a script in the title": digest(pick(1, title="<script>alert('x')</script> & \"more\"")),
    "a Jinja tag in the title": digest(pick(1, title="{{ 7 * 7 }} {% raw %} {# no #}")),
    "LaTeX that nobody could read": digest(pick(1, title=r"\ours{}: $\frac{a}{b}$ at 100\%")),
    "emoji": digest(pick(1, title="Maps 🗺️ for 👩‍👩‍👧 families", abstract="🧭" * 700)),
    "no abstract": digest(pick(1, abstract="")),
    "nothing but a title": digest(
        pick(1, abstract="", authors=(), categories=(), arxiv_id=None, url=None, code_urls=())
    ),
    "no title": digest(pick(1, title="\u202e \x00")),
    "text that breaks lines": digest(pick(1, title="A\r\nB\u2028C\x85D", authors=("E\nF",))),
    "half a character": digest(pick(1, title="Half \ud83d a pair", abstract="\udc00\uffff")),
    "no next digest": digest(count=3, next_day=None),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_every_kind_of_digest_becomes_a_sound_mail(name: str) -> None:
    mail = render(GOLDEN[name], LETTERHEAD)
    page = read(mail.html)
    assert 1 <= len(mail.subject) <= 60
    assert page.every("a")
    for line in mail.text.split("\n"):
        assert width(line) <= COLUMNS or "://" in line
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u2028\u202e]", line)
    mail.text.encode()


def test_a_digest_without_picks_is_refused_by_its_number() -> None:
    with pytest.raises(ValueError, match="digest 7 has no picks"):
        render(digest(pick(1), picks=()), LETTERHEAD)


def test_the_same_arguments_give_the_same_mail() -> None:
    assert render(digest(), LETTERHEAD) == render(digest(), LETTERHEAD)


# --- subject and first line ----------------------------------------------------------------------
def test_the_subject_is_the_best_title_and_a_count_of_the_others() -> None:
    assert render(digest(), LETTERHEAD).subject == "Sparse attention for long proteins + 11 more"


def test_the_subject_of_a_single_pick_is_its_title() -> None:
    assert render(digest(count=1), LETTERHEAD).subject == "Sparse attention for long proteins"


def test_a_long_title_is_cut_between_words_in_the_subject() -> None:
    subject = render(digest(pick(1, title="Learning to route " * 9), pick(2)), LETTERHEAD).subject
    assert subject == "Learning to route Learning to route Learning to… + 1 more"


def test_the_first_words_of_both_bodies_are_the_day_and_the_reading_time() -> None:
    mail = render(digest(), LETTERHEAD)
    first = "Saturday 21 November 2026 · 12 papers of 214 new · 2 minutes to read"
    assert mail.text.startswith(first + "\n")
    assert read(mail.html).words[0] == ("p", first)


def test_one_paper_and_one_minute_are_not_many() -> None:
    text = render(digest(count=1, considered=0), LETTERHEAD).text
    assert text.startswith("Saturday 21 November 2026 · 1 paper of 1 new · 1 minute to read\n")


# --- the two bodies ------------------------------------------------------------------------------
def numbered(page: Page) -> list[tuple[str, str]]:
    """Number and title of every paper of the html, in its order, without the list of contents."""
    found, number = [], ""
    for tag, attributes in page.tags:
        if re.fullmatch(r"p\d+", attributes.get("id", "")):
            number = attributes["id"][1:]
        if tag == "a" and attributes["href"].startswith("https://papers.example.net/p/") and number:
            found.append((number, attributes["href"]))
            number = ""
    return found


@pytest.mark.parametrize("count", [1, 3, 6, 12, 20, 150])
def test_both_bodies_carry_the_same_picks_in_the_same_order(count: int) -> None:
    mail = render(digest(count=count), LETTERHEAD)
    spoken = re.findall(
        r"^ ?(\d+)\. (?:(?!^\n ?\d+\. )[\s\S])*?^    (https://papers\.example\.net/p/\d+)$",
        mail.text.split("-" * 72, 1)[1],
        re.MULTILINE,
    )
    assert spoken == numbered(read(mail.html))
    assert len(spoken) == count or "more were chosen" in mail.text


def test_both_bodies_say_why_and_how_strongly() -> None:
    mail = render(digest(count=12), LETTERHEAD)
    why = "Matches “sparse attention”; you follow Ana Rossi. Against it: “survey”."
    for body in (read(mail.html).text, " ".join(mail.text.split())):
        assert body.count(why) == 12
        assert "strong match, 0.91" in body
        assert "strong match, 0.58" in body


def test_a_list_of_contents_stands_where_it_helps() -> None:
    for count, stands in ((2, False), (3, True), (10, True), (11, False)):
        inside = [
            h for h in read(render(digest(count=count), LETTERHEAD).html).hrefs if h[0] == "#"
        ]
        assert inside == ([f"#p{n}" for n in range(1, count + 1)] if stands else [])


def test_the_first_five_are_shown_in_full_and_the_others_on_a_line() -> None:
    page = read(render(digest(count=12), LETTERHEAD).html)
    assert sum("abstract" in tag.get("class", "") for tag in page.every("p")) == 5
    assert "Tactics are learned from traces." not in page.text


def test_headings_go_down_one_step_at_a_time_and_there_is_one_h1() -> None:
    levels = [
        int(tag[1])
        for tag, _ in read(render(digest(), LETTERHEAD).html).tags
        if tag[0] == "h" and tag[1:].isdigit()
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_short_papers_are_grouped_by_profile_where_the_reader_has_several() -> None:
    mail = render(digest(count=12), LETTERHEAD)
    page = read(mail.html)
    groups = [words for tag, words in page.words if tag == "h3"]
    assert groups == ["Libraries and taste", "Long contexts"]
    assert all(f"\n{name}\n" in mail.text for name in groups)


def test_a_single_profile_is_not_named() -> None:
    picks = [replace(pick(n), profile_name="Mine") for n in range(1, 13)]
    mail = render(digest(*picks), LETTERHEAD)
    assert "Mine" not in mail.text + mail.html


def test_papers_of_a_nameless_profile_get_a_group_too() -> None:
    picks = [replace(pick(n), profile_name="" if n % 2 else "Named") for n in range(1, 13)]
    words = read(render(digest(*picks), LETTERHEAD).html).words
    assert [text for tag, text in words if tag == "h3"] == ["Named", "Other"]


def test_of_many_authors_three_are_named_and_all_are_counted() -> None:
    many = tuple(f"Author {n}" for n in range(1, 201))
    text = render(digest(pick(1, authors=many)), LETTERHEAD).text
    assert "Author 1, Author 2, Author 3 et al. (200)\n" in text
    assert "Author 4" not in text


def test_foreign_text_says_its_language_and_its_way() -> None:
    page = read(render(digest(count=5), LETTERHEAD).html)
    marked = [(tag["lang"], tag["dir"]) for tag in page.every("h2")]
    assert marked == [("en", "ltr")] * 3 + [("zh", "ltr"), ("ar", "rtl")]
    assert page.every("html") == [{**page.every("html")[0], "lang": "en", "dir": "ltr"}]


# --- strangers -----------------------------------------------------------------------------------
def test_a_script_in_a_title_is_text() -> None:
    title = "<script>alert('x')</script> & \"more\""
    mail = render(digest(pick(1, title=title, abstract=title, authors=(title,))), LETTERHEAD)
    page = read(mail.html)
    assert page.text.count(title) == 3
    assert f" 1. {title}\n" in mail.text


def test_a_template_tag_in_a_title_is_text() -> None:
    mail = render(digest(pick(1, title="{{ 7 * 7 }} {% raw %}")), LETTERHEAD)
    assert "{{ 7 * 7 }} {% raw %}" in read(mail.html).text
    assert "{{ 7 * 7 }} {% raw %}" in mail.text


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_link_that_is_not_plainly_to_the_web_is_dropped(url: str) -> None:
    assert safe_url(url) == ""
    hostile = pick(1, url=url, code_urls=(url,), arxiv_id="2611.00001/../../x", doi="10.1/<x>")
    mail = render(digest(hostile), LETTERHEAD)
    assert all(href.startswith(LETTERHEAD.base_url) for href in read(mail.html).hrefs)
    assert "Sparse attention" in mail.text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://arxiv.org/abs/2611.04321v2", "https://arxiv.org/abs/2611.04321v2"),
        ("http://example.org:8080/a?b=c&d=%20#e", "http://example.org:8080/a?b=c&d=%20#e"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("HTTPS://Example.ORG/A", "https://example.org/A"),
        ('https://example.org/"><b>', "https://example.org/%22%3E%3Cb%3E"),
        (None, ""),
    ],
)
def test_a_web_link_is_shown_with_its_true_host(url: str | None, shown: str) -> None:
    assert safe_url(url) == shown


def test_a_paper_is_linked_by_its_page_else_arxiv_else_its_publisher() -> None:
    bare = {"url": None, "code_urls": ()}
    for changes, first in (
        ({}, "https://papers.example.net/p/1"),
        (bare, "https://arxiv.org/abs/2611.04321"),
        (bare | {"arxiv_id": None, "doi": "10.5555/a(b)"}, "https://doi.org/10.5555/a(b)"),
    ):
        assert read(render(digest(pick(1, **changes)), LETTERHEAD).html).hrefs[0] == first


def test_links_name_their_paper_and_none_is_repeated_in_the_text() -> None:
    mail = render(digest(pick(1, url="https://arxiv.org/abs/2611.04321")), LETTERHEAD)
    labels = [link.get("aria-label") for link in read(mail.html).every("a")]
    assert "PDF of Sparse attention for long proteins" in labels
    assert "Code of Sparse attention for long proteins" in labels
    assert mail.text.count("    https://arxiv.org/abs/2611.04321\n") == 1
    assert "    https://arxiv.org/pdf/2611.04321\n" in mail.text


text_of_strangers = st.text(st.characters(exclude_categories=()), max_size=400)


@settings(max_examples=60, deadline=None)
@given(text_of_strangers, text_of_strangers, text_of_strangers)
def test_no_text_can_break_a_mail(title: str, abstract: str, name: str) -> None:
    hostile = pick(1, title=title, abstract=abstract, authors=(name,), categories=(name,), url=name)
    reader = replace(digest().reader, timezone=name)
    mail = render(digest(hostile, pick(2), reader=reader), replace(LETTERHEAD, sender_name=name))
    page = Page(mail.html)
    assert page.faults == []
    assert all(re.match(r"https?://", href) for href in page.hrefs)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", mail.text + mail.subject)
    (mail.subject + mail.text + mail.html).encode()


# --- the ways out --------------------------------------------------------------------------------
def test_the_footer_says_why_whom_when_and_how_to_leave() -> None:
    mail = render(digest(), LETTERHEAD)
    before, after = mail.text.split("\n-- \n")
    for body in (" ".join(after.split()), read(mail.html).text):
        assert "because you asked Paperround for it, at ada@example.org." in body
        assert "The next one comes on Monday 23 November, about 07:00 (Europe/Rome)." in body
        assert "No tracking" in body
        assert "Example Society, 1 Long Lane, Exampleton" in body
    assert TOKEN not in before
    ours = [href for href in read(mail.html).hrefs if TOKEN in href]
    assert ours == [f"https://papers.example.org/u/{TOKEN}"], "no link to a page that is not there"
    assert f"\nUnsubscribe:\n{ours[0]}\n" in after
    assert f"\nOr unsubscribe by an empty mail to:\nu+{TOKEN}@news.example.org\n" in after
    assert after.count(TOKEN) == 2


def test_without_a_public_address_a_mail_links_to_papers_alone_and_can_be_left_by_mail() -> None:
    mail = render(digest(), Letterhead(sender="digest@example.org", domain="example.org"))
    hrefs = read(mail.html).hrefs
    assert f"mailto:u+{TOKEN}@example.org?subject=unsubscribe" in hrefs
    assert not any(TOKEN in href for href in hrefs if not href.startswith("mailto:"))
    assert f"\nu+{TOKEN}@example.org\n" in mail.text
    assert "//localhost" not in mail.text + mail.html
    assert "None" not in mail.text + mail.html


def test_without_a_token_there_is_nothing_to_press() -> None:
    reader = replace(digest().reader, token="")
    mail = render(digest(reader=reader), LETTERHEAD)
    assert "nsubscribe" not in mail.text + mail.html


def test_a_token_cannot_leave_its_place_in_a_link() -> None:
    reader = replace(digest().reader, token="../x?y#z\r\n")
    hrefs = read(render(digest(count=1, reader=reader), LETTERHEAD).html).hrefs
    assert "https://papers.example.org/u/..%2Fx%3Fy%23z%0D%0A" in hrefs


# --- feedback, preferences, the web -----------------------------------------------------------
MARKS = marks(12)
GIVE = "https://papers.example.org/give/"


def test_every_paper_can_be_answered_by_its_own_mark() -> None:
    page = read(render(digest(count=12, marks=MARKS), LETTERHEAD).html)
    given = [href for href in page.hrefs if href.startswith(GIVE)]
    wanted = [
        f"{GIVE}{MARKS.give[pick.paper.id]}?want={want}"
        for pick in [*digest(count=12).picks]
        for want in ("more", "less", "save")
    ]
    assert sorted(given) == sorted(wanted)
    labels = [link["aria-label"] for link in page.every("a") if link["href"].startswith(GIVE)]
    assert labels[:3] == [
        "More like this: paper 1",
        "Less like this: paper 1",
        "Save for later: paper 1",
    ]
    assert len(set(labels)) == 36, "each says which paper it is of"


def test_plain_text_has_the_answers_of_the_papers_in_full() -> None:
    mail = render(digest(count=12, marks=MARKS), LETTERHEAD)
    for number in range(1, 13):
        want = f"    {GIVE}{MARKS.give[number]}?want=less\n"
        assert (want in mail.text) == (number <= 5)


def test_a_digest_leads_to_itself_on_the_web_and_to_the_preferences() -> None:
    mail = render(digest(count=12, marks=MARKS), LETTERHEAD)
    page = read(mail.html)
    view = f"https://papers.example.org/view/{MARKS.view}"
    tune = f"https://papers.example.org/tune/{MARKS.tune}"
    assert page.hrefs[0] == view, "above everything else"
    assert page.hrefs[-2:] == [tune, f"https://papers.example.org/u/{TOKEN}"]
    assert mail.text.index(f"\nRead in a browser:\n{view}\n") < 120
    assert f"\nPause or change what you get:\n{tune}\n" in mail.text.split("\n-- \n")[1]


def test_without_marks_or_a_public_address_there_are_no_such_links() -> None:
    nowhere = replace(LETTERHEAD, base_url="")
    for mail in (
        render(digest(count=12), LETTERHEAD),
        render(digest(count=12, marks=MARKS), nowhere),
    ):
        for word in ("give/", "tune/", "view/", "browser", "Pause", "More like this"):
            assert word not in mail.text + mail.html


def test_a_paper_without_a_mark_has_no_links_to_answer_by() -> None:
    some = replace(MARKS, give={1: MARKS.give[1]})
    page = read(render(digest(count=12, marks=some), LETTERHEAD).html)
    assert sum(href.startswith(GIVE) for href in page.hrefs) == 3


def test_a_mark_cannot_leave_its_place_in_a_link() -> None:
    hostile = replace(MARKS, view="../x?y#z", give={1: '"><b>'})
    page = read(render(digest(count=1, marks=hostile), LETTERHEAD).html)
    assert page.hrefs[0] == "https://papers.example.org/view/..%2Fx%3Fy%23z"
    assert f"{GIVE}%22%3E%3Cb%3E?want=more" in page.hrefs


# --- the list of everybody -----------------------------------------------------------------------
def test_the_list_by_votes_says_so_once_and_asks_what_interests_the_reader() -> None:
    everybody = digest(*(popular(n, 131 - n) for n in range(1, 9)), marks=MARKS)
    mail = render(everybody, LETTERHEAD)
    page = read(mail.html)
    for body in (page.text, " ".join(mail.text.split())):
        assert body.count("The most voted papers of the day, the same for everybody until") == 1
        assert "130 votes · cs.LG" in body
        assert "· 123 votes" in body
        assert "Why:" not in body
        assert "match" not in body
        assert "0.5" not in body
    tune = f"https://papers.example.org/tune/{MARKS.tune}"
    assert page.hrefs.count(tune) == 2
    assert f"\nSay what interests you:\n{tune}\n" in mail.text
    assert "More of the day" in page.text


def test_the_list_by_votes_needs_no_link_to_the_preferences() -> None:
    mail = render(speaking("en", digest(popular(1, 1)), length="short"), LETTERHEAD)
    assert "Ana Rossi et al. · 1 vote<" in mail.html
    assert "most voted" in mail.text
    assert "Say what interests you" not in mail.text + mail.html
    assert "Papers of the day" in mail.html


# --- languages -----------------------------------------------------------------------------------
def test_the_frame_is_in_the_readers_language_and_the_papers_in_their_own() -> None:
    mail = render(speaking("de", digest(count=12, marks=MARKS)), LETTERHEAD)
    page = read(mail.html)
    assert mail.subject == "Sparse attention for long proteins + 11 weitere"
    assert page.every("html")[0]["lang"] == "de"
    for body in (page.text, " ".join(mail.text.split())):
        first = "Samstag, 21. November 2026 · 12 Paper von 214 neuen · 2 Minuten Lesezeit"
        assert body.startswith(first)
        assert "passt sehr gut, 0,91 · " in body
        assert "Passt zu „sparse attention“; Sie folgen Ana Rossi. Dagegen spricht:" in body
        assert "Die nächste kommt am Montag, 23. November, gegen 07:00 Uhr" in body
        assert "Serving long conversations is bound by memory." in body
        for english in ("Why", "match", "Unsubscribe", "papers of", "chosen", "More", "tracking"):
            assert english not in body
    titles = [tag["lang"] for tag in page.every("h2") if "lang" in tag]
    assert titles == ["en", "en", "en", "zh", "ar"]


def test_both_languages_carry_the_same_links_in_the_same_order() -> None:
    made = digest(count=12, marks=MARKS)
    english, german = (read(render(speaking(name, made), LETTERHEAD).html) for name in ("en", "de"))
    assert english.hrefs == german.hrefs


def test_a_reader_of_an_unknown_language_gets_english() -> None:
    made = digest(count=2)
    assert render(speaking("tlh", made), LETTERHEAD) == render(made, LETTERHEAD)


# --- size ----------------------------------------------------------------------------------------
def long_picks(count: int, letters: int = 280) -> list[Pick]:
    """Papers whose every part is as large as a mail lets it be."""
    title = ("&<" * letters)[:letters]
    return [
        pick(n, title=title, authors=(title,) * 9, url="https://a.example/" + "b" * 1900)
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [1, 5, 12, 40, 200])
def test_a_mail_never_grows_beyond_what_gmail_shows_and_keeps_its_footer(count: int) -> None:
    mail = render(digest(*long_picks(count)), LETTERHEAD)
    read(mail.html)
    for body in (mail.html, mail.text):
        assert f"https://papers.example.org/u/{TOKEN}" in body
        assert "Example Society" in body


def test_an_ordinary_digest_of_twenty_stays_far_below() -> None:
    assert len(render(digest(count=20), LETTERHEAD).html.encode()) < 45_000


def test_what_is_left_out_is_counted_in_both_bodies() -> None:
    mail = render(digest(*long_picks(200)), LETTERHEAD)
    left_out = re.findall(r"(\d+) more were chosen", mail.html + mail.text)
    assert len(left_out) == 2
    assert len(set(left_out)) == 1
    shown = len(re.findall(r"^ ?\d+\. ", mail.text, re.MULTILINE))
    assert shown + int(left_out[0]) == 200


def test_abstracts_shrink_from_the_bottom_then_papers_become_lines_then_a_count() -> None:
    found = list(shapes(7))
    assert found[:3] == [
        Shape((600,) * 5, 2),
        Shape((600,) * 4 + (250,), 2),
        Shape((600,) * 3 + (250,) * 2, 2),
    ]
    assert Shape((250,) * 4 + (0,), 2) in found
    assert found.index(Shape((0,) * 5, 2)) < found.index(Shape((0,) * 4, 3))
    assert found[-1] == Shape((0,), 0)
    assert list(shapes(1)) == [Shape((600,), 0), Shape((250,), 0), Shape((0,), 0)]


def test_a_short_digest_is_lines_alone_and_keeps_one_to_the_last() -> None:
    assert list(shapes(6, "short")) == [Shape((), lines) for lines in (6, 4, 3, 2, 1)]
    assert list(shapes(1, "short")) == [Shape((), 1)]


def test_a_long_digest_shows_all_in_full_as_far_as_there_is_room() -> None:
    found = list(shapes(7, "long"))
    assert found[:2] == [Shape((5000,) * 7, 0), Shape((5000,) * 6 + (600,), 0)]
    assert Shape((600,) * 7, 0) in found
    assert found.index(Shape((0,) * 7, 0)) < found.index(Shape((0,) * 5, 2))
    assert found[-1] == Shape((0,), 0)


def test_the_length_of_a_digest_is_the_readers() -> None:
    long_one = digest(*(pick(n, abstract="A sentence of its own. " * 60) for n in range(1, 9)))
    pages = {
        length: read(render(speaking("en", long_one, length=length), LETTERHEAD).html)
        for length in ("short", "normal", "long")
    }
    shown = {
        length: [len(words) for tag, words in page.words if tag == "p" and "A sentence of" in words]
        for length, page in pages.items()
    }
    assert shown["short"] == []
    assert len(shown["normal"]) == 5
    assert max(shown["normal"]) <= 600
    assert len(shown["long"]) == 8
    assert min(shown["long"]) == len("A sentence of its own. " * 60) - 1
    for page in pages.values():
        assert page.text.count("Matches “sparse attention”") == 8
    assert [words for tag, words in pages["short"].words if tag == "h2"] == ["Chosen for you"]
    assert not any(href.startswith("#") for href in pages["short"].hrefs)


@pytest.mark.parametrize("length", ["short", "normal", "long"])
@pytest.mark.parametrize("count", [1, 12, 200])
def test_no_length_grows_beyond_what_gmail_shows(count: int, length: str) -> None:
    large = digest(*long_picks(count), marks=marks(count))
    mail = render(speaking("de", large, length=length), LETTERHEAD)
    read(mail.html)
    assert len(re.findall(r'id="p\d+"', mail.html)) >= 1
    assert f"https://papers.example.org/u/{TOKEN}" in mail.html


# --- the template --------------------------------------------------------------------------------
def jinja_tags(source: str) -> list[str]:
    return re.findall(r"\{[{%].*?[%}]\}", source, re.DOTALL)


def test_inlining_keeps_every_jinja_tag_and_leaves_only_media_rules_behind() -> None:
    environment = templates.environment_for("en")
    assert environment.loader is not None
    source, *_ = environment.loader.get_source(environment, "email/digest/body.html")
    before, after = jinja_tags(BODY.read_text(encoding="utf-8")), jinja_tags(source)
    assert [tag for tag in after if tag[1] == "%"] == [tag for tag in before if tag[1] == "%"]
    assert Counter(after) == Counter(before)  # only attributes may change places
    (style,) = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    assert re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", style).strip() == ""
    assert len(style) < 8_000


def test_a_missing_name_in_a_template_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        templates.environment_for("en").from_string("{{ missing }}").render()


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palette(css: str) -> dict[str, dict[str, str]]:
    """Each class's colours by property."""
    found: dict[str, dict[str, str]] = {}
    for name, body in re.findall(r"\.([\w-]+) \{([^}]*)\}", css):
        colours = re.findall(r"((?:background-|border-)?color): (#[0-9a-f]{6})", body)
        found.setdefault(name, {}).update(colours)
    return found


def test_every_colour_of_text_stands_out_in_light_and_in_dark() -> None:
    light, dark = BODY.read_text(encoding="utf-8").split("@media (prefers-color-scheme: dark)")
    day, night = palette(light), palette(dark.split("</style>")[0])
    texts = [name for name, colours in day.items() if "color" in colours]
    assert set(texts) == {"ink", "quiet", "accent"}
    for colours in (day, night):
        page = colours["page"]["background-color"]
        assert all(contrast(colours[name]["color"], page) >= 4.5 for name in texts)
    assert contrast(night["mark"]["border-color"], night["page"]["background-color"]) >= 3
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


# --- text ----------------------------------------------------------------------------------------
def test_text_is_cut_between_words_and_never_longer_than_asked() -> None:
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three", 12) == "one two…"
    assert cut("one two, three", 9) == "one two…"
    assert cut("x" * 20, 10) == "x" * 9 + "…"


def test_an_abstract_is_cut_after_a_sentence() -> None:
    assert cut_at_sentence("One is here. Two is e.g. there. Three.", 33) == (
        "One is here. Two is e.g. there."
    )
    assert cut_at_sentence("一句。二句。三句。", 7) == "一句。二句。"
    assert cut_at_sentence("no end in sight at all", 12) == "no end in…"


@given(st.text(max_size=300), st.integers(2, 80))
@settings(max_examples=100, deadline=None)
def test_no_cut_is_longer_than_asked(text: str, most: int) -> None:
    assert len(cut(clean(text), most)) <= most
    assert len(cut_at_sentence(clean(text), most)) <= most


def test_text_is_wrapped_by_columns_and_hangs() -> None:
    lines = fill("word " * 30, " 1. ", "    ").split("\n")
    assert lines[0].startswith(" 1. word")
    assert all(line.startswith("    word") for line in lines[1:])
    assert all(width(line) <= COLUMNS for line in lines)


def test_text_without_spaces_is_wrapped_anywhere_and_an_address_never() -> None:
    lines = fill("注意力" * 40, "    ", "    ").split("\n")
    assert [width(line) for line in lines] == [72, 72, 72, 40]
    url = "https://example.org/" + "a" * 90
    assert fill(f"see {url} now", "", "") == f"see\n{url}\nnow"


@pytest.mark.parametrize(
    ("text", "language", "direction"),
    [
        ("Plain English", "en", "ltr"),
        ("On the word 注意 in English papers", "en", "ltr"),
        ("日本語のかな文字", "ja", "ltr"),
        ("한국어 논문", "ko", "ltr"),
        ("מאמר בעברית", "he", "rtl"),
        ("«دراسة»", "ar", "rtl"),
        ("2026 — !", "en", "ltr"),
    ],
)
def test_the_script_tells_language_and_way(text: str, language: str, direction: str) -> None:
    found = script(text)
    assert (found.language, found.direction) == (language, direction)


def test_what_hides_or_turns_text_is_taken_out() -> None:
    assert clean("a\u202eb\u200bc\ufeffd\ud800e\ufffff\r\ng\u2028h\x00i") == "abcdef g h i"
    assert clean("می\u200cخواهم 👩‍👧") == "می\u200cخواهم 👩‍👧"
