from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_digest import LETTERHEAD, TOKEN, digest

from tasks.errors import UsageError
from tasks.records import Digest, Letterhead, Message, Rendered
from tasks.render.digest import render
from tasks.render.mime import build

SENT = datetime(2026, 11, 21, 6, 0, 5, tzinfo=UTC)
WORDS = Rendered(subject="Sparse attention + 11 more", text="Words.\n", html="<p>Words.</p>\n")
SINGLE = (
    "From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe",
    "List-Unsubscribe-Post", "List-Id", "Feedback-ID", "Auto-Submitted", "Precedence",
    "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
)  # fmt: skip
BREAKS = ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00", "\x1c")


def built(
    rendered: Rendered = WORDS,
    letterhead: Letterhead = LETTERHEAD,
    of: Digest | None = None,
    **changes: Any,
) -> Message:
    """A mail with whatever is of no matter to the test filled in."""
    arguments = {"key": "2026-11-21.7", "sent_at": SENT, "listed": True} | changes
    return build(rendered, (of or digest()).reader, letterhead, **arguments)


def to(email: str, name: str = "Ada Byron") -> Digest:
    made = digest(count=1)
    return replace(made, reader=replace(made.reader, email=email, name=name))


def parsed(message: Message) -> EmailMessage:
    """The mail as the email package reads it, after the checks that hold for every mail."""
    mail = message_from_bytes(message.body, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    for part in mail.walk():
        assert part.defects == []
    head = message.body.partition(b"\r\n\r\n")[0]
    assert b"\n" not in message.body.replace(b"\r\n", b"")
    assert b"\r" not in message.body.replace(b"\r\n", b"")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, message.body[len(head) :].split(b"\r\n"))) <= 76
    assert head.isascii()
    assert len(mail.keys()) == len({name.lower() for name in mail})
    for name in ("From", "To"):
        assert len(mail[name].addresses) == 1
    return mail


def content(part: EmailMessage) -> str:
    """A part's text, with the line ends that it was written with."""
    return str(part.get_content()).replace("\r\n", "\n")


def wire(message: Message, name: str) -> str:
    """A header as it stands in the bytes, unfolded."""
    head = message.body.partition(b"\r\n\r\n")[0].decode().replace("\r\n ", " ")
    (value,) = re.findall(rf"^{name}: (.*?)\r?$", head, re.MULTILINE)
    return str(value)


def test_every_header_stands_there_once() -> None:
    mail = parsed(built())
    assert sorted(mail.keys()) == sorted(SINGLE)
    assert mail["From"] == "Paperround <digest@news.example.org>"
    assert mail["To"] == "Ada Byron <ada@example.org>"
    assert mail["Reply-To"] == "editor@example.org"
    assert mail["Date"].datetime == SENT
    assert mail["List-Id"] == "<daily.digest.news.example.org>"
    assert mail["Feedback-ID"] == "daily:digest:v1:paperround"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] == "bulk"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"


def test_the_senders_id_for_gmail_has_a_length_that_it_takes() -> None:
    *others, sender = wire(built(), "Feedback-ID").split(":")
    assert 5 <= len(sender) <= 15
    assert len(others) <= 3


def test_the_message_id_is_the_key_at_every_attempt() -> None:
    first, second = built(), built(sent_at=SENT + timedelta(hours=1))
    assert first.message_id == second.message_id == "<2026-11-21.7@news.example.org>"
    assert parsed(first)["Message-ID"] == first.message_id
    assert first.key == "2026-11-21.7"


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert built().body == built().body
    rome = SENT.astimezone(timezone(timedelta(hours=1)))
    assert built(sent_at=rome).body == built().body


def test_the_envelope_is_the_bounce_address_or_the_sender() -> None:
    assert built().sender == "bounce@news.example.org"
    assert built(letterhead=replace(LETTERHEAD, bounce="")).sender == "digest@news.example.org"
    assert built().recipient == "ada@example.org"


def test_without_an_address_for_replies_there_is_no_such_header() -> None:
    assert "Reply-To" not in parsed(built(letterhead=replace(LETTERHEAD, reply_to="")))


