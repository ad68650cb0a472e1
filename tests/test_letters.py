from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from itertools import product

import html5lib
import pytest
from lxml import etree
from sample_digest import LETTERHEAD, SECRET, UNTIL, letter

from tasks.errors import UsageError
from tasks.records import LetterKind
from tasks.render.letter import write
from tasks.render.mime import build
from tasks.render.text import COLUMNS, width
from templates import LANGUAGES

EACH = list(product(LetterKind, LANGUAGES))
LINK = f"https://papers.example.org/in/{SECRET}"


@pytest.mark.parametrize(("kind", "language"), EACH)
def test_a_letter_is_one_link_in_sound_html_and_plain_text(kind: LetterKind, language: str) -> None:
    written = write(letter(kind, language=language), LETTERHEAD)
    html5lib.HTMLParser(strict=True).parse(written.html)
    tree = etree.HTML(written.html)
    assert tree.get("lang") == language
    assert tree.xpath("//a/@href") == [LINK]
    assert len(tree.xpath("//h1")) == 1
    assert not tree.xpath("//script | //img | //form | //link")
    assert LINK in "".join(tree.xpath("//p//text()")), "bare too, to be copied"
    assert f"\n{LINK}\n" in written.text
    assert written.text.count("https://") == 1
    assert len(written.html.encode()) < 6_000


@pytest.mark.parametrize(("kind", "language"), EACH)
def test_a_letter_has_a_short_subject_and_lines_that_fit(kind: LetterKind, language: str) -> None:
    written = write(letter(kind, language=language), LETTERHEAD)
    assert 1 <= len(written.subject) <= 50
    assert all(width(line) <= COLUMNS or "://" in line for line in written.text.split("\n"))


@pytest.mark.parametrize(("kind", "language"), EACH)
def test_both_bodies_of_a_letter_say_the_same(kind: LetterKind, language: str) -> None:
    written = write(letter(kind, language=language), LETTERHEAD)
    text = " ".join(written.text.split())
    tree = etree.HTML(written.html)
    for said in tree.xpath("//p[contains(@style, 'margin')]"):
        words = " ".join("".join(said.itertext()).split())
        assert LINK in words or words in text


def test_a_confirmation_says_who_asked_for_whom_and_that_silence_ends_it() -> None:
    text = " ".join(write(letter(LetterKind.CONFIRM), LETTERHEAD).text.split())
    assert "asked Paperround to send the papers of the day to ada@example.org." in text
    assert "If it was not you, do nothing: you get no more mail." in text


def test_the_letters_differ_by_what_their_link_does() -> None:
    subjects = {kind: write(letter(kind), LETTERHEAD).subject for kind in LetterKind}
    assert subjects == {
        LetterKind.CONFIRM: "Confirm your subscription",
        LetterKind.SIGN_IN: "Your link to sign in",
        LetterKind.KNOWN: "You are a reader already",
    }
    known = write(letter(LetterKind.KNOWN), LETTERHEAD).html
    assert "are a reader of Paperround already" in known


@pytest.mark.parametrize(
    ("language", "zone", "said"),
    [
        ("en", "Europe/Rome", "until 21:45 on Saturday 21 November (Europe/Rome)"),
        ("de", "Europe/Rome", "bis Samstag, 21. November, 21:45 Uhr (Europe/Rome)"),
        ("en", "Pacific/Auckland", "until 09:45 on Sunday 22 November (Pacific/Auckland)"),
        ("en", "Mars/Olympus", "until 20:45 on Saturday 21 November (UTC)"),
        ("en", "../../etc/passwd", "until 20:45 on Saturday 21 November (UTC)"),
    ],
)
def test_a_letter_says_how_long_it_holds_in_the_readers_zone(
    language: str, zone: str, said: str
) -> None:
    made = letter(LetterKind.SIGN_IN, language=language, timezone=zone)
    assert said in " ".join(write(made, LETTERHEAD).text.split())


def test_a_letter_repeats_nothing_that_a_stranger_typed_but_the_address() -> None:
    made = letter(LetterKind.CONFIRM, name="WIN A PRIZE", email="<b>x</b>\r\n@evil.example")
    written = write(made, LETTERHEAD)
    assert "PRIZE" not in written.html + written.text + written.subject
    assert "<b>x" not in written.html
    assert "&lt;b&gt;x&lt;/b&gt; @evil.example" in written.html


@pytest.mark.parametrize("link", ["", "/in/x", "javascript:alert(1)", "https://a b", "http://a\n"])
def test_a_letter_without_a_link_to_follow_is_not_written(link: str) -> None:
    with pytest.raises(UsageError, match=r"confirm letter to reader 3 .* set the public address"):
        write(replace(letter(LetterKind.CONFIRM), link=link), LETTERHEAD)


def test_a_letter_becomes_a_mail_that_is_of_no_list() -> None:
    made = letter(LetterKind.CONFIRM, name="Ada Byron", token="", language="de")
    message = build(
        write(made, LETTERHEAD),
        made.reader,
        LETTERHEAD,
        key="letter.1",
        sent_at=UNTIL,
        listed=False,
    )
    mail = message_from_bytes(message.body, policy=policy.default)
    assert mail["Subject"] == "Bestätigen Sie Ihr Abonnement"
    assert mail["To"] == "ada@example.org"
    assert not re.search(rb"^(List-|Precedence)", message.body, re.MULTILINE)
    assert mail.get_body(("plain",)) is not None  # type: ignore[attr-defined]
