"""Papers of some weeks in one piece, which many threads look at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from threading import Thread
from typing import Any

import numpy as np
import pytest

from tasks.desk.tuning import past
from tasks.round import stretch
from tasks.round.stretch import Stretch
from tasks.score.answers import Answer
from tasks.score.wishes import Key


class Echo:
    """Finds nothing, for anything; it stands for the texts and for their finder."""

    papers = ()

    @property
    def finder(self) -> Echo:
        return self

    def answer(self, key: Key) -> Answer:
        return np.zeros(0, np.int64), np.zeros(0)


def laid_out() -> Stretch:
    """One without papers."""
    texts: Any = Echo()
    none = np.zeros(0, np.int64)
    return Stretch(texts=texts, moments=[], dates=none, ends=none, votes=[])


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_threads_may_share_it_while_the_oldest_answers_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretch, "WISHES_KEPT", 8)
    shared = laid_out()
    wrong: list[Exception] = []

    def look(step: int) -> None:
        try:
            for number in range(20_000):
                shared.answer(("words", str(number * step % 23)))
        except Exception as error:  # a thread's own errors are seen by nobody else
            wrong.append(error)

    threads = [Thread(target=look, args=(step,)) for step in (1, 3, 5, 7)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []


def test_replays_hold_on_to_the_papers_of_few_stretches() -> None:
    made = [laid_out() for _ in range(2 * stretch.KEPT)]
    for one in made:
        for asking in ("saved", "edited"):
            past._kept((one, asking), tuple)
    kept = [papers for papers, _ in past._replays]
    assert [one for one in made if one in kept] == made[-stretch.KEPT :]