# --- ways out ------------------------------------------------------------------------------------
def test_the_list_can_be_left_by_one_click_and_by_mail() -> None:
    message = built()
    parsed(message)
    assert wire(message, "List-Unsubscribe") == (
        f"<https://papers.example.org/u/{TOKEN}>,"
        f" <mailto:u+{TOKEN}@news.example.org?subject=unsubscribe>"
    )
    assert wire(message, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"


def test_a_long_way_out_stays_on_one_line_without_encoded_words() -> None:
    base = "https://papers.example.org/" + "a" * 300
    message = built(letterhead=replace(LETTERHEAD, base_url=base))
    assert f"<{base}/u/{TOKEN}>," in message.body.decode().split("List-Unsubscribe: ")[1][:400]
    head = message.body.partition(b"\r\n\r\n")[0]
    assert b"=?" not in head
    assert max(map(len, head.split(b"\r\n"))) <= 998


def test_without_a_public_address_only_the_way_by_mail_is_left() -> None:
    message = built(letterhead=replace(LETTERHEAD, base_url=""))
    assert "List-Unsubscribe-Post" not in parsed(message)
    assert wire(message, "List-Unsubscribe") == (
        f"<mailto:u+{TOKEN}@news.example.org?subject=unsubscribe>"
    )


def test_one_click_is_promised_over_https_alone() -> None:
    message = built(letterhead=replace(LETTERHEAD, base_url="http://127.0.0.1:8780"))
    assert "List-Unsubscribe-Post" not in parsed(message)
    assert f"<http://127.0.0.1:8780/u/{TOKEN}>" in wire(message, "List-Unsubscribe")


def test_a_mail_that_nobody_could_leave_is_not_built() -> None:
    with pytest.raises(UsageError, match="reader 3 has no token"):
        built(of=digest(reader=replace(digest().reader, token="")))


# --- letters -------------------------------------------------------------------------------------
def test_a_letter_is_of_no_list_and_asks_machines_not_to_answer() -> None:
    mail = parsed(built(listed=False))
    assert not [name for name in mail if name.startswith(("List-", "Feedback", "Precedence"))]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail["Message-ID"] == "<2026-11-21.7@news.example.org>"


def test_a_letter_goes_to_the_address_alone_whatever_name_somebody_typed() -> None:
    mail = parsed(built(of=to("ada@example.org", "Win at https://evil.example"), listed=False))
    assert mail["To"] == "ada@example.org"


def test_a_letter_needs_no_token() -> None:
    assert built(of=digest(reader=replace(digest().reader, token="")), listed=False).body


# --- bodies --------------------------------------------------------------------------------------
def test_the_plain_part_comes_first_and_the_rich_part_last() -> None:
    mail = parsed(built())
    assert mail.get_content_type() == "multipart/alternative"
    plain, rich = mail.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    for part in (plain, rich):
        assert part.get_content_charset() == "utf-8"
        assert part["Content-Transfer-Encoding"] == "quoted-printable"


def test_a_reader_who_wants_text_gets_text_alone() -> None:
    mail = parsed(built(of=digest(reader=replace(digest().reader, text_only=True))))
    assert mail.get_content_type() == "text/plain"
    assert content(mail) == "Words.\n"


def test_a_whole_digest_comes_back_as_it_was_written() -> None:
    rendered = render(digest(), LETTERHEAD)
    mail = parsed(built(rendered))
    plain, rich = mail.iter_parts()
    assert mail["Subject"] == rendered.subject
    assert content(plain) == rendered.text
    assert content(rich) == rendered.html + "\n"
    assert "\n-- \n" in content(plain)


def test_a_body_cannot_end_its_own_part() -> None:
    boundary = parsed(built()).get_boundary()
    hostile = f"--{boundary}--\n\n--{boundary}\nContent-Type: text/html\n\nevil\n.\n..\nFrom x\n"
    plain, rich = parsed(built(replace(WORDS, text=hostile))).iter_parts()
    assert content(plain) == hostile
    assert content(rich) == WORDS.html


bodies = st.text(st.characters(exclude_categories=("Cs",)), max_size=400)
subjects = st.text(max_size=60) | st.text(st.characters(codec="ascii"), max_size=300)


@settings(max_examples=200, deadline=None)
@given(subject=subjects, text=bodies, html=bodies, name=subjects)
def test_whatever_is_written_is_what_is_read(subject: str, text: str, html: str, name: str) -> None:
    one_line = " ".join(subject.split())
    rendered = Rendered(subject=subject, text=text, html=html)
    mail = parsed(built(rendered, of=to("ada@example.org", name)))
    plain, rich = mail.iter_parts()
    for part, body in ((plain, text), (rich, html)):
        assert content(part) == re.sub(r"\r\n?", "\n", body).rstrip("\n") + "\n"
    if one_line.isprintable() and one_line.isascii() and len(one_line) <= 200:
        assert str(mail["Subject"]) == one_line
    assert mail["To"].addresses[0].addr_spec == "ada@example.org"


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "",
        'Byron, "Ada" <x@evil.example>',
        "Ada\\",
        "Eva Nováková",
        "=?utf-8?q?Ada?=",
        "李明",
        "Ada (Byron); Countess: x",
    ],
)
def test_a_name_comes_back_as_it_was_given(name: str) -> None:
    mail = parsed(built(of=to("ada@example.org", name)))
    (address,) = mail["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "ada@example.org")


# --- attackers -----------------------------------------------------------------------------------
@pytest.mark.parametrize("ending", BREAKS)
def test_no_name_or_subject_begins_another_header(ending: str) -> None:
    evil = f"Hello{ending}Bcc: evil@evil.example{ending}{ending}<p>"
    letterhead = replace(LETTERHEAD, sender_name=evil)
    mail = parsed(built(replace(WORDS, subject=evil), letterhead, of=to("ada@example.org", evil)))
    assert sorted(mail.keys()) == sorted(SINGLE)
    assert mail["Subject"] == "Hello Bcc: evil@evil.example <p>"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@example.org, eve@evil.example",
        "ada@example.org,eve@evil.example",
        "ada@example.org;eve@evil.example",
        "ada@example.org>",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "ada@example.org (home)",
        "ada @example.org",
        " ada@example.org",
        '"ada\r\n"@example.org',
        '"a b"@example.org',
        "ada@exa mple.org",
        "ada@[127.0.0.1]",
        "ada@-example.org",
        "ada@example..org",
        ".ada@example.org",
        "adä@example.org",
        "a" * 250 + "@example.org",
        *(f"ada@example.org{ending}Bcc: eve@evil.example" for ending in BREAKS),
        *(f"ada{ending}@example.org" for ending in BREAKS),
        "ada@example.org\n",
    ],
)
def test_an_address_that_is_not_one_plain_address_is_refused_by_its_reader(email: str) -> None:
    with pytest.raises(UsageError, match="the address of reader 3"):
        built(of=to(email))


