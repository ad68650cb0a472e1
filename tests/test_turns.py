"""One reader looks back once at a time, whatever they send, and keeps nobody else waiting."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from tasks.errors import TooMany
from workers.web import turns
from workers.web.turns import ASKED_MOST, Turns


def test_each_reader_is_alone_with_themself_and_in_nobody_elses_way() -> None:
    gates, inside, done = Turns(), Event(), Event()
    order: list[str] = []

    def first() -> None:
        with gates.of(1):
            inside.set()
            done.wait(10)
            order.append("first")

    def second() -> None:
        with gates.of(1):
            order.append("second")

    threads = [Thread(target=first), Thread(target=second)]
    threads[0].start()
    inside.wait(10)
    threads[1].start()
    with gates.of(2):
        order.append("another reader")
    done.set()
    for one in threads:
        one.join()
    assert order == ["another reader", "first", "second"]


def test_who_waits_too_long_or_asks_too_often_is_told_when_to_ask_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.01)
    gates = Turns()
    with gates.of(1):
        with pytest.raises(TooMany, match="already"), gates.of(1):
            pass
        monkeypatch.setattr(turns, "ASKED_MOST", 1)
        monkeypatch.setattr(turns, "PATIENCE_S", 60.0)
        with pytest.raises(TooMany) as told, gates.of(1):
            pass
    assert told.value.wait == turns.AGAIN
    assert ASKED_MOST > 1
    with gates.of(1):  # and then it is free again
        pass


def test_an_error_opens_the_gate_again() -> None:
    gates = Turns()
    with pytest.raises(ZeroDivisionError), gates.of(1):
        raise ZeroDivisionError
    with gates.of(1):
        pass
    assert gates._gates == {}
