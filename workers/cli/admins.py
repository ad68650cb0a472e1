"""Admins: who may look after the service on its pages, and their programs' keys."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from tasks.errors import UsageError
from tasks.office import admins, programs
from tasks.office.passwords import LEAST, MOST
from tasks.store.admins import Role
from workers.cli.say import Json, listing, note, out
from workers.cli.state import opened

BY = "command line"  # who did it, in the audit

app = typer.Typer(help="Who may look after the service on its pages.", no_args_is_help=True)
keys = typer.Typer(help="What admins' programs show to the API.", no_args_is_help=True)
app.add_typer(keys, name="keys")

Name = Annotated[str, typer.Argument(help="The admin's name.")]
Reach = Annotated[
    Role, typer.Option(help="Viewers look, operators act, owners also manage admins.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What they sign in by, like ada.")],
    role: Reach = Role.VIEWER,
    email: Annotated[str, typer.Option(help="Where alarms go.")] = "",
    password_stdin: FromStdin = False,
) -> None:
    """Make an admin, with a password that is typed twice and not shown."""
    with opened() as context:
        admins.must_be_free(context, name)
        typed = _password(password_stdin)
        made = admins.create(context, BY, name, typed, role=role, email=email)
        owned = any(seen.admin.role is Role.OWNER for seen in admins.listed(context))
    note(f"added admin {made.name}, {made.role}: they sign in at /admin")
    if not owned:
        note(f"there is no owner yet: `paperround admins role {made.name} owner`")


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the admins, and when each was last seen."""
    with opened() as context:
        found = admins.listed(context)
    rows = [
        {
            "name": seen.admin.name,
            "role": seen.admin.role,
            "email": seen.admin.email,
            "created": seen.admin.created_at,
            "changed": seen.admin.changed_at,
            "visits": len(seen.visits),
            "seen": seen.seen_at,
            "keys": seen.keys,
        }
        for seen in found
    ]
    empty = "no admins yet: `paperround admins create NAME --role owner`"
    listing("Admins", rows, as_json=as_json, empty=empty)


@app.command()
def password(name: Name, password_stdin: FromStdin = False) -> None:
    """Give an admin another password; they are signed out everywhere, and their keys are void."""
    with opened() as context:
        admins.find(context, name)
        admins.set_password(context, BY, name, _password(password_stdin))
    note(f"{name} has a new password: visits and keys of before are over")


@app.command()
def role(name: Name, role: Annotated[Role, typer.Argument(help="What they may do.")]) -> None:
    """Give an admin another role; they are signed out everywhere, and their keys are void."""
    with opened() as context:
        made = admins.set_role(context, BY, name, role)
    note(f"{name}: {made.role}")


@app.command()
def email(
    name: Name, address: Annotated[str, typer.Argument(help="Where alarms go.")] = ""
) -> None:
    """Set where an admin's alarms go; nowhere, when no address is named."""
    with opened() as context:
        admins.set_email(context, BY, name, address)
    note(f"{name}: alarms go to {address or 'nobody'}")


@app.command(name="sign-out")
def sign_out(name: Name) -> None:
    """Sign an admin out everywhere."""
    with opened() as context:
        ended = admins.end_visits(context, BY, name)
    note(f"{name}: {ended} visits ended")


@app.command()
def remove(
    name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Remove an admin, never the last owner; what they did stays in the audit."""
    with opened() as context:
        admins.find(context, name)
        if not yes:
            typer.confirm(f"Remove admin {name} and their keys?", abort=True, err=True)
        admins.remove(context, BY, name)
    note(f"{name} is no admin any more")


# --- keys ----------------------------------------------------------------------------------------
@keys.command()
def make(
    owner: Name,
    name: Annotated[str, typer.Argument(help="What to know the key by.")],
    role: Reach = Role.VIEWER,
) -> None:
    """Make a key for an admin, and print it: nobody can see it again."""
    with opened() as context:
        key, secret = programs.make(context, BY, owner, name, role=role)
    out.print(secret, soft_wrap=True, markup=False)
    note(f"key {key.id} of {owner}, {key.role}: keep it now, it is not shown again")


@keys.command(name="list")
def list_keys(owner: Name, as_json: Json = False) -> None:
    """List an admin's keys; their secrets nobody knows."""
    with opened() as context:
        rows = [asdict(key) for key in programs.listed(context, owner)]
    empty = f"no keys: `paperround admins keys make {owner} NAME`"
    listing("Keys", rows, as_json=as_json, empty=empty)


@keys.command()
def revoke(
    owner: Name, key: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Its number.")]
) -> None:
    """Make a key void at once."""
    with opened() as context:
        programs.revoke(context, BY, owner, key)
    note(f"key {key} opens nothing any more")


def _password(from_stdin: bool) -> str:
    """A password, typed twice unseen, or read from a pipe."""
    if from_stdin:
        said = sys.stdin.readline(4096).rstrip("\r\n")
        if not said:
            raise UsageError("--password-stdin: there was no password on the first line of stdin")
        return said
    asked = f"Password ({LEAST} to {MOST} characters)"
    typed: str = typer.prompt(asked, hide_input=True, confirmation_prompt=True, err=True)
    return typed
