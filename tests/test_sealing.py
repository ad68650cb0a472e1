"""Marks hold for one purpose and one epoch, and secrets are kept as hashes alone."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from tasks.round.context import Context
from tasks.sealing import Seal, facts, hash_of, new_secret
from tasks.settings import Settings
from tasks.store.database import Database

SEAL = Seal(b"a key that is long enough for anybody")
NUMBERS = st.lists(st.integers(0, 2**63), min_size=1, max_size=5)
PURPOSES = ("give", "tune", "view", "feed")


@given(NUMBERS, st.integers(0, 2**31), st.sampled_from(PURPOSES))
def test_a_mark_holds_for_what_it_was_made_for_alone(
    numbers: list[int], epoch: int, purpose: str
) -> None:
    mark = SEAL.mark(purpose, *numbers, epoch=epoch)
    assert facts(mark) == tuple(numbers)
    assert SEAL.holds(purpose, mark, epoch=epoch)
    assert not SEAL.holds(purpose, mark, epoch=epoch + 1)
    assert not any(SEAL.holds(p, mark, epoch=epoch) for p in PURPOSES if p != purpose)
    assert not Seal(b"another key, as long as the first one").holds(purpose, mark, epoch=epoch)


@given(NUMBERS, st.integers(0, 500), st.integers(0, 7))
def test_a_mark_with_one_bit_turned_is_none(numbers: list[int], place: int, bit: int) -> None:
    mark = SEAL.mark("give", *numbers, epoch=3).encode()
    place %= len(mark)
    turned = mark[:place] + bytes([mark[place] ^ 1 << bit]) + mark[place + 1 :]
    text = turned.decode("latin-1")
    # The last letter carries two bits that are not part of the signature: they must be as made.
    assert not (facts(text) and SEAL.holds("give", text, epoch=3))


@given(st.text())
def test_no_text_is_taken_for_a_mark(text: str) -> None:
    assert not SEAL.holds("give", text, epoch=0)
    assert facts(text) == ()


def test_what_is_hidden_is_known_again_by_its_kind_alone() -> None:
    one = SEAL.hidden("address", "ada@readers.example")
    assert one == SEAL.hidden("address", "ada@readers.example")
    assert one != SEAL.hidden("net", "ada@readers.example")
    assert "ada" not in one


def test_secrets_differ_and_hashes_of_them_too() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == len({hash_of(secret) for secret in made}) == 100


def test_the_installation_s_own_secret_is_made_once_and_read_by_us_alone(
    settings: Settings,
) -> None:
    def sign(_: int) -> str:
        return Context(settings=settings, database=Database("sqlite://")).seal.mark("x", 1, epoch=0)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(sign, range(16)))) == 1
    file = settings.home / "secret"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["secret"]


def test_a_secret_that_is_set_signs(settings: Settings) -> None:
    said = settings.model_copy(
        update={"secret": Settings(secret="s" * 40, _env_file=None).secret}  # type: ignore[call-arg, arg-type]
    )
    context = Context(settings=said, database=Database("sqlite://"))
    assert context.seal.mark("x", 1, epoch=0) == Seal(b"s" * 40).mark("x", 1, epoch=0)
    assert not settings.home.exists()
