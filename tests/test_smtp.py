"""The SMTP transport against a server that fails at every point, with the server's own account."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from smtp_client import ids, mail, send, transport
from smtp_sink import EXTENSIONS, Sink

from tasks.deliver.session import Security, Server
from tasks.deliver.smtp import SmtpTransport, on_the_wire
from tasks.errors import (
    MailDeferred,
    MailRefused,
    MailUnsure,
    TransportDown,
    TransportError,
)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


# --- the straight way ----------------------------------------------------------------------------
def test_a_finished_handover_is_one_accepted_mail_with_its_envelope(sink: Sink) -> None:
    with transport(sink) as way:
        reply = way.offer(mail()).finish()
    assert (reply.code, reply.text) == (250, "2.0.0 queued as 1")
    assert [(m.sender, m.recipient, m.body) for m in sink.accepted] == [
        ("digest@news.example.org", "ada@example.org", mail().body)
    ]


def test_an_offered_mail_is_not_accepted_before_it_is_finished(sink: Sink) -> None:
    with transport(sink) as way:
        handover = way.offer(mail())
        assert ids(sink) == []
        handover.finish()
    assert len(ids(sink)) == 1


@pytest.mark.parametrize("extensions", [(), EXTENSIONS], ids=["plain", "pipelined"])
def test_the_commands_are_the_same_with_and_without_pipelining(extensions: Any) -> None:
    with Sink(extensions=extensions) as sink:
        with transport(sink) as way:
            send(way, mail())
        verbs = [line.split()[0] for line in sink.commands]
    assert verbs == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert sink.commands[0] == "EHLO [127.0.0.1]"


def test_a_name_can_be_chosen_for_the_greeting(sink: Sink) -> None:
    with transport(sink, name="mail.example.org") as way:
        send(way, mail())
    assert sink.commands[0] == "EHLO mail.example.org"


def test_nothing_is_opened_before_the_first_offer(sink: Sink) -> None:
    with transport(sink):
        pass
    assert sink.connections == 0


# --- the body ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "arrives"),
    [
        (b"a: b\r\n\r\n.\r\n..\r\n.dot\r\nend\r\n", b"a: b\r\n\r\n.\r\n..\r\n.dot\r\nend\r\n"),
        (b".\r\n", b".\r\n"),
        (b"a: b\r\n\r\nno line end", b"a: b\r\n\r\nno line end\r\n"),
        (b"a: b\n\nbare\nfeeds\n", b"a: b\r\n\r\nbare\r\nfeeds\r\n"),
        (b"a: b\r\n\r\nlone\rreturn\r\n", b"a: b\r\n\r\nlone\r\nreturn\r\n"),
        (b"a: b\r\n\r\ntwo empty lines\r\n\r\n\r\n", b"a: b\r\n\r\ntwo empty lines\r\n\r\n\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_dots_and_line_ends_arrive_byte_for_byte(sink: Sink, body: bytes, arrives: bytes) -> None:
    with transport(sink) as way:
        send(way, mail(body=body))
    assert [accepted.body for accepted in sink.accepted] == [arrives]


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r\n.\r"])
def test_a_body_cannot_smuggle_a_second_mail(sink: Sink, end: bytes) -> None:
    second = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx" + end
    with transport(sink) as way:
        send(way, mail(body=b"a: b\r\n\r\nx" + end + second))
    assert [accepted.sender for accepted in sink.accepted] == ["digest@news.example.org"]
    assert b"evil@example.com" in sink.accepted[0].body


def test_a_line_of_998_octets_goes_and_one_of_999_is_refused_before_connecting(sink: Sink) -> None:
    with transport(sink) as way:
        send(way, mail(body=b"x" * 998))
        with pytest.raises(MailRefused, match="a line of 999 octets") as caught:
            way.offer(mail(body=b"ok\r\n" + b"x" * 999))
    assert caught.value.phase == "body"
    assert len(ids(sink)) == 1


def test_a_body_larger_than_every_buffer_arrives_whole(sink: Sink) -> None:
    body = b"a: b\r\n\r\n" + (b"x" * 70 + b"\r\n") * 60_000
    with transport(sink) as way:
        send(way, mail(body=body))
    assert sink.accepted[0].body == body


def test_the_wire_form_leaves_the_last_line_end_to_the_dot() -> None:
    assert on_the_wire(b"one\r\n.two\r\n") == b"one\r\n..two"


# --- the envelope --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\r\nRCPT TO:<eve@example.com>",
        "ada@example.org\nDATA",
        "ada@example.org> NOTIFY=NEVER",
        "<ada@example.org>",
        "ada lovelace@example.org",
        "ada@example.org\x00",
        "ada@example.org\x85",
        "ada@example.org\u2028x",
        "ada",
        "@example.org",
        "",
        "a" * 65 + "@example.org",
    ],
)
def test_an_address_that_could_add_a_command_never_reaches_the_wire(
    sink: Sink, address: str
) -> None:
    with transport(sink) as way:
        with pytest.raises(MailRefused, match="no bare address") as caught:
            way.offer(mail(recipient=address))
        with pytest.raises(TransportDown, match="PAPERROUND_SENDER"):
            way.offer(mail(sender=address))
    assert caught.value.phase == "rcpt"
    assert sink.connections == 0


def test_extensions_are_asked_for_only_where_they_are_needed(sink: Sink) -> None:
    with transport(sink) as way:
        send(way, mail())
        send(way, mail(recipient="zoë@example.org"))
        send(way, mail(body="a: b\r\n\r\né\r\n".encode()))
    options = [line.partition("> ")[2] for line in sink.commands if line.startswith("MAIL")]
    assert [re.sub(r"SIZE=\d+", "SIZE", option) for option in options] == [
        "SIZE",
        "SMTPUTF8 SIZE",
        "BODY=8BITMIME SIZE",
    ]
    assert sink.accepted[1].recipient == "zoë@example.org"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"recipient": "zoë@example.org"},
            "not ASCII, and the mail server does not offer SMTPUTF8",
        ),
        ({"body": "é".encode()}, "not encoded, and the mail server does not offer 8BITMIME"),
    ],
)
def test_a_mail_beyond_the_servers_extensions_is_refused_in_clear_words(
    changes: dict[str, Any], words: str
) -> None:
    with Sink(extensions=()) as sink, transport(sink) as way:
        with pytest.raises(MailRefused, match=words):
            way.offer(mail(**changes))
        assert send(way, mail()) == 250
    assert sink.connections == 1


# --- the fault table -----------------------------------------------------------------------------
Row = tuple[str, str, type[TransportError], str]
BEFORE_THE_DOT: list[Row] = [
    ("connect", "421 4.3.2 too busy", TransportDown, "connect"),
    ("connect", "554 5.7.1 go away", TransportDown, "connect"),
    ("connect", "drop", TransportDown, "connect"),
    ("connect", "reset", TransportDown, "connect"),
    ("connect", "garbage", TransportDown, "connect"),
    ("connect", "endless", TransportDown, "connect"),
    ("ehlo", "421 4.3.2 too busy", TransportDown, "ehlo"),
    ("ehlo", "502 5.5.1 what is EHLO?", TransportDown, "ehlo"),
    ("ehlo", "drop", TransportDown, "ehlo"),
    ("mail", "421 4.3.2 shutting down", TransportDown, "mail"),
    ("mail", "451 4.3.0 local error", MailDeferred, "mail"),
    ("mail", "550 5.7.1 sender not allowed", TransportDown, "mail"),
    ("mail", "552 5.3.4 message too big", MailRefused, "mail"),
    ("mail", "530 5.7.0 log in first", TransportDown, "auth"),
    ("mail", "drop", MailDeferred, "mail"),
    ("rcpt", "450 4.2.0 greylisted", MailDeferred, "rcpt"),
    ("rcpt", "421 4.7.0 too many", MailDeferred, "rcpt"),
    ("rcpt", "550 5.1.1 no such user", MailRefused, "rcpt"),
    ("rcpt", "550 5.2.1 mailbox disabled", MailRefused, "rcpt"),
    ("rcpt", "550 no such user, see 5.7.1", MailRefused, "rcpt"),
    ("rcpt", "550 5.7.1 relay denied", MailDeferred, "rcpt"),
    ("rcpt", "554 5.7.13 <ada@example.org>: log in", MailDeferred, "rcpt"),
    ("rcpt", "354 what?", MailDeferred, "rcpt"),
    ("rcpt", "garbage", MailDeferred, "rcpt"),
    ("rcpt", "drop", MailDeferred, "rcpt"),
    ("data", "451 4.3.0 local error", MailDeferred, "data"),
    ("data", "554 5.5.1 no valid recipients", MailRefused, "data"),
    ("data", "554 5.7.1 not this mail", MailRefused, "data"),
    ("data", "250 what?", MailDeferred, "data"),
    ("data", "drop", MailDeferred, "data"),
]
AT_THE_DOT: list[Row] = [
    ("dot", "451 4.3.0 local error", MailDeferred, "dot"),
    ("dot", "421 4.3.2 shutting down", MailDeferred, "dot"),
    ("dot", "554 5.7.1 spam", MailRefused, "dot"),
    ("dot", "drop", MailUnsure, "dot"),
    ("dot", "reset", MailUnsure, "dot"),
    ("reply", "drop", MailUnsure, "dot"),
    ("reply", "reset", MailUnsure, "dot"),
    ("reply", "garbage", MailUnsure, "dot"),
    ("reply", "354 what?", MailUnsure, "dot"),
]


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)], ids=["plain", "pipelined"])
@pytest.mark.parametrize("row", BEFORE_THE_DOT, ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_fault_before_the_dot_is_named_and_nothing_is_accepted(row: Row, extensions: Any) -> None:
    phase, action, expected, named = row
    with Sink(extensions=extensions) as sink:
        sink.script(phase, action)
        with transport(sink) as way:
            with pytest.raises(TransportError) as caught:
                way.offer(mail())
            assert (type(caught.value), caught.value.phase) == (expected, named)
            assert ids(sink) == []
            if action[0].isdigit():
                assert action in caught.value.reply
                assert action in str(caught.value)
            sink.heal()
            assert send(way, mail()) == 250
        assert len(ids(sink)) == 1


@pytest.mark.parametrize("row", AT_THE_DOT, ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_fault_at_the_dot_is_named_and_unsure_only_without_an_answer(
    sink: Sink, row: Row
) -> None:
    phase, action, expected, named = row
    sink.script(phase, action)
    with transport(sink) as way:
        handover = way.offer(mail())
        with pytest.raises(TransportError) as caught:
            handover.finish()
        assert (type(caught.value), caught.value.phase) == (expected, named)
        assert len(ids(sink)) == (1 if phase == "reply" else 0)
        sink.heal()
        assert send(way, mail("d2")) == 250


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)], ids=["plain", "pipelined"])
def test_a_reset_may_swallow_earlier_answers_but_never_leaves_doubt(extensions: Any) -> None:
    with Sink(extensions=extensions) as sink, transport(sink) as way:
        sink.script("data", "reset")
        with pytest.raises(MailDeferred) as caught:
            way.offer(mail())
    assert caught.value.phase in (("mail", "rcpt", "data") if extensions else ("data",))
    assert ids(sink) == []


@pytest.mark.parametrize("action", ["drop", "reset"])
def test_a_line_that_breaks_in_the_body_is_certainly_no_acceptance(sink: Sink, action: str) -> None:
    sink.script("body", action)
    with transport(sink) as way:
        handover = way.offer(mail())
        assert sink.dropped.wait(5)
        with pytest.raises(MailDeferred) as caught:
            handover.finish()
        assert caught.value.phase == "body"
    assert ids(sink) == []


def test_a_line_that_breaks_in_a_large_body_ends_the_offer(sink: Sink) -> None:
    sink.script("body", "reset")
    with transport(sink) as way, pytest.raises(MailDeferred) as caught:
        way.offer(mail(body=(b"x" * 70 + b"\r\n") * 300_000))
    assert caught.value.phase == "body"
    assert ids(sink) == []


def test_a_server_that_gives_up_before_the_dot_is_quoted(sink: Sink) -> None:
    sink.script("body", "421 4.4.2 timeout exceeded")
    with transport(sink) as way:
        handover = way.offer(mail())
        wait_for_end(sink)
        with pytest.raises(MailDeferred, match=r"ended early with 421 4\.4\.2 timeout exceeded"):
            handover.finish()
    assert ids(sink) == []


def wait_for_end(sink: Sink) -> None:
    """Until the sink has no connection left."""
    for thread in sink._threads[1:]:
        thread.join(5)


def test_a_server_that_is_not_there_costs_no_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    way = SmtpTransport(Server(host="127.0.0.1", port=port, security=Security.OPTIONAL))
    with pytest.raises(TransportDown, match="Connection refused") as caught:
        way.offer(mail())
    assert caught.value.phase == "connect"
    assert "PAPERROUND_SMTP_URL" in str(caught.value)


# --- waiting -------------------------------------------------------------------------------------
@pytest.mark.parametrize("action", ["drip", "swallow"])
@pytest.mark.parametrize(
    ("phase", "expected"),
    [("connect", TransportDown), ("ehlo", TransportDown), ("rcpt", MailDeferred)],
)
def test_a_tarpit_frees_the_thread_at_the_deadline(
    sink: Sink, phase: str, action: str, expected: type[TransportError]
) -> None:
    sink.script(phase, action)
    way = transport(sink, timeout=0.3)
    with pytest.raises(expected, match="no answer in time") as caught:
        way.offer(mail())
    way.close()
    assert caught.value.phase == phase
    assert ids(sink) == []


@pytest.mark.parametrize("action", ["swallow", "drip", "slow 60"])
def test_an_answer_to_the_dot_that_never_comes_leaves_the_mail_unsure(
    sink: Sink, action: str
) -> None:
    sink.script("reply", action)
    way = transport(sink, dot_timeout=0.3)
    handover = way.offer(mail())
    with pytest.raises(MailUnsure, match="Look for the Message-ID") as caught:
        handover.finish()
    assert caught.value.phase == "dot"
    assert len(ids(sink)) == 1


def test_no_time_at_all_is_told_like_too_little(sink: Sink) -> None:
    with pytest.raises(TransportDown, match="no answer in time"):
        transport(sink, timeout=0.0).check()


def test_a_slow_answer_to_the_dot_has_its_own_longer_patience(sink: Sink) -> None:
    sink.script("reply", "slow 0.6")
    with transport(sink, timeout=0.3, dot_timeout=10.0) as way:
        assert send(way, mail()) == 250


def test_a_body_that_nobody_reads_is_given_up_at_the_deadline(sink: Sink) -> None:
    sink.script("body", "slow 60")
    way = transport(sink, timeout=0.5)
    with pytest.raises(MailDeferred, match="no answer in time") as caught:
        way.offer(mail(body=(b"x" * 70 + b"\r\n") * 300_000))
    assert caught.value.phase == "body"


# --- one connection, many mails ------------------------------------------------------------------
def test_mails_share_a_connection_and_it_is_replaced_in_time(sink: Sink) -> None:
    with transport(sink, mails_per_connection=2) as way:
        for number in range(5):
            send(way, mail(f"d{number}"))
    assert len(ids(sink)) == 5
    assert sink.connections == 3


def test_a_server_that_closes_between_mails_is_asked_again_in_silence() -> None:
    with Sink(mails_per_connection=2) as sink, transport(sink) as way:
        for number in range(5):
            assert send(way, mail(f"d{number}")) == 250
        assert sink.connections == 3
        assert len(set(ids(sink))) == 5


@pytest.mark.parametrize("action", ["drop", "reset", "421 4.4.2 idle for too long", "garbage"])
def test_a_used_connection_that_dies_at_mail_is_opened_once_more(sink: Sink, action: str) -> None:
    with transport(sink) as way:
        send(way, mail("d1"))
        sink.script("mail", action, times=1)
        assert send(way, mail("d2")) == 250
        sink.script("mail", action)
        with pytest.raises((MailDeferred, TransportDown)):
            way.offer(mail("d3"))
    assert len(ids(sink)) == 2
    assert sink.connections == 3


def test_a_refused_mail_counts_as_a_use_of_the_connection(sink: Sink) -> None:
    with transport(sink) as way:
        sink.script("rcpt", "550 5.1.1 no such user", times=1)
        with pytest.raises(MailRefused):
            way.offer(mail("d1"))
        sink.script("mail", "421 4.7.0 too many bad recipients", times=1)
        assert send(way, mail("d2")) == 250
    assert sink.connections == 2


def test_a_word_said_out_of_turn_ends_the_connection_before_the_next_mail(sink: Sink) -> None:
    with transport(sink) as way:
        sink.script("rset", "250 ok\r\n250 once more")
        sink.script("rcpt", "550 5.1.1 no such user", times=1)
        with pytest.raises(MailRefused):
            way.offer(mail("d1"))
        assert send(way, mail("d2")) == 250
    assert sink.connections == 2


def test_a_refused_reader_costs_the_next_one_nothing(sink: Sink) -> None:
    sink.script("rcpt", "550 5.1.1 no such user", match="eve@")
    with transport(sink) as way:
        for _ in range(3):
            with pytest.raises(MailRefused):
                way.offer(mail("bad", recipient="eve@example.org"))
            send(way, mail("good"))
    assert len(ids(sink)) == 3
    # Pipelined DATA was answered with 503 each time, so the connection lived on.
    assert sink.connections == 1


def test_a_server_that_opens_data_after_refusing_the_reader_is_left(sink: Sink) -> None:
    sink.script("rcpt", "550 5.1.1 no such user", times=1)
    sink.script("data", "354 go on anyway", times=1)
    with transport(sink) as way:
        with pytest.raises(MailRefused):
            way.offer(mail("bad"))
        assert send(way, mail("good")) == 250
    assert ids(sink) == ["<good@news.example.org>"]
    assert sink.connections == 2


def test_a_line_that_breaks_while_starting_over_does_not_hide_the_refusal(sink: Sink) -> None:
    sink.script("rcpt", "550 5.1.1 no such user")
    sink.script("rset", "drop")
    with transport(sink) as way, pytest.raises(MailRefused):
        way.offer(mail())


def test_a_wide_address_that_is_refused_at_mail_does_not_stop_the_others(sink: Sink) -> None:
    sink.script("mail", "550 5.6.7 no wide addresses", match="SMTPUTF8")
    with transport(sink) as way:
        with pytest.raises(MailRefused):
            way.offer(mail(recipient="zoë@example.org"))
        assert send(way, mail()) == 250


# --- the answers ---------------------------------------------------------------------------------
def test_replies_are_kept_short_and_printable(sink: Sink) -> None:
    sink.script("rcpt", "550-first\r\n550 \x1b[31mred\x07 " + "x" * 1000)
    with transport(sink) as way, pytest.raises(MailRefused) as caught:
        way.offer(mail())
    assert caught.value.reply.startswith("550 first ?[31mred? xxx")
    assert len(caught.value.reply) <= 404


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("550 " + "x" * 20_000, "too long"),
        ("endless", "does not end"),
        ("250-one\r\n550 another", "no SMTP reply"),
        ("250\tok", "no SMTP reply"),
        ("999 what?", "no SMTP reply"),
    ],
)
def test_a_reply_out_of_shape_breaks_the_line(sink: Sink, action: str, words: str) -> None:
    sink.script("rcpt", action)
    with transport(sink) as way, pytest.raises(MailDeferred, match=words):
        way.offer(mail())


# --- abandoning ----------------------------------------------------------------------------------
def test_an_abandoned_mail_is_never_accepted(sink: Sink) -> None:
    with transport(sink) as way:
        handover = way.offer(mail("d1"))
        handover.abandon()
        handover.abandon()
        with pytest.raises(RuntimeError, match="already ended"):
            handover.finish()
        send(way, mail("d2"))
    assert ids(sink) == ["<d2@news.example.org>"]


def test_an_unfinished_mail_is_closed_with_the_transport(sink: Sink) -> None:
    with transport(sink) as way:
        handover = way.offer(mail())
    wait_for_end(sink)
    with pytest.raises(MailDeferred, match="closed before the final dot"):
        handover.finish()
    assert ids(sink) == []
    assert sink.unfinished == [mail().body.removesuffix(b"\r\n")]


def test_a_new_offer_abandons_the_last(sink: Sink) -> None:
    with transport(sink) as way:
        first = way.offer(mail("d1"))
        send(way, mail("d2"))
        with pytest.raises(MailDeferred):
            first.finish()
    assert ids(sink) == ["<d2@news.example.org>"]


def test_a_handover_is_finished_once(sink: Sink) -> None:
    with transport(sink) as way:
        handover = way.offer(mail())
        handover.finish()
        handover.abandon()
        with pytest.raises(RuntimeError):
            handover.finish()
        send(way, mail("d2"))
    assert sink.connections == 1


def test_smtp_cannot_tell_whether_a_mail_arrived(sink: Sink) -> None:
    with transport(sink) as way:
        send(way, mail())
        assert way.delivered("<d1@news.example.org>", "d1") is None
