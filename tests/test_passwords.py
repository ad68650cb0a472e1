"""Passwords of admins: which will do, and that a wrong name costs what a wrong password does."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from argon2 import PasswordHasher

from tasks.errors import TooMany, UsageError
from tasks.office import passwords

GOOD = "my dog eats purple clouds"


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "q8#Lm2!vR9$kZt4w",
        "tr0ub4dor&3 zebra",
        "Zwölf Boxkämpfer jagen",
        "水を飲む猫が三匹いて窓の外を見ている",
        "x" * 3 + " tidal kiln orbit mango",
        "many unrelated words " + "1 of 9 plus kelp" * 6,
    ],
)
def test_a_long_password_of_its_own_will_do(password: str) -> None:
    assert passwords.check(password, "ada", "ada@example.org") == password


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short but odd", "15 to 128 characters, and this one has 13"),
        ("tidal kiln orbit mango " * 6, "and this one has 138"),
        ("tidal kiln\torbit mango", "without tabs"),
        ("tidal kiln\x00orbit mango", "without tabs"),
        ("tidal kiln\ud800orbit mango", "without tabs"),
        ("correcthorsebatterystaple", "common words"),
        ("Passw0rd1234567!", "common words"),
        ("P@$$w0rd P@$$w0rd", "common words"),
        ("qwertyuiop123456", "rows of keys"),
        ("9876543210fedcba", "rows of keys"),
        ("aaaaaaaaaaaaaaaaaaa", "repetitions"),
        ("abcabcabcabcabcabca", "repetitions"),
        ("q8#Lq8#Lq8#Lq8#Lq8", "repetitions"),
        ("Summer2026!Winter2027", "years"),
        ("ada.lovelace.1815", "your name"),
        ("ada.lovelace@engines.example", "your name"),
        ("Paperround-Admin-2026", "common words"),
        ("!!!!!---???...===+++", "repetitions"),
    ],
)
def test_what_guessers_try_first_will_not(password: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        passwords.check(password, "ada.lovelace", "ada.lovelace@engines.example")


def test_the_name_in_a_long_password_does_no_harm() -> None:
    assert passwords.check("lovelace counts nine purple kelps", "ada.lovelace")


def test_what_is_kept_tells_nothing_and_knows_the_password_again() -> None:
    kept = passwords.hashed(GOOD)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept != passwords.hashed(GOOD)
    assert passwords.matches(GOOD, kept)
    assert not passwords.matches(GOOD + "s", kept)
    assert not passwords.is_old(kept)


def test_the_same_password_from_another_keyboard_fits() -> None:
    kept = passwords.hashed("Zwo\u0308lf Boxka\u0308mpfer jagen")
    assert passwords.matches("Zw\u00f6lf Boxk\u00e4mpfer jagen", kept)


@pytest.mark.parametrize("typed", ["", "\ud800" * 20, "\x00", "x" * 60_000])
def test_whatever_is_typed_is_an_answer(typed: str) -> None:
    assert not passwords.matches(typed, passwords.hashed(GOOD))


def test_what_was_never_a_hash_fits_nothing() -> None:
    assert not passwords.matches(GOOD, "no hash")


def test_a_name_that_nobody_has_takes_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Counting(PasswordHasher):
        def verify(self, hash: Any, password: Any) -> Any:
            asked.append(str(hash))
            return super().verify(hash, password)

    counting = Counting(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", counting)
    assert not passwords.matches(GOOD, None)
    assert not passwords.matches("wrong", counting.hash(GOOD))
    assert len(asked) == 2
    assert asked[0].rpartition("p=1$")[0] == asked[1].rpartition("p=1$")[0]


def test_even_who_knows_what_a_wrong_name_is_held_against_does_not_get_in() -> None:
    assert not passwords.matches("what a wrong name is held against", None)


def test_a_hash_of_other_parameters_is_old() -> None:
    assert passwords.is_old(PasswordHasher(time_cost=1, memory_cost=8 * 1024).hash(GOOD))


def test_a_flood_of_tries_is_told_to_wait_and_holds_up_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_line", threading.Semaphore(1))
    with passwords._turn(), pytest.raises(TooMany, match="at this moment"):
        passwords.matches(GOOD, None)
    assert not passwords.matches(GOOD, None)


def test_no_more_hashes_are_made_at_once_than_there_is_room_for() -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def take() -> None:
        nonlocal inside, most
        with passwords._turn():
            with lock:
                inside += 1
                most = max(most, inside)
            passwords._hasher.hash(GOOD)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=take) for _ in range(passwords.LINE_MOST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 2
