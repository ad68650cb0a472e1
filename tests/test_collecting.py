"""A reader's own papers: a real-looking BibTeX, and stand-ins that answer as Zotero, ORCID and arXiv do."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from papers import bring, entry, page
from web_server import Handler, Site, reply

from tasks.desk import collecting
from tasks.desk.collecting import collect, from_orcid, from_zotero
from tasks.errors import SourceError, TooMany, UsageError
from tasks.library import bibtex
from tasks.library.reference import NAMELESS
from tasks.redact import install
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store.database import Database

KEY = "aSecretKeyOfSomebody1234"
ORCID = "0000-0002-1825-0097"
SUBJECTS = ("sparse attention", "protein folding", "tidal energy", "graph kernels", "speech codecs")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that let 127.0.0.1 be asked."""
    return Settings(home=tmp_path / "home", allow_private=True, _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """One kind is enough: test_library_lookup asks both for the same."""
    opened = Database(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def stored(context: Context, now: datetime) -> Context:
    """A context whose store has the papers 1 … 150."""
    with context.database.write() as session:
        bring(session, page(*(entry(number) for number in range(1, 151))), now)
    return context


def study(number: int) -> str:
    return f"Study {number} of {SUBJECTS[number % 5]}"


# --- files ---------------------------------------------------------------------------------------
def nasty_bibtex() -> bytes:
    """500 entries as several programs and a hurried person leave them."""

    def written(number: int) -> str:
        subject, key = SUBJECTS[number % 5], f"key{number}"
        if number <= 60:
            return (
                f"@article{{{key},\n  title = {{{{Study {number}}} of {{\\em {subject}}}}},\n"
                f"  eprint = {{2611.{number:05d}v2}}, archivePrefix = arx, year = 2026 # {{}}\n}}"
            )
        if number <= 100:
            return f'@Misc({key}, title = "{{S}}tudy {number} of \\textbf{{{subject}}}." )'
        if number <= 150:
            return (
                f"@article{{DBLP:corr/abs-{number},\n author = {{Ada Author and Bo Second}},\n"
                f" title = {{A preprint}}, journal = {{CoRR}}, volume = {{abs/2611.{number:05d}}}}}"
            )
        if number <= 350:
            return (
                f'@inproceedings{{{key},\n  author = {{G{{\\"o}}del, Kurt and Erd\\H{{o}}s, P.}},\n'
                f"  title = {{R{{\\'e}}sum{{\\'e}} {number}: $\\alpha${{\\textendash}}waves,"
                f" {{nested {{braces}}}} \\& 50\\%}},\n"
                f'  abstract = "We look at {{"}}waves{{"}}\n   again.", month = nov\n}}'
            )
        if number <= 400:
            return f"@article{{{key}, doi = {{https://doi.org/10.1234/JOURNAL.{number}}}}}"
        if number <= 420:
            return f"@book{{{key}, publisher = {{Nobody}}, year = 19{number % 100:02d}}}"
        if number <= 430:
            return f"@article{{{key}, title = {{Cut off {number}, year = 2026"
        if number <= 440:
            return f"@article{{key{number - 270}, title = {{Another of that key, {number}}}}}"
        if number <= 460:
            known = number - 440
            return (
                f"@article{{again{number}, title={{Study {known}}}, eprint={{2611.{known:05d}}}}}"
            )
        if number <= 499:
            return f"@article{{{key}, title = {{Über {number} Gewässer}}}}"
        return f"@article{{{key}, title = {{The last of {number}}}"

    head = """This file was made by hand. Write to ada@readers.example {or not}.
@comment{jabref-meta: databaseType:bibtex;}
@preamble{"\\newcommand{\\noop}[1]{}"}
@string{arx = "arX" # {iv}}
"""
    entries = [written(number) for number in range(1, 501)]
    text = head + "\n\n% ---\n".join(entries[:200]) + "\n" + " \n".join(entries[200:])
    lines = text.replace("\n", "\r\n").split("\r\n")
    return b"\xef\xbb\xbf" + b"\r\n".join(
        line.encode("latin-1" if "Über" in line and number % 2 else "utf-8")
        for number, line in enumerate(lines)
    )


def test_a_real_looking_bibtex_of_500_entries_is_counted_to_the_last(stored: Context) -> None:
    data = nasty_bibtex()
    assert data.count(b"\n@") + data.count(b" @") >= 500
    found = collect(stored, data, "library.bib", arxiv="http://127.0.0.1:9/")
    assert len(found.matched) == 150
    assert {example.title for example in found.matched} == {study(n) for n in range(1, 151)}
    assert {example.id for example in found.matched} == {f"entry:{n}" for n in range(1, 151)}
    assert all(example.abstract for example in found.matched)
    assert len(found.titled) == 200 + 10 + 39 + 1
    assert found.titled[0].title == "Résumé 151: α–waves, nested braces & 50%"
    assert found.titled[0].abstract == 'We look at "waves" again.'
    assert found.titled[-2].title == "Über 499 Gewässer"
    assert found.unmatched == tuple(f"key{number}" for number in range(351, 401))
    assert [one.reason for one in found.refused] == [NAMELESS] * 20 + [bibtex.UNCLOSED] * 10
    assert [one.label for one in found.refused] == [f"key{n}" for n in range(401, 431)]
    assert found.notes == ()


def test_a_ris_file_is_counted_to_the_last(stored: Context) -> None:
    records = [
        f"TY  - JOUR\r\nTI  - {study(1)}\r\nER  - ",
        "TY  - GEN\r\nTI  - A preprint\r\nUR  - https://arxiv.org/abs/2611.00002\r\nER  - ",
        "TY  - JOUR\r\nT1  - Waves\r\nN2  - They come.\r\nDO  - 10.1234/waves\r\nER  - ",
        "TY  - JOUR\r\nDO  - 10.1234/unknown\r\nER  - ",
        "TY  - JOUR\r\nPY  - 2026\r\nID  - smith99\r\nER  - ",
    ]
    found = collect(stored, "\r\n".join(records).encode(), "export.ris")
    assert [example.title for example in found.matched] == [study(1), study(2)]
    assert [(one.title, one.abstract, one.id) for one in found.titled] == [
        ("Waves", "They come.", "doi:10.1234/waves")
    ]
    assert found.unmatched == ("10.1234/unknown",)
    assert [one.label for one in found.refused] == ["smith99"]


def test_one_stored_paper_named_twice_is_one_example(stored: Context) -> None:
    found = collect(stored, f"@misc{{a, title={{{study(1)}}}}} @misc{{b, eprint={{2611.00001}}}}")
    assert [example.id for example in found.matched] == ["entry:1"]


def test_what_cannot_be_read_is_a_usage_error(context: Context) -> None:
    with pytest.raises(UsageError, match="there is nothing in it"):
        collect(context, b"", "library.bib")


def test_a_file_of_2000_papers_takes_as_few_queries_as_one(stored: Context) -> None:
    from sqlalchemy import event

    seen: list[str] = []
    event.listen(
        stored.database.engine, "before_cursor_execute", lambda *told: seen.append(told[2])
    )
    for count in (1, 2000):
        seen.clear()
        lines = [f"@misc{{k{n}, title={{{study(n)}}}, doi={{10.1234/{n}}}}}" for n in range(count)]
        collect(stored, "\n".join(lines))
        assert len([one for one in seen if one.startswith("SELECT")]) == 2  # by DOI, by title


# --- arXiv ---------------------------------------------------------------------------------------
def atom(*numbers: int) -> bytes:
    """The API's answer with these papers."""
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/2612.{n:05d}v1</id><title>Paper {n}</title>"
        f"<summary>About {n}.</summary><published>2026-11-02T00:00:00Z</published></entry>"
        for n in numbers
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/api/x</id>{entries}</feed>'.encode()


def test_ids_that_nobody_here_knows_are_asked_of_arxiv_at_once(stored: Context, site: Site) -> None:
    site.otherwise = reply(200, atom(1, 3))
    text = "2611.00001\n2612.00001\nhttps://arxiv.org/abs/2612.00002v3\nhep-th/9901001"
    found = collect(stored, text, arxiv=f"{site.url}/api/query")
    assert site.paths == ["/api/query?id_list=2612.00001,2612.00002,hep-th/9901001&max_results=3"]
    assert [example.id for example in found.matched] == ["entry:1"]
    assert [(one.title, one.abstract, one.id) for one in found.titled] == [
        ("Paper 1", "About 1.", "arxiv:2612.00001")
    ]
    assert found.unmatched == ("https://arxiv.org/abs/2612.00002v3", "hep-th/9901001")
    assert found.notes == ()


def test_arxiv_fills_in_abstracts_and_is_asked_for_a_hundred_papers_at_most(
    stored: Context, site: Site
) -> None:
    site.otherwise = reply(200, atom(1, 500))
    named = [f"@misc{{k{n}, title={{Mine {n}}}, eprint={{2612.{n:05d}}}}}" for n in range(1, 100)]
    bare = [f"@misc{{k{n}, eprint={{2612.{n:05d}}}}}" for n in range(500, 510)]
    whole = ["@misc{w, title={Whole}, abstract={Here.}, eprint={2612.00999}}"]
    found = collect(stored, "\n".join([*named, *bare, *whole]), arxiv=f"{site.url}/api/query")
    asked = parse_qs(urlsplit(site.paths[0]).query)["id_list"][0].split(",")
    assert len(asked) == 100
    assert asked[:11] == [*(f"2612.{n:05d}" for n in range(500, 510)), "2612.00001"]
    assert [(one.title, one.abstract) for one in found.titled[:2]] == [
        ("Mine 1", "About 1."),
        ("Mine 2", ""),
    ]
    assert [(one.title, one.abstract) for one in found.titled[-2:]] == [
        ("Paper 500", "About 500."),
        ("Whole", "Here."),
    ]
    assert [str(note) for note in found.notes] == [
        "arXiv was asked for 100 of the 109 papers that we do not have."
    ]


@pytest.mark.parametrize(
    "script",
    [
        reply(503, Retry_After="5"),
        reply(429),
        reply(200, b"Rate exceeded.\n"),
        reply(400, atom(1)),
        reply(200, b"<html>busy</html>"),
        reply(200, atom(1) + b"\n" * 2_000_001),
        reply(302, Location="ftp://arxiv.example/"),
    ],
    ids=["503", "429", "sentence", "400", "page", "too large", "redirect"],
)
def test_a_failure_of_arxiv_is_noted_and_costs_nothing_else(
    stored: Context, site: Site, script: Callable[[Handler], object]
) -> None:
    site.otherwise = script
    found = collect(stored, "2611.00001, 2612.00001", arxiv=f"{site.url}/api/query")
    assert len(found.matched) == 1
    assert found.unmatched == ("2612.00001",)
    assert [note.text for note in found.notes] == [collecting.ARXIV_DOWN]


# --- how often -----------------------------------------------------------------------------------
def test_arxiv_is_asked_once_in_three_seconds_by_all_together(
    stored: Context, site: Site, clock: Any
) -> None:
    site.otherwise = reply(200, atom(1))
    asked = {"data": "2611.00001, 2612.00001", "arxiv": f"{site.url}/api/query"}
    seen = []
    for reader_id in (1, 2, None):
        found = collect(stored, **asked, reader_id=reader_id)
        assert len(found.matched) == 1
        seen.append([note.text for note in found.notes])
        clock.moment += timedelta(seconds=1)
    assert seen == [[], [collecting.ARXIV_BUSY], [collecting.ARXIV_BUSY]]
    assert [one.title for one in collect(stored, **asked).titled] == ["Paper 1"]
    assert len(site.paths) == 2


def test_a_reader_brings_papers_ten_times_an_hour_wherever_they_are(
    stored: Context, site: Site, clock: Any
) -> None:
    works = f"/v3.0/{ORCID}/works"
    site.scripts[works] = reply(200, b'{"group": []}')
    site.otherwise = shelf([])

    def bring_all(reader_id: int | None) -> None:
        collect(stored, "2611.00001", reader_id=reader_id)
        from_zotero(stored, "475425", "", reader_id=reader_id, base=site.url)
        from_orcid(stored, ORCID, reader_id=reader_id, base=site.url)

    for _ in range(3):
        bring_all(1)
    collect(stored, "2611.00001", reader_id=1)
    before = len(site.paths)
    for way in (
        lambda: collect(stored, "2611.00001", reader_id=1),
        lambda: from_zotero(stored, "475425", "", reader_id=1, base=site.url),
        lambda: from_orcid(stored, ORCID, reader_id=1, base=site.url),
    ):
        with pytest.raises(TooMany) as refused:
            way()
        assert refused.value.wait == timedelta(hours=1)
    assert len(site.paths) == before
    bring_all(2)
    for _ in range(11):
        bring_all(None)
    clock.moment += timedelta(hours=1)
    bring_all(1)


def test_few_collect_at_once_and_a_place_is_free_again_after_a_failure(
    stored: Context, site: Site
) -> None:
    inside, go_on = threading.Semaphore(0), threading.Event()

    def slow(handler: Handler) -> None:
        inside.release()
        go_on.wait(10)
        reply(500)(handler)

    def fail() -> None:
        with pytest.raises(SourceError):
            from_orcid(stored, ORCID, base=site.url)

    site.otherwise = slow
    threads = [threading.Thread(target=fail) for _ in range(collecting.AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=10)
    with pytest.raises(TooMany, match="others are bringing papers") as refused:
        collect(stored, "2611.00001", reader_id=1)
    go_on.set()
    for thread in threads:
        thread.join()
    assert refused.value.wait == timedelta(seconds=10)
    for _ in range(10):  # what was refused was not counted
        assert len(collect(stored, "2611.00001", reader_id=1).matched) == 1


# --- Zotero --------------------------------------------------------------------------------------
def item(number: int, **data: Any) -> dict[str, Any]:
    """An item as Zotero's API gives it."""
    told = {
        "itemType": "journalArticle",
        "title": study(number),
        "dateAdded": "2026-08-04T11:12:13Z",
    }
    return {"key": f"K{number}", "meta": {}, "data": {"key": f"K{number}"} | told | data}


def shelf(items: Sequence[object], **headers: str) -> Callable[[Handler], object]:
    """Answers as Zotero does for a library of these items."""

    def script(handler: Handler) -> None:
        asked = parse_qs(urlsplit(handler.path).query)
        start, limit = int(asked["start"][0]), int(asked["limit"][0])
        body = json.dumps(items[start : start + limit]).encode()
        reply(200, body, Total_Results=str(len(items)), **headers)(handler)

    return script


def starts(site: Site) -> list[str]:
    return [parse_qs(urlsplit(path).query)["start"][0] for path in site.paths]


def later(
    site: Site, first: Callable[[Handler], object], then: Callable[[Handler], object]
) -> None:
    """The first question is answered by `first`, every other by `then`."""
    site.otherwise = lambda handler: (first if len(site.asked) == 1 else then)(handler)


def test_a_zotero_library_is_read_page_by_page(stored: Context, site: Site) -> None:
    items: list[object] = [item(number) for number in range(51, 201)]
    items += [item(n, title=f"Book {n}", itemType="book") for n in range(60)]
    items += [item(n, itemType="attachment") for n in range(20)] + [
        item(n, itemType="note") for n in range(10)
    ]
    items += [item(n, title="", DOI=f"10.1234/{n}") for n in range(4)] + [
        item(n, title="") for n in range(3)
    ]
    site.otherwise = shelf(items)
    found = from_zotero(stored, "475425", KEY, base=site.url)
    assert starts(site) == ["0", "100", "200"]
    assert urlsplit(site.paths[0]).path == "/users/475425/items/top"
    assert {headers["Zotero-API-Key"] for _, headers in site.asked} == {KEY}
    assert KEY not in "".join(site.paths)
    assert [
        len(part) for part in (found.matched, found.titled, found.unmatched, found.refused)
    ] == [100, 110, 4, 3]
    assert {example.given for example in found.matched} == {date(2026, 8, 4)}
    assert [str(note) for note in found.notes] == ["Attachments and notes that were left out: 30."]


def test_of_a_large_zotero_library_the_newest_500_are_read(context: Context, site: Site) -> None:
    site.otherwise = shelf([item(number) for number in range(620)])
    found = from_zotero(context, "475425", "", base=site.url)
    assert starts(site) == ["0", "100", "200", "300", "400"]
    assert "Zotero-API-Key" not in site.asked[0][1]
    assert len(found.titled) == 500
    assert [str(note) for note in found.notes] == [
        "The library has 620 items: the 500 newest were read."
    ]


@pytest.mark.parametrize("headers", [{"Backoff": "10"}, {"Retry_After": "10"}])
def test_zotero_s_wish_for_a_pause_is_granted(
    context: Context, site: Site, headers: dict[str, str]
) -> None:
    site.otherwise = shelf([item(number) for number in range(250)], **headers)
    found = from_zotero(context, "475425", KEY, base=site.url)
    assert starts(site) == ["0"]
    assert len(found.titled) == 100
    assert [str(note) for note in found.notes] == [
        "Zotero could not give more in time: of 250 items, 100 were read."
    ]


@pytest.mark.parametrize(
    "script",
    [
        reply(429, Retry_After="9"),
        reply(500),
        reply(200, b"["),
        reply(200, b"{}"),
        reply(200, b"[]"),
    ],
    ids=["429", "500", "broken", "no list", "empty"],
)
def test_what_came_before_zotero_s_trouble_is_kept(
    context: Context, site: Site, script: Callable[[Handler], object]
) -> None:
    later(site, shelf([item(number) for number in range(250)]), script)
    found = from_zotero(context, "475425", KEY, base=site.url)
    assert starts(site) == ["0", "100"]
    assert len(found.titled) == 100
    assert [note.text for note in found.notes] == [collecting.CUT_SHORT]


def test_no_page_is_asked_for_once_the_time_is_over(
    context: Context, site: Site, clock: Any
) -> None:
    pages = shelf([item(number, title="", archiveID="arXiv:2612.00001") for number in range(250)])

    def slow(handler: Handler) -> None:
        clock.moment += timedelta(seconds=11)
        pages(handler)

    site.otherwise = slow
    found = from_zotero(context, "475425", KEY, base=site.url, arxiv=f"{site.url}/api/query")
    assert starts(site) == ["0", "100"]
    assert [note.text for note in found.notes] == [collecting.CUT_SHORT, collecting.ARXIV_DOWN]


@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        (reply(403, b"Forbidden"), UsageError, "make a key that allows library access"),
        (reply(404, b"Not found"), UsageError, "no user with this id"),
        (reply(429, Retry_After="30"), TooMany, "Zotero asks for a pause"),
        (reply(503, Retry_After="30"), TooMany, "Zotero asks for a pause"),
        (reply(503), SourceError, "Zotero has trouble of its own"),
        (reply(200, b"<html>"), SourceError, "cannot be read"),
        (reply(200, b"[" * 100_000), SourceError, "cannot be read"),
        (reply(302, Location="/again"), SourceError, "Zotero cannot be reached now"),
    ],
    ids=["403", "404", "429", "503 with a pause", "503", "page", "deep", "redirect"],
)
def test_zotero_s_errors_are_told_apart_and_tell_no_key(
    context: Context,
    site: Site,
    caplog: pytest.LogCaptureFixture,
    *,
    script: Callable[[Handler], object],
    error: type[Exception],
    said: str,
) -> None:
    install()  # as every process of ours does
    caplog.set_level(logging.INFO)
    site.otherwise = script
    with pytest.raises(error, match=said) as caught:
        from_zotero(context, "475425", KEY, base=site.url)
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
    assert "475425" not in caplog.text
    if isinstance(caught.value, TooMany):
        assert caught.value.wait == timedelta(seconds=30)


def test_a_pause_of_no_said_length_is_a_minute(context: Context, site: Site) -> None:
    site.otherwise = reply(429)
    with pytest.raises(TooMany) as caught:
        from_zotero(context, "475425", KEY, base=site.url)
    assert caught.value.wait == timedelta(minutes=1)


def test_who_is_no_number_is_not_asked_for(context: Context, site: Site) -> None:
    with pytest.raises(UsageError, match="it is a number, and not your name"):
        from_zotero(context, "ada/../1", KEY, base=site.url)
    assert site.paths == []


def test_no_example_is_from_the_future(context: Context, site: Site, now: datetime) -> None:
    site.otherwise = shelf([item(1, dateAdded="9999-12-31T00:00:00Z"), item(2, dateAdded="")])
    found = from_zotero(context, "475425", KEY, base=site.url)
    assert [example.given for example in found.titled] == [now.date(), None]


def test_an_address_inside_our_network_is_not_asked(
    context: Context, site: Site, tmp_path: Path
) -> None:
    strict = Context(
        settings=Settings(home=tmp_path, _env_file=None),  # type: ignore[call-arg]
        database=context.database,
        clock=context.clock,
    )
    with pytest.raises(SourceError, match="Zotero cannot be reached now"):
        from_zotero(strict, "475425", KEY, base=site.url)
    assert site.paths == []


# --- ORCID ---------------------------------------------------------------------------------------
def work(title: str, year: int, doi: str = "") -> dict[str, Any]:
    """One group of ORCID's reply."""
    external = {
        "external-id-type": "doi",
        "external-id-value": doi,
        "external-id-url": {"value": f"https://doi.org/{doi}"},
        "external-id-relationship": "self",
    }
    summary = {
        "title": {"title": {"value": title}},
        "publication-date": {"year": {"value": str(year)}, "month": None, "day": None},
    }
    return {"external-ids": {"external-id": [external] if doi else []}, "work-summary": [summary]}


def test_the_works_under_an_orcid_are_collected(stored: Context, site: Site) -> None:
    works = [
        work(study(7), 2025),
        work("Waves", 2024, "10.1234/waves"),
        work("", 2020, "10.1234/x"),
        work("", 2019),
    ]
    site.scripts[f"/v3.0/{ORCID}/works"] = reply(200, json.dumps({"group": works}).encode())
    found = from_orcid(stored, f"https://orcid.org/{ORCID}", base=site.url)
    assert site.asked[0][1]["Accept"] == "application/json"
    assert [(one.id, one.given) for one in found.matched] == [("entry:7", date(2025, 1, 1))]
    assert [(one.title, one.id) for one in found.titled] == [("Waves", "doi:10.1234/waves")]
    assert found.unmatched == ("10.1234/x",)
    assert len(found.refused) == 1
    assert found.notes == ()


def test_an_orcid_without_works_to_see_says_so(context: Context, site: Site) -> None:
    site.otherwise = reply(200, b'{"group": []}')
    found = from_orcid(context, ORCID, base=site.url)
    assert [note.text for note in found.notes] == [collecting.NO_WORKS]


@pytest.mark.parametrize(
    ("script", "error", "said"),
    [
        (reply(404), UsageError, f"no works of {ORCID}"),
        (reply(409), UsageError, f"no works of {ORCID}"),
        (reply(429, Retry_After="30"), TooMany, "ORCID asks for a pause"),
        (reply(502), SourceError, "ORCID has trouble of its own"),
        (reply(200, b"<html>"), SourceError, "cannot be read"),
    ],
    ids=["404", "409", "429", "502", "page"],
)
def test_orcid_s_errors_are_told_apart(
    context: Context,
    site: Site,
    *,
    script: Callable[[Handler], object],
    error: type[Exception],
    said: str,
) -> None:
    site.otherwise = script
    with pytest.raises(error, match=said):
        from_orcid(context, ORCID, base=site.url)


def test_an_orcid_with_a_wrong_digit_is_not_asked_for(context: Context, site: Site) -> None:
    with pytest.raises(UsageError, match="one of its digits is wrong"):
        from_orcid(context, "0000-0002-1825-0098", base=site.url)
    assert site.paths == []