def test_a_domain_with_letters_outside_ascii_is_written_in_ascii() -> None:
    message = built(of=to("ada@bücher.example"))
    assert message.recipient == "ada@xn--bcher-kva.example"
    assert parsed(message)["To"].addresses[0].addr_spec == message.recipient


@pytest.mark.parametrize("field", ["sender", "reply_to", "bounce"])
def test_our_own_addresses_are_held_to_the_same(field: str) -> None:
    with pytest.raises(UsageError, match="cannot stand in a mail header"):
        built(letterhead=replace(LETTERHEAD, **{field: "a@b.example\r\nBcc: c@d.example"}))


@pytest.mark.parametrize("domain", ["", "a b", "news.example.org>\r\nBcc: x@y.example", "a@b"])
def test_a_domain_that_is_none_is_refused(domain: str) -> None:
    with pytest.raises(UsageError, match="no domain"):
        built(letterhead=replace(LETTERHEAD, domain=domain))


@pytest.mark.parametrize("key", ["", "a b", "a>\r\nBcc: x@y.example", "a@b", "ä", "a\n"])
def test_a_key_that_cannot_name_a_mail_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="cannot name a mail"):
        built(key=key)


def test_a_hostile_token_stays_inside_its_brackets() -> None:
    hostile = replace(digest().reader, token="x>\r\nBcc: e@evil.example, <y")
    value = wire(built(of=digest(reader=hostile)), "List-Unsubscribe")
    assert value.count("<") == value.count(">") == 2
    assert "Bcc%3A" in value


def test_a_way_out_longer_than_a_line_may_be_is_refused() -> None:
    base = "https://papers.example.org/" + "a" * 1000
    with pytest.raises(UsageError, match="List-Unsubscribe cannot hold"):
        built(letterhead=replace(LETTERHEAD, base_url=base))


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        built(sent_at=SENT.replace(tzinfo=None))
