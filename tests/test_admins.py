"""Admins: how they are made, get in, are limited, change, and go; and what the audit says of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text, update
from sqlmodel import col, select

from tasks.errors import Conflict, TooMany, UnknownName, UsageError
from tasks.models import Admin as AdminRow
from tasks.models import AdminKey, AdminVisit, Audit
from tasks.office import admins, entering, passwords, programs
from tasks.office.entering import EACH_NAME, EACH_NET, EACH_PAIR, AdminVisitor
from tasks.round.context import Context
from tasks.store import admin_visits, audit
from tasks.store import admins as rows
from tasks.store.admins import Role

GOOD, OTHER = "my dog eats purple clouds", "nine tidal kilns orbit a mango"
HERE, BY = "203.0.113.7", "command line"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost little: what they cost is no matter of these tests."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    passwords._nobodys.cache_clear()


@pytest.fixture
def ada(context: Context) -> rows.Admin:
    return admins.create(context, BY, "ada", GOOD, role=Role.OWNER, email="ada@admins.example")


@pytest.fixture
def bo(context: Context, ada: rows.Admin) -> rows.Admin:
    return admins.create(context, BY, "bo", OTHER, role=Role.OPERATOR)


def enter(context: Context, name: str = "ada", password: str = GOOD, net: str = HERE) -> Any:
    return entering.sign_in(context, name, password, net=net)


def visitor(context: Context, name: str = "ada", password: str = GOOD) -> AdminVisitor:
    found = entering.visitor(context, enter(context, name, password))
    assert found
    return found


def acts(context: Context, **asked: Any) -> list[tuple[str, str, str, dict[str, Any]]]:
    with context.database.read() as session:
        found = audit.rows(session, 100, **asked)
    return [(act.who, act.action, act.subject, act.detail) for act in reversed(found)]


# --- roles and accounts --------------------------------------------------------------------------
def test_each_role_may_what_those_before_it_may() -> None:
    assert [[one.may(needed) for needed in Role] for one in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_no_account_is_there_by_itself(context: Context) -> None:
    assert admins.listed(context) == []
    assert enter(context, "admin", "admin") is None


def test_a_new_admin_is_kept_without_the_password(context: Context, ada: rows.Admin) -> None:
    with context.database.read() as session:
        row = session.exec(select(AdminRow)).one().model_dump()
    assert GOOD not in repr(row)
    told = (row["name"], row["role"], row["email"], row["epoch"])
    assert told == ("ada", "owner", "ada@admins.example", 0)
    assert acts(context) == [(BY, "admin created", "admin ada", {"role": "owner"})]


@pytest.mark.parametrize(
    "name",
    ["", "Ada", "1a", "a b", "a" * 41, "command line", "a\x00b", "ä", "a/b", "ada\n", "../me"],
)
def test_a_name_is_a_plain_one(context: Context, name: str) -> None:
    with pytest.raises(UsageError, match="no admin's name"):
        admins.create(context, BY, name, GOOD, role=Role.VIEWER)


def test_a_name_is_taken_once(
    context: Context, ada: rows.Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="already"):
        admins.create(context, BY, "ada", OTHER, role=Role.VIEWER)
    monkeypatch.setattr(admins, "must_be_free", lambda *_: None)  # as if both looked at once
    with pytest.raises(UsageError, match="already"):
        admins.create(context, BY, "ada", OTHER, role=Role.VIEWER)


@pytest.mark.parametrize(
    ("email", "password"), [("nobody", GOOD), ("", "too short"), ("", "ada ada ada ada ada")]
)
def test_what_will_not_do_makes_no_admin(context: Context, email: str, password: str) -> None:
    with pytest.raises(UsageError):
        admins.create(context, BY, "ada", password, role=Role.VIEWER, email=email)
    assert admins.listed(context) == []
    assert acts(context) == []


def test_an_unknown_admin_is_named(context: Context) -> None:
    for act in (
        lambda: admins.find(context, "cy"),
        lambda: admins.set_password(context, BY, "cy", GOOD),
        lambda: admins.set_role(context, BY, "cy", Role.OWNER),
        lambda: admins.set_email(context, BY, "cy", ""),
        lambda: admins.end_visits(context, BY, "cy"),
        lambda: admins.remove(context, BY, "cy"),
        lambda: programs.make(context, BY, "cy", "x", role=Role.VIEWER),
        lambda: programs.listed(context, "cy"),
        lambda: programs.revoke(context, BY, "cy", 1),
    ):
        with pytest.raises(UnknownName, match="'cy'"):
            act()


# --- signing in ----------------------------------------------------------------------------------
def test_name_and_password_open_the_door(context: Context, ada: rows.Admin) -> None:
    secret = enter(context, " ADA ")
    found = entering.visitor(context, secret)
    assert found
    assert (found.name, found.role, found.admin_id) == ("ada", Role.OWNER, ada.id)
    assert acts(context)[-1] == ("ada", "signed in", "admin ada", {})
    with context.database.read() as session:
        assert secret not in repr([row.model_dump() for row in session.exec(select(AdminVisit))])


@pytest.mark.parametrize("secret", ["", "x", "a" * 43, "' OR 1=1 --", "\x00" * 43, "é" * 43])
def test_no_other_secret_opens_it(context: Context, ada: rows.Admin, secret: str) -> None:
    enter(context)
    assert entering.visitor(context, secret) is None
    assert entering.key_owner(context, secret) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong"),
        ("ada", ""),
        ("ada", GOOD.upper()),
        ("cy", GOOD),
        ("", GOOD),
        ("ada\x00", GOOD),
        ("\ud800", GOOD),
        ("x" * 9999, GOOD),
    ],
)
def test_what_does_not_fit_gets_one_answer_and_is_counted_without_a_word_of_it(
    context: Context, ada: rows.Admin, name: str, password: str
) -> None:
    assert enter(context, name, password) is None
    assert acts(context)[-1] == ("a stranger", "sign-in failed", "", {"times": 1})


def test_failures_are_counted_in_a_row_for_each_hour(context: Any, ada: rows.Admin) -> None:
    for _ in range(3):
        enter(context, password="wrong")
    context.clock.moment += timedelta(hours=1)
    enter(context, "nobody", "wrong")
    assert [detail for *_, detail in acts(context, action="sign-in failed")] == [
        {"times": 3},
        {"times": 1},
    ]


def test_a_new_visit_ends_the_browsers_former_one(context: Context, ada: rows.Admin) -> None:
    former = enter(context)
    other = enter(context)
    now = entering.sign_in(context, "ada", GOOD, net=HERE, former=former)
    assert now
    assert entering.visitor(context, former) is None
    assert entering.visitor(context, other)
    assert entering.visitor(context, now)


def test_a_failed_sign_in_leaves_the_visit_of_before(context: Context, ada: rows.Admin) -> None:
    former = enter(context)
    assert entering.sign_in(context, "ada", "wrong", net=HERE, former=former) is None
    assert entering.visitor(context, former)


def test_who_signs_in_has_their_hash_made_anew_where_it_is_old(
    context: Context, ada: rows.Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    dearer = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", dearer)
    assert enter(context)
    with context.database.read() as session:
        found = rows.password_of(session, "ada")
    assert found
    assert "m=16,t=2" in found[1]
    assert found[0].epoch == 0
    assert enter(context)


def test_a_password_that_is_changed_meanwhile_opens_nothing(
    context: Context, ada: rows.Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = passwords.matches

    def slow(password: str, kept: str | None) -> bool:
        found = real(password, kept)
        admins.set_password(context, BY, "ada", OTHER)
        return found

    monkeypatch.setattr(passwords, "matches", slow)
    assert enter(context) is None
    monkeypatch.undo()
    assert admins.find(context, "ada").visits == ()


# --- limits --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_name_from_one_net_is_told_to_wait_whosever_it_is(
    context: Any, ada: rows.Admin, name: str
) -> None:
    for _ in range(EACH_PAIR.most):
        assert enter(context, name, "wrong") is None
    with pytest.raises(TooMany) as refused:
        enter(context, name, GOOD)
    assert refused.value.wait == EACH_PAIR.within
    context.clock.moment += EACH_PAIR.within
    assert (enter(context, name, GOOD) is not None) == (name == "ada")


def test_the_same_name_may_come_from_elsewhere(context: Context, ada: rows.Admin) -> None:
    for _ in range(EACH_PAIR.most):
        enter(context, password="wrong")
    assert enter(context, net="198.51.100.1")


def test_one_net_may_not_try_many_names(context: Context, ada: rows.Admin) -> None:
    for number in range(EACH_NET.most):
        enter(context, f"name{number}", "wrong", net=f"2001:db8::{number:x}")
    with pytest.raises(TooMany):
        enter(context, net="2001:db8::ffff")
    assert enter(context, net="2001:db8:0:1::1")


def test_many_nets_guess_no_faster_and_the_machine_itself_has_a_way_out(
    context: Context, ada: rows.Admin
) -> None:
    for number in range(EACH_NAME.most):
        enter(context, password="wrong", net=f"10.0.{number}.1")
    with pytest.raises(TooMany):
        enter(context, net="198.51.100.1")
    admins.set_password(context, BY, "ada", OTHER)
    assert enter(context, password=OTHER, net="198.51.100.1")


def test_getting_in_ends_the_count(context: Context, ada: rows.Admin) -> None:
    for _ in range(3):
        for _ in range(EACH_PAIR.most - 1):
            enter(context, password="wrong")
        assert enter(context)


# --- how long a visit lasts ------------------------------------------------------------------------
def test_a_visit_ends_when_it_is_idle(context: Any, ada: rows.Admin) -> None:
    secret = enter(context)
    context.clock.moment += admin_visits.IDLE - timedelta(seconds=1)
    found = entering.visitor(context, secret)
    assert found
    entering.stay(context, found)
    context.clock.moment += admin_visits.IDLE - timedelta(seconds=1)
    assert entering.visitor(context, secret)
    context.clock.moment += timedelta(seconds=1)
    assert entering.visitor(context, secret) is None


def test_a_visit_ends_when_it_is_old(context: Any, ada: rows.Admin) -> None:
    secret = enter(context)
    for _ in range(14):
        found = entering.visitor(context, secret)
        assert found
        entering.stay(context, found)
        context.clock.moment += admin_visits.IDLE - timedelta(seconds=1)
    context.clock.moment += timedelta(seconds=14)
    assert entering.visitor(context, secret) is None


def test_looking_changes_nothing(context: Any, ada: rows.Admin) -> None:
    secret = enter(context)
    context.clock.moment += timedelta(hours=1)
    assert entering.visitor(context, secret) == entering.visitor(context, secret)
    assert admins.find(context, "ada").seen_at == context.clock.moment - timedelta(hours=1)


def test_visits_that_are_over_are_forgotten(context: Any, ada: rows.Admin) -> None:
    enter(context)
    context.clock.moment += admin_visits.IDLE
    lasting = enter(context)
    with context.database.write() as session:
        assert admin_visits.purge(session, context.clock()) == 1
    assert entering.visitor(context, lasting)


def test_signing_out_ends_this_visit_alone(context: Context, ada: rows.Admin) -> None:
    gone, stays = enter(context), enter(context)
    entering.sign_out(context, gone)
    entering.sign_out(context, gone)
    assert entering.visitor(context, gone) is None
    assert entering.visitor(context, stays)
    assert [act for _, act, *_ in acts(context)].count("signed out") == 1


def test_one_of_ones_own_visits_can_be_ended_and_nobody_elses(
    context: Context, ada: rows.Admin, bo: rows.Admin
) -> None:
    who, other = visitor(context), visitor(context, "bo", OTHER)
    with pytest.raises(UsageError, match="over already"):
        admins.end_visit(context, who, other.visit_id)
    admins.end_visit(context, who, who.visit_id)
    assert [len(seen.visits) for seen in admins.listed(context)] == [0, 1]


# --- credentials that change -----------------------------------------------------------------------
def over(context: Context, secret: str, key: str) -> bool:
    return entering.visitor(context, secret) is None and entering.key_owner(context, key) is None


def test_another_password_ends_all_visits_and_keys(context: Context, ada: rows.Admin) -> None:
    secret = enter(context)
    key = programs.make(context, "ada", "ada", "x", role=Role.VIEWER)[1]
    admins.set_password(context, BY, "ada", OTHER)
    assert over(context, secret, key)
    assert enter(context) is None
    assert enter(context, password=OTHER)
    assert (BY, "password changed", "admin ada", {}) in acts(context)


def test_ones_own_password_is_changed_by_who_knows_it(context: Context, ada: rows.Admin) -> None:
    who, other = visitor(context), enter(context)
    with pytest.raises(UsageError, match="not your password"):
        admins.change_password(context, who, "wrong", OTHER, net=HERE)
    with pytest.raises(UsageError, match="have: think"):
        admins.change_password(context, who, GOOD, GOOD, net=HERE)
    with pytest.raises(UsageError, match="15 to 128"):
        admins.change_password(context, who, GOOD, "short", net=HERE)
    assert entering.visitor(context, other)
    admins.change_password(context, who, GOOD, OTHER, net=HERE)
    assert entering.visitor(context, other) is None
    assert enter(context, password=OTHER)


def test_guessing_the_password_at_an_open_browser_is_limited_too(
    context: Context, ada: rows.Admin
) -> None:
    who = visitor(context)
    for _ in range(EACH_PAIR.most):
        with pytest.raises(UsageError):
            entering.prove(context, who, "wrong", net=HERE)
    with pytest.raises(TooMany):
        entering.prove(context, who, GOOD, net=HERE)


def test_a_password_is_not_kept_over_one_that_came_meanwhile(
    context: Context, ada: rows.Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = passwords.hashed

    def slow(password: str) -> str:
        monkeypatch.setattr(passwords, "hashed", real)
        admins.set_password(context, BY, "ada", OTHER)
        return real(password)

    monkeypatch.setattr(passwords, "hashed", slow)
    with pytest.raises(Conflict, match="meanwhile"):
        admins.set_password(context, BY, "ada", "eleven wet pens hum at noon")
    assert enter(context, password=OTHER)


def test_another_role_ends_all_visits_and_keys(
    context: Context, ada: rows.Admin, bo: rows.Admin
) -> None:
    secret = enter(context, "bo", OTHER)
    key = programs.make(context, "bo", "bo", "x", role=Role.OPERATOR)[1]
    assert admins.set_role(context, "ada", "bo", Role.VIEWER).role is Role.VIEWER
    assert over(context, secret, key)
    told = ("ada", "role changed", "admin bo", {"role": "viewer", "before": "operator"})
    assert acts(context)[-1] == told


def test_the_same_role_again_changes_nothing(context: Context, ada: rows.Admin) -> None:
    secret, before = enter(context), acts(context)
    assert admins.set_role(context, "ada", "ada", Role.OWNER) == ada
    assert entering.visitor(context, secret)
    assert acts(context) == before


def test_an_epoch_that_moved_voids_what_no_row_was_deleted_of(
    context: Context, ada: rows.Admin
) -> None:
    secret = enter(context)
    key = programs.make(context, "ada", "ada", "x", role=Role.VIEWER)[1]
    with context.database.write() as session:
        session.execute(update(AdminRow).values(epoch=7))
    assert over(context, secret, key)


# --- owners ----------------------------------------------------------------------------------------
def test_the_last_owner_stays_one(context: Context, ada: rows.Admin, bo: rows.Admin) -> None:
    with pytest.raises(UsageError, match="ada is the only owner"):
        admins.set_role(context, "ada", "ada", Role.VIEWER)
    with pytest.raises(UsageError, match="ada is the only owner"):
        admins.remove(context, "ada", "ada")
    admins.set_role(context, "ada", "bo", Role.OWNER)
    admins.remove(context, "bo", "ada")
    assert [seen.admin.name for seen in admins.listed(context)] == ["bo"]


def test_two_owners_who_remove_each_other_leave_one(
    context: Context, ada: rows.Admin, bo: rows.Admin
) -> None:
    admins.set_role(context, BY, "bo", Role.OWNER)

    def drop(name: str) -> bool:
        try:
            admins.remove(context, BY, name)
        except UsageError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(drop, ["ada", "bo"])) == [False, True]
    assert len(admins.listed(context)) == 1


def test_who_is_removed_leaves_nothing_but_the_audit(
    context: Context, ada: rows.Admin, bo: rows.Admin
) -> None:
    secret = enter(context, "bo", OTHER)
    key = programs.make(context, "bo", "bo", "x", role=Role.OPERATOR)[1]
    admins.remove(context, "ada", "bo")
    assert over(context, secret, key)
    assert enter(context, "bo", OTHER) is None
    with context.database.read() as session:
        assert not session.exec(select(AdminVisit)).all()
        assert not session.exec(select(AdminKey)).all()
        assert "bo" in {act.who for act in audit.rows(session, 100)}


def test_who_comes_back_by_the_same_name_has_none_of_the_old_visits(
    context: Context, ada: rows.Admin, bo: rows.Admin
) -> None:
    secret = enter(context, "bo", OTHER)
    admins.remove(context, BY, "bo")
    admins.create(context, BY, "bo", OTHER, role=Role.OWNER)
    assert entering.visitor(context, secret) is None


def test_an_address_for_alarms_is_set_and_removed_and_stands_in_no_audit(
    context: Context, ada: rows.Admin
) -> None:
    secret = enter(context)
    admins.set_email(context, "ada", "ada", "Other@Admins.Example")
    assert admins.find(context, "ada").admin.email == "other@admins.example"
    admins.set_email(context, "ada", "ada", "")
    assert entering.visitor(context, secret)
    with pytest.raises(UsageError):
        admins.set_email(context, "ada", "ada", "nobody")
    assert "@" not in str(acts(context))


# --- keys ------------------------------------------------------------------------------------------
def test_a_key_may_what_it_was_made_for(context: Context, ada: rows.Admin) -> None:
    made, secret = programs.make(context, "ada", "ada", " for \n graphs ", role=Role.VIEWER)
    assert secret.startswith(made.start)
    found = entering.key_owner(context, secret)
    assert found
    assert (found.name, found.role, found.key_id) == ("ada", Role.VIEWER, made.id)
    assert [key.name for key in programs.listed(context, "ada")] == ["for graphs"]
    with context.database.read() as session:
        assert secret not in repr([row.model_dump() for row in session.exec(select(AdminKey))])
    assert secret not in str(acts(context))


def test_a_key_is_no_stronger_than_its_admin(
    context: Context, ada: rows.Admin, bo: rows.Admin
) -> None:
    with pytest.raises(UsageError, match="no key of theirs can be of owner"):
        programs.make(context, "bo", "bo", "x", role=Role.OWNER)
    secret = programs.make(context, "bo", "bo", "x", role=Role.OPERATOR)[1]
    with context.database.write() as session:  # as no function of ours would do it
        session.execute(update(AdminRow).where(col(AdminRow.name) == "bo").values(role="viewer"))
    found = entering.key_owner(context, secret)
    assert found
    assert found.role is Role.VIEWER


def test_that_a_key_was_used_is_noted_when_it_changed_something(
    context: Any, ada: rows.Admin
) -> None:
    secret = programs.make(context, "ada", "ada", "x", role=Role.OWNER)[1]
    context.clock.moment += timedelta(hours=1)
    found = entering.key_owner(context, secret)
    assert found
    assert programs.listed(context, "ada")[0].used_at is None
    entering.key_used(context, found)
    assert programs.listed(context, "ada")[0].used_at == context.clock()


def test_a_revoked_key_opens_nothing(context: Context, ada: rows.Admin, bo: rows.Admin) -> None:
    made, secret = programs.make(context, "ada", "ada", "x", role=Role.OWNER)
    with pytest.raises(UnknownName):
        programs.revoke(context, "bo", "bo", made.id)
    programs.revoke(context, "ada", "ada", made.id)
    assert entering.key_owner(context, secret) is None
    told = {"key": "x", "start": made.start}
    assert acts(context)[-1] == ("ada", "key revoked", "admin ada", told)


@pytest.mark.parametrize("name", ["", " \n ", "x" * 61])
def test_a_key_has_a_name(context: Context, ada: rows.Admin, name: str) -> None:
    with pytest.raises(UsageError, match="1 to 60"):
        programs.make(context, "ada", "ada", name, role=Role.VIEWER)


def test_no_key_outlasts_the_password_that_made_it(
    context: Context, ada: rows.Admin, bo: rows.Admin
) -> None:
    proved = entering.prove(context, visitor(context), GOOD, net=HERE)
    assert programs.make_own(context, proved, "x", role=Role.OWNER)
    admins.set_password(context, BY, "ada", OTHER)
    with pytest.raises(Conflict, match="sign in again"):
        programs.make_own(context, proved, "y", role=Role.OWNER)
    assert programs.listed(context, "ada") == []
    with pytest.raises(Conflict):
        programs.make_own(context, replace(bo, id=99), "y", role=Role.VIEWER)


def test_there_are_only_so_many_keys(context: Context, ada: rows.Admin) -> None:
    for number in range(programs.KEYS_MOST):
        programs.make(context, "ada", "ada", f"{number}", role=Role.VIEWER)
    with pytest.raises(UsageError, match="revoke one first"):
        programs.make(context, "ada", "ada", "one more", role=Role.VIEWER)


# --- the audit -------------------------------------------------------------------------------------
def test_the_audit_is_read_by_pages_and_by_name_and_action(context: Context) -> None:
    with context.database.write() as session:
        for number in range(5):
            who = "ada" if number % 2 else "bo"
            audit.note(session, who, f"act {number}", f"thing {number}", now=context.clock(), n=1)
    with context.database.read() as session:
        first = audit.rows(session, 2)
        assert [act.action for act in first] == ["act 4", "act 3"]
        assert [act.action for act in audit.rows(session, 9, before=first[-1].id)] == [
            "act 2",
            "act 1",
            "act 0",
        ]
        assert [act.action for act in audit.rows(session, 9, who="ada")] == ["act 3", "act 1"]
        assert [act.who for act in audit.rows(session, 9, action="act 2")] == ["bo"]
        assert audit.choices(session) == (["ada", "bo"], [f"act {n}" for n in range(5)])


def test_what_is_noted_is_gone_with_its_transaction(context: Context) -> None:
    with context.database.write() as session:
        audit.note(session, "ada", "never happened", now=context.clock())
        session.rollback()
    assert acts(context) == []


def test_counting_at_once_counts_every_one(context: Context) -> None:
    def count(_: int) -> None:
        with context.database.write() as session:
            audit.count(session, "a stranger", "sign-in failed", now=context.clock())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(12)))
    assert [detail for *_, detail in acts(context)] == [{"times": 12}]
    with context.database.read() as session:
        assert session.execute(text("SELECT count(*) FROM audit")).scalar() == 1
        assert session.exec(select(Audit.detail)).one() == {"times": 12}
